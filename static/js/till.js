/* The till without a mouse. Keys are read by their place on the keyboard (event.code), because half
   of the tills have the Russian layout on. Everything here is an addition: the forms work alone. */
(function () {
  "use strict";

  const CALM = 600; // ms after a step appears in which Enter and Esc do not leave it
  let shownAt = 0;

  const till = () => document.getElementById("till");
  const step = () => till()?.querySelector("[data-step]");
  const stepName = () => step()?.dataset.step || "";
  const field = () => till()?.querySelector("input[data-focus]");
  const keys = () => document.getElementById("keys");
  const trouble = () => document.getElementById("till-trouble");

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

  function goBack() {
    const input = field();
    if (input && input.value !== "") {
      input.value = "";
      input.dispatchEvent(new Event("input", { bubbles: true }));
      input.focus();
      return;
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
    const nothingYet = stepName() === "sale" || field()?.value === "";
    if (event.repeat || (fresh && nothingYet)) {
      event.preventDefault(); // a held or doubled Enter must not hide the result or scold
    } else if (stepName() === "sale" && !onControl) {
      till().querySelector("[data-next]")?.click();
    }
  }

  document.addEventListener("keydown", function (event) {
    if (keys()?.open) return;
    if (event.code === "Enter" || event.code === "NumpadEnter") return onEnter(event);
    if (event.code === "Escape") {
      event.preventDefault();
      document.querySelector("details.menu[open]")?.removeAttribute("open");
      return goBack();
    }
    if (typesElsewhere(event.target)) return;
    if (event.code === "Slash" && event.shiftKey) {
      event.preventDefault();
      return keys()?.showModal();
    }
    if (belongsToField(event)) field()?.focus(); // the sign itself then lands in the field
  });

  document.addEventListener("click", function (event) {
    if (event.target instanceof Element && event.target.closest("[data-keys]")) {
      event.preventDefault();
      keys()?.showModal();
    }
  });

  // At the answer, not at the settling 20 ms later: by then the next request may have failed.
  document.addEventListener("htmx:afterRequest", function (event) {
    if (event.detail.successful) showTrouble("");
  });

  document.addEventListener("htmx:afterSettle", function (event) {
    if (event.detail.target.id === "preview") {
      const wrong = event.detail.target.querySelector(".field-error");
      field()?.setAttribute("aria-invalid", String(Boolean(wrong)));
      return;
    }
    shownAt = performance.now();
    say(step()?.dataset.said);
    window.scrollTo({ top: 0 });
    focusNext();
  });

  document.addEventListener("htmx:sendError", () => showTrouble("offline"));
  document.addEventListener("htmx:timeout", () => showTrouble("offline"));
  document.addEventListener("htmx:responseError", () => showTrouble("broken"));
  window.addEventListener("focus", function () {
    if (!typesElsewhere(document.activeElement)) focusNext();
  });

  focusNext();
})();
