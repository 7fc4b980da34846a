/* Digits of our own on a phone: they lie under the thumb and the page does not jump, as it does when
   the keyboard of the phone comes and goes. */
(function () {
  "use strict";

  const PHONE = window.matchMedia("(pointer: coarse) and (max-width: 767px)");
  const till = () => document.getElementById("till");
  const pad = () => till()?.querySelector("[data-pad]");
  const padded = () => [...till().querySelectorAll("[data-padded]")];

  function show() {
    const place = pad();
    if (!place || !PHONE.matches) return;
    place.hidden = false;
    for (const input of till().querySelectorAll("input[inputmode]")) {
      input.dataset.padded = input.inputMode;
      input.inputMode = "none";
    }
  }

  /* A name needs letters: the phone's own keyboard, for this step. */
  function letters() {
    const [first] = padded();
    for (const input of padded()) {
      input.inputMode = "text";
      input.removeAttribute("data-padded");
    }
    pad().hidden = true;
    first.blur();
    first.focus();
  }

  function press(key) {
    if ("letters" in key.dataset) return letters();
    if ("go" in key.dataset) return key.closest("form").querySelector(".till-actions .button-main").click();
    const input = padded().find((one) => one === document.activeElement) || padded()[0];
    if (!input) return;
    input.focus();
    const start = input.selectionStart;
    const end = input.selectionEnd;
    if ("erase" in key.dataset) input.setRangeText("", start === end ? Math.max(0, start - 1) : start, end, "end");
    else if (input.value.length < input.maxLength) input.setRangeText(key.dataset.sign, start, end, "end");
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  const keyOf = (event) => event.target instanceof Element && event.target.closest("[data-pad] button");

  // The cursor stays in the field.
  document.addEventListener("pointerdown", (event) => keyOf(event) && event.preventDefault());
  document.addEventListener("mousedown", (event) => keyOf(event) && event.preventDefault());
  document.addEventListener("click", function (event) {
    const key = keyOf(event);
    if (key) press(key);
  });
  document.addEventListener("focusin", function (event) {
    const place = pad();
    if (!place || !PHONE.matches || !(event.target instanceof HTMLInputElement)) return;
    place.hidden = !("padded" in event.target.dataset);
  });

  /* What matters begins at the upper edge: between it and the pad there is half a screen. */
  function settle() {
    const card = till()?.querySelector(".till-card");
    const result = till()?.querySelector("[data-step=sale], [data-step=kept]");
    if (card && PHONE.matches && (pad() || result)) card.scrollIntoView({ block: "start" });
  }

  window.tillPad = { settle, show };
})();
