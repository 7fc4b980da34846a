/** The typed client: one call for each operation of docs/openapi.yaml. */
import createClient, { type Client, type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema.js";

export type Schemas = components["schemas"];
export type ErrorCode = Schemas["ErrorCode"];

export interface Tokens {
  accessToken: string;
  refreshToken: string;
}

/** A failure in the contract's envelope. */
export class Refusal extends Error {
  constructor(
    readonly code: ErrorCode,
    readonly status: number,
    message: string,
    readonly details: Record<string, string[]>,
  ) {
    super(message);
  }
}

/** What a call answered, or its failure as an exception. */
export function answered<T>(result: {
  data?: { data: T };
  error?: { error: { code: ErrorCode; message: string; details: Record<string, string[]> } };
  response: Response;
}): T {
  if (result.data === undefined) {
    const { code, message, details } = result.error!.error;
    throw new Refusal(code, result.response.status, message, details);
  }
  return result.data.data;
}

/** One key for one intent: repeat it when the answer was lost, never for another purchase. */
export const newKey = (): string => crypto.randomUUID();

export class SvoyKrug {
  readonly api: Client<paths>;
  tokens?: Tokens;

  constructor(baseUrl: string, language: "ru" | "en" = "ru") {
    this.api = createClient<paths>({ baseUrl });
    const signed: Middleware = {
      onRequest: ({ request }) => {
        request.headers.set("Accept-Language", language);
        if (this.tokens) {
          request.headers.set("Authorization", `Bearer ${this.tokens.accessToken}`);
        }
        return request;
      },
    };
    this.api.use(signed);
  }

  /** Rotates the pair; a refresh token works once. */
  async refresh(): Promise<void> {
    if (!this.tokens) throw new Error("Nobody is signed in");
    const { refreshToken } = this.tokens;
    delete this.tokens;
    this.tokens = answered(
      await this.api.POST("/api/v1/auth/refresh", { body: { refreshToken } }),
    );
  }
}
