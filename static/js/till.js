/* The till without a mouse. Keys are read by their place on the keyboard (event.code), because half
   of the tills have the Russian layout on. Everything here is an addition: the forms work alone. */
(function () {
  "use strict";

  const CALM = 600; // ms after a step appears in which Enter and Esc do not leave it
  const SLIP = "till-slip"; // the address of this tab's last slip, for F8 anywhere
  const IDLE = 10 * 60 * 1000; // ms after which a trusted computer asks who is there
  const { camera: CAMERA, worker: WORKER } = document.currentScript.dataset;
  let shownAt = 0;
  let touchedAt = Date.now();
  let carried = ""; // the sum that was typed when a card was scanned over it

  const till = () => document.getElementById("till");
  const step = () => till()?.querySelector("[data-step]");
  const stepName = () => step()?.dataset.step || "";
  const field = () => till()?.querySelector("input[data-focus]");
  const keys = () => document.getElementById("keys");
  const trouble = () => document.getElementById("till-trouble");
  const spend = () => till()?.querySelector("[data-spend]");

  function focusNext() {
    const next = till()?.querySelector("[data-focus]");
    if (!next) return;
    next.focus();
    if (next.select && next.getAttribute("aria-invalid") === "true") next.select();
  }

  function say(text) {
    const place = document.getElementById("till-said");
    if (place && text) place.textContent = text;
  }

  function showTrouble(kind) {
    const place = trouble();
    if (!place) return;
    place.textContent = kind ? place.dataset[kind] : "";
    place.hidden = !kind;
  }

  function fill(input, text) {
    input.value = text;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function goBack() {
    const active = document.activeElement;
    if (active?.id === "spend" || active?.id === "coupon") {
      fill(active, "");
      return field()?.focus();
    }
    const input = field();
    if (input && input.value !== "") {
      fill(input, "");
      return input.focus();
    }
    till()?.querySelector("[data-back]")?.click();
  }

  function belongsToField(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.key.length !== 1) return false;
    return /^(Digit|Numpad|Key)/.test(event.code);
  }

  function typesElsewhere(target) {
    return target instanceof Element && target.matches("input, textarea, select, [contenteditable]");
  }

  function onEnter(event) {
    const onControl = event.target instanceof Element && event.target.closest("a, button, summary");
    const fresh = performance.now() - shownAt < CALM;
    const nothingYet = stepName() === "sale" || stepName() === "kept" || field()?.value === "";
    if (event.repeat || (fresh && nothingYet)) {
      event.preventDefault(); // a held or doubled Enter must not hide the result or scold
    } else if (stepName() === "sale" && !onControl) {
      till().querySelector("[data-next]")?.click();
    }
  }

  // --- bonuses ---------------------------------------------------------------------------------
  function redeem() {
    const place = spend();
    if (!place) return;
    const input = place.querySelector("input");
    place.removeAttribute("data-empty");
    if (document.activeElement === input) return most();
    input.focus();
    input.select();
  }

  function most() {
    const known = till()?.querySelector("#preview [data-most]");
    if (known) fill(spend().querySelector("input"), known.dataset.most);
  }

  // --- keys --------------------------------------------------------------------------------------
  function lastSlip() {
    const own = till()?.querySelector("[data-slip]");
    if (own) return own.click();
    const last = till()?.querySelector(".latest a[href*='/sale/']");
    const slip = last ? `${last.getAttribute("href")}slip/` : sessionStorage.getItem(SLIP);
    if (slip) window.open(slip, "_blank");
  }

  function coupon() {
    const place = till()?.querySelector(".coupon-field");
    if (!place) return document.querySelector("[data-coupon]")?.click();
    place.open = true;
    place.querySelector("input").focus();
  }

  const FUNCTIONS = {
    F2: redeem,
    F4: coupon,
    F8: lastSlip,
    F9: () => document.querySelector("[data-return]")?.click(),
  };

  function functionOf(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return null;
    if (stepName() === "operation" && event.target.id !== "coupon") {
      if (event.code === "KeyR") return redeem;
      if (event.code === "KeyK") return coupon;
    }
    return FUNCTIONS[event.code] || null;
  }

  document.addEventListener("keydown", function (event) {
    touchedAt = Date.now();
    if (keys()?.open || document.getElementById("camera")?.open) return;
    if (event.code === "Enter" || event.code === "NumpadEnter") return onEnter(event);
    if (event.code === "Escape") {
      event.preventDefault();
      document.querySelector("details.menu[open]")?.removeAttribute("open");
      return goBack();
    }
    const does = functionOf(event);
    if (does) {
      event.preventDefault();
      return does();
    }
    if (typesElsewhere(event.target)) return;
    if (event.code === "Slash" && event.shiftKey) {
      event.preventDefault();
      return keys()?.showModal();
    }
    if (belongsToField(event)) field()?.focus(); // the sign itself then lands in the field
  });

  // --- scans -------------------------------------------------------------------------------------
  function send(form, input, text, name, value) {
    input.value = text;
    const button = name && form.querySelector(`button[name="${name}"][value="${value}"]`);
    form.requestSubmit(button || form.querySelector(".button-main"));
  }

  function findAnew(text) {
    if (!window.htmx) return showOffline(text); // the page without a network
    carried = stepName() === "operation" ? field()?.value || "" : "";
    window.htmx.ajax("POST", "/kassa/find/", { target: "#till", values: { who: text }, source: "#till" });
  }

  document.addEventListener("till:scan", function (event) {
    const text = event.detail;
    const trial = document.activeElement?.closest("[data-trial]");
    if (trial) {
      const said = document.getElementById("trial-said");
      said.textContent = `${said.dataset.good} ${text}`;
      return;
    }
    const input = till()?.querySelector("input[data-scan]");
    if (stepName() === "offline") {
      till().querySelector("[name=who]").value = text;
      return till().querySelector("[name=amount]").focus();
    }
    if (stepName() === "confirm") return send(input.form, input, text, "act", "code");
    if (input) return send(input.form, input, text);
    findAnew(text);
  });

  document.addEventListener("click", function (event) {
    touchedAt = Date.now();
    if (!(event.target instanceof Element)) return;
    if (event.target.closest("[data-keys]")) {
      event.preventDefault();
      keys()?.showModal();
    }
    if (event.target.closest("[data-max]")) most();
    if (event.target.closest("[data-print]")) window.print();
    if (event.target.closest("[data-offline-next]")) location.assign("/kassa/");
    const camera = event.target.closest("[data-camera]");
    if (camera) openCamera();
  });

  function openCamera() {
    if (window.tillCamera) return window.tillCamera.open();
    const script = document.createElement("script");
    script.src = CAMERA;
    script.onload = () => window.tillCamera.open();
    document.head.append(script);
  }

  // --- when the network is down --------------------------------------------------------------------
  function showTemplate(id) {
    till().replaceChildren(document.getElementById(id).content.cloneNode(true));
    shownAt = performance.now();
  }

  function showOffline(who) {
    showTemplate("offline-form");
    const form = till().querySelector("form");
    form.elements.who.value = who;
    window.tillPad?.show();
    (who ? form.elements.amount : form.elements.who).focus();
  }

  async function keepSale(sale) {
    const problem = await window.tillQueue.keep(sale);
    if (!problem) {
      showTemplate("offline-done");
      till().querySelector("[data-sum]").textContent = `${sale.amount} ₽`;
      focusNext();
    }
    return problem;
  }

  document.addEventListener("submit", async function (event) {
    const form = event.target;
    if (!form.matches("[data-offline-form]")) return;
    event.preventDefault();
    const problem = await keepSale({ who: form.elements.who.value, amount: form.elements.amount.value });
    if (problem) {
      const place = document.getElementById("offline-error");
      place.textContent = problem;
      place.hidden = false;
      form.elements.amount.focus();
    }
  });

  async function onLost(event) {
    const from = event.detail.elt;
    if (!window.tillQueue || !(from instanceof Element)) return showTrouble("offline");
    if (from.matches("[data-find]")) return showOffline(from.elements.who.value);
    if (!from.matches("[data-operation]")) return showTrouble("offline");
    if (from.elements.spend?.value.trim()) return showTrouble("spend");
    const problem = await keepSale({ operation: from.dataset.operation, amount: from.elements.amount.value });
    if (problem) showTrouble("offline");
  }

  // --- htmx ------------------------------------------------------------------------------------------
  // At the answer, not at the settling 20 ms later: by then the next request may have failed.
  document.addEventListener("htmx:afterRequest", function (event) {
    if (event.detail.successful) showTrouble("");
  });

  document.addEventListener("htmx:afterSettle", function (event) {
    const target = event.detail.target;
    if (target.id === "preview" || target.id === "effect") {
      const wrong = target.querySelector(".field-error");
      field()?.setAttribute("aria-invalid", String(Boolean(wrong)));
      return;
    }
    appear();
  });

  document.addEventListener("htmx:sendError", onLost);
  document.addEventListener("htmx:timeout", onLost);
  document.addEventListener("htmx:responseError", () => showTrouble("broken"));
  window.addEventListener("focus", function () {
    if (!typesElsewhere(document.activeElement)) focusNext();
  });

  // --- a step appears ----------------------------------------------------------------------------------
  function appear() {
    shownAt = performance.now();
    say(step()?.dataset.said);
    window.scrollTo({ top: 0 });
    for (const button of document.querySelectorAll("[data-camera][hidden], [data-max][hidden], [data-print][hidden]")) {
      button.hidden = button.matches("[data-camera]") && !navigator.mediaDevices;
    }
    const slip = till()?.querySelector("[data-slip]");
    if (slip) sessionStorage.setItem(SLIP, slip.getAttribute("href"));
    window.tillPad?.show();
    if (carried && stepName() === "operation") fill(field(), carried);
    carried = "";
    remember();
    focusNext();
    window.tillPad?.settle();
    window.tillQueue?.look();
  }

  function remember() {
    document.body.classList.toggle("till-large", localStorage.getItem("till-size") === "large");
    const form = till()?.querySelector("[data-settings]");
    if (!form) return;
    form.elements.sound.checked = localStorage.getItem("till-sound") !== "off";
    form.elements.size.value = localStorage.getItem("till-size") || "";
    form.elements.paper.value = localStorage.getItem("till-paper") || "80";
  }

  document.addEventListener("submit", function (event) {
    if (!event.target.matches("[data-settings]")) return;
    event.preventDefault();
    const form = event.target;
    localStorage.setItem("till-sound", form.elements.sound.checked ? "on" : "off");
    localStorage.setItem("till-size", form.elements.size.value);
    localStorage.setItem("till-paper", form.elements.paper.value);
    location.assign(form.querySelector("[data-back-after]").dataset.backAfter);
  });

  setInterval(function () {
    const left = till()?.querySelector("[data-undo]");
    if (left) {
      const seconds = Number(left.dataset.undo) - 1;
      left.dataset.undo = String(seconds);
      const minutes = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      left.querySelector("[data-left]").textContent = seconds > 0 ? minutes : "";
      if (seconds <= 0) left.hidden = true;
    }
    const lock = document.querySelector("form[data-lock]");
    if (lock && Date.now() - touchedAt > IDLE && navigator.onLine) lock.requestSubmit();
  }, 1000);

  appear();
  if (till()?.hasAttribute("data-shell")) {
    showOffline("");
    // "online" is what the device believes, said once: the server itself is asked, again and again.
    const goOn = async function () {
      const form = till().querySelector("form");
      if (!navigator.onLine || form?.elements.who.value) return;
      const answer = await fetch("/health/live", { cache: "no-store" }).catch(() => null);
      if (answer?.ok) location.assign("/kassa/");
    };
    window.addEventListener("online", goOn);
    setInterval(goOn, 5000);
  }
  if (WORKER) navigator.serviceWorker?.register(WORKER, { scope: "/kassa/" }).catch(() => {});
})();
