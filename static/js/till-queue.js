/* Sales that wait for the network. They are kept on this device, sealed with a key that cannot be
   taken out of the browser, at most 200 and 24 hours; each goes out with its own key, so that the
   server records it once however often it comes. */
(function () {
  "use strict";

  const MOST = 200;
  const MOST_SUM = 3000000; // kopecks of one sale
  const BATCH = 50;
  const AGAIN = 15000; // ms
  const DAY = 24 * 3600 * 1000; // ms

  const place = document.getElementById("queue");
  if (!place || !window.indexedDB || !window.crypto || !window.crypto.subtle) return;

  const AMOUNT = /^(?:\d{1,8}|\d{1,3}(?:[ \u00a0\u202f\u2009]\d{3})+)(?:[.,]\d{1,2})?$/;
  let count = 0;
  let refused = [];
  let held = ""; // why she cannot leave now: stays while sales wait

  /* The same sums that the server takes; it decides in the end. */
  function kopecksOf(text) {
    const body = text.trim().replace(/[ \u00a0\u202f]*₽$/, "");
    if (!AMOUNT.test(body)) return 0;
    const [whole, part = ""] = body.replace(/[ \u00a0\u202f\u2009]/g, "").split(/[.,]/);
    return whole.length > 8 ? 0 : Number(whole) * 100 + Number(part.padEnd(2, "0"));
  }

  // --- the box on the device -----------------------------------------------------------------
  const box = new Promise(function (resolve, reject) {
    const opening = indexedDB.open("till", 1);
    opening.onupgradeneeded = function () {
      opening.result.createObjectStore("sales", { keyPath: "key" });
      opening.result.createObjectStore("seals");
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });

  async function ask(store, mode, work) {
    const base = await box;
    return new Promise(function (resolve, reject) {
      const asked = work(base.transaction(store, mode).objectStore(store));
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
  }

  async function sealKey() {
    const known = await ask("seals", "readonly", (store) => store.get("own"));
    if (known) return known;
    const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
    await ask("seals", "readwrite", (store) => store.put(made, "own"));
    return made;
  }

  async function seal(said) {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const plain = new TextEncoder().encode(JSON.stringify(said));
    return { iv, sealed: await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await sealKey(), plain) };
  }

  async function unseal({ iv, sealed }) {
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, await sealKey(), sealed);
    return JSON.parse(new TextDecoder().decode(plain));
  }

  async function put(sale) {
    const row = { key: sale.key, at: sale.at, ...(await seal(sale)) };
    await ask("sales", "readwrite", (store) => store.put(row));
  }

  async function all() {
    const rows = await ask("sales", "readonly", (store) => store.getAll());
    const sales = [];
    for (const row of rows) sales.push(await unseal(row));
    return sales.sort((one, other) => (one.at < other.at ? -1 : 1));
  }

  const remove = (key) => ask("sales", "readwrite", (store) => store.delete(key));

  // --- who sells here: the pass of the page, remembered for a reload without a network -----------
  async function remember() {
    if (!place.dataset.pass) return;
    const row = await seal({ pass: place.dataset.pass, at: Date.now() });
    await ask("seals", "readwrite", (store) => store.put(row, "pass"));
  }

  const forget = () => ask("seals", "readwrite", (store) => store.delete("pass"));

  async function passOf() {
    if (place.dataset.pass) return place.dataset.pass;
    const row = await ask("seals", "readonly", (store) => store.get("pass"));
    const known = row && (await unseal(row));
    return known && Date.now() - known.at < DAY ? known.pass : "";
  }

  // --- what is shown ---------------------------------------------------------------------------
  function draw(said) {
    const text = place.querySelector("[data-text]");
    const list = place.querySelector("[data-refusals]");
    if (!count && !refused.length) held = "";
    text.textContent = said || held || (count ? `${place.dataset.one} ${count}` : "");
    list.replaceChildren(
      ...refused.map(function (sale) {
        const row = document.createElement("li");
        const dismiss = document.createElement("button");
        dismiss.type = "button";
        dismiss.className = "button";
        dismiss.textContent = "×";
        dismiss.setAttribute("aria-label", "OK");
        dismiss.addEventListener("click", () => remove(sale.key).then(look));
        row.append(`${place.dataset.refused} ${sale.amount} ₽, ${sale.reason} `, dismiss);
        return row;
      }),
    );
    place.hidden = !text.textContent && !refused.length;
    for (const field of document.querySelectorAll("[data-queued]")) field.value = String(count + refused.length);
  }

  async function look(said) {
    const sales = await all();
    refused = sales.filter((sale) => sale.reason);
    count = sales.length - refused.length;
    draw(typeof said === "string" ? said : "");
    return sales;
  }

  // --- in and out --------------------------------------------------------------------------------
  /* Keeps a sale; a sentence for the person when it cannot, else an empty string. */
  async function keep(sale) {
    const kopecks = kopecksOf(sale.amount);
    const pass = await passOf();
    if (!pass) return place.dataset.unknown;
    if (!kopecks) return place.dataset.wrong;
    if (kopecks > MOST_SUM) return place.dataset.far;
    const sales = await all();
    const same = sale.operation && sales.find((one) => one.operation === sale.operation);
    if (!same && sales.length >= MOST) return place.dataset.full;
    const key = same ? same.key : crypto.randomUUID();
    await put({ ...sale, key, at: new Date().toISOString(), pass });
    await look();
    return "";
  }

  function token() {
    const headers = document.getElementById("till").getAttribute("hx-headers");
    return JSON.parse(headers)["X-CSRFToken"];
  }

  async function send(sales, pass) {
    const answer = await fetch(place.dataset.url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
      body: JSON.stringify({
        pass,
        sales: sales.map(({ key, who, operation, amount, at }) => ({ key, who, operation, amount, at })),
      }),
    });
    if (!answer.ok) return false;
    const said = await answer.json();
    for (const one of said.sales) {
      const sale = sales.find((kept) => kept.key === one.key);
      if (one.state === "done") await remove(one.key);
      else if (sale) await put({ ...sale, reason: one.reason });
    }
    return true;
  }

  async function flush() {
    if (!place.dataset.pass) return look(); // the page without a network delivers nothing itself
    const waiting = (await look()).filter((sale) => !sale.reason);
    if (!waiting.length) return;
    let all = true;
    for (const pass of new Set(waiting.map((sale) => sale.pass))) {
      const own = waiting.filter((sale) => sale.pass === pass);
      for (let start = 0; start < own.length; start += BATCH) {
        all = (await send(own.slice(start, start + BATCH), pass)) && all;
      }
    }
    await look();
    if (all && !count && !refused.length) {
      draw(place.dataset.sent);
      setTimeout(() => look(), 5000);
    }
  }

  let busy = false;
  async function flushOnce() {
    if (busy) return;
    busy = true;
    try {
      if (navigator.locks) await navigator.locks.request("till-queue", { ifAvailable: true }, (held) => held && flush());
      else await flush();
    } catch {
      await look(); // still no network, or signed out: it all stays
    } finally {
      busy = false;
    }
  }

  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (/\/(logout|lock|close|business)\/$/.test(form.action)) forget();
    if (!count && !refused.length) return;
    if (form.matches("[data-close]")) {
      event.preventDefault();
      held = place.dataset.leave;
      setTimeout(() => (held = ""), 10000);
      draw();
      flushOnce();
    } else if (/\/logout\/$/.test(form.action) && !window.confirm(place.dataset.leave)) {
      event.preventDefault();
    }
  });
  window.addEventListener("online", flushOnce);
  document.addEventListener("htmx:afterRequest", function (event) {
    if (event.detail.successful && count) flushOnce();
  });
  setInterval(() => (count ? flushOnce() : null), AGAIN);
  remember().then(flushOnce);

  window.tillQueue = { keep, flush: flushOnce, forget, kopecksOf, look };
})();
