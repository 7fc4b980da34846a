/**
 * A member's day through the typed client: sign in, first screen, quote, hold, coupon, vote, seat,
 * refresh, sign out. `API`, `PHONE`, `BUSINESS`, `PROMO`, `EVENT`, `PROPOSAL` and `SMS_FILE` come
 * from the environment.
 */
import { readFile } from "node:fs/promises";
import { Refusal, SvoyKrug, answered, newKey } from "./client.js";

function given(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`Set ${name}`);
  return value;
}

/** The six digits of the last message to this number, as a person would read them. */
async function codeFor(phone: string): Promise<string> {
  const lines = (await readFile(given("SMS_FILE"), "utf8")).trim().split("\n").reverse();
  for (const line of lines) {
    const message = JSON.parse(line) as { phone: string; text: string };
    const code = /\b\d{6}\b/.exec(message.text)?.[0];
    if (message.phone === phone && code) return code;
  }
  throw new Error("No code came");
}

async function refused(call: Promise<unknown>, code: string): Promise<void> {
  try {
    await call;
  } catch (failure) {
    if (failure instanceof Refusal && failure.code === code) return;
    throw failure;
  }
  throw new Error(`${code} was expected`);
}

function say(step: string, told: unknown): void {
  console.log(`${step}: ${JSON.stringify(told)}`);
}

async function day(): Promise<void> {
  const circle = new SvoyKrug(new URL(given("API")).origin);
  const { api } = circle;
  const phone = given("PHONE");
  const businessId = given("BUSINESS");

  const asked = answered(await api.POST("/api/v1/auth/send-code", { body: { phone } }));
  const signedIn = answered(
    await api.POST("/api/v1/auth/verify-code", {
      body: { codeId: asked.codeId, code: await codeFor(phone) },
    }),
  );
  circle.tokens = signedIn;
  say("signed in", signedIn.user.status.code);

  const first = answered(await api.GET("/api/v1/users/me/overview"));
  say("overview", first.balance.available);

  const body = { businessId, amount: "2000.00" };
  const quote = answered(await api.POST("/api/v1/loyalty/quote", { body }));
  say("quote", [quote.accrual, quote.maxSpend]);

  const key = newKey();
  const hold = () =>
    api.POST("/api/v1/loyalty/redemptions", {
      params: { header: { "Idempotency-Key": key } },
      body: { businessId, amount: "200.00" },
    });
  const held = answered(await hold());
  const again = answered(await hold());
  if (held.id !== again.id) throw new Error("One key made two holds");
  say("held", held.amount);

  const coupon = answered(
    await api.POST("/api/v1/coupons/claim", {
      params: { header: { "Idempotency-Key": newKey() } },
      body: { code: given("PROMO") },
    }),
  );
  say("coupon", coupon.state);

  const vote = answered(
    await api.POST("/api/v1/events/{id}/vote", {
      params: { path: { id: given("PROPOSAL") } },
      body: { value: 1 },
    }),
  );
  say("voted", vote.mine);

  const seat = answered(
    await api.POST("/api/v1/events/{id}/register", {
      params: { path: { id: given("EVENT") }, header: { "Idempotency-Key": newKey() } },
      body: { guests: 0 },
    }),
  );
  say("seat", seat.state);

  const before = circle.tokens.accessToken;
  await circle.refresh();
  if (circle.tokens.accessToken === before) throw new Error("The token did not change");

  const gone = await api.DELETE("/api/v1/users/me/sessions/{session_id}", {
    params: { path: { session_id: "current" } },
  });
  if (gone.response.status !== 204) throw new Error(`Sign-out: ${gone.response.status}`);
  const balance = async () => answered(await api.GET("/api/v1/loyalty/balance"));
  await refused(balance(), "UNAUTHENTICATED");
  say("signed out", true);
}

await day();
