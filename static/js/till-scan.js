/* A scanner is a keyboard that types fast: ten signs or more, less than 35 ms apart, then Enter.
   Its signs are read by the place of the key, so the Russian layout and Caps Lock change nothing.
   What it typed never stays in a field: the whole code goes out as one event. */
(function () {
  "use strict";

  const GAP = 35; // ms between two signs of a scanner
  const LEAST = 10; // signs
  const SIGNS = { Minus: "-", NumpadSubtract: "-", Slash: "/", Period: ".", Equal: "=", Semicolon: ";" };

  let signs = "";
  let last = 0;
  let field = null;
  let before = "";

  function signOf(event) {
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
    if (digit) return digit[1];
    const letter = /^Key([A-Z])$/.exec(event.code);
    if (letter) return event.shiftKey ? letter[1] : letter[1].toLowerCase();
    return SIGNS[event.code] || "";
  }

  function isShift(event) {
    return event.key === "Shift" || event.key === "CapsLock";
  }

  function begin(event) {
    const target = event.target;
    field = target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement ? target : null;
    before = field ? field.value : "";
    signs = "";
  }

  function isScan(event) {
    return signs.length >= LEAST && event.timeStamp - last < GAP * 2;
  }

  document.addEventListener(
    "keydown",
    function (event) {
      if (isShift(event)) return;
      if (event.code === "Enter" || event.code === "NumpadEnter" || event.code === "Tab") {
        if (isScan(event)) {
          event.preventDefault();
          event.stopImmediatePropagation();
          if (field && field.isConnected) {
            field.value = before;
            field.dispatchEvent(new Event("input", { bubbles: true }));
          }
          document.dispatchEvent(new CustomEvent("till:scan", { detail: signs }));
        }
        signs = "";
        return;
      }
      const sign = event.ctrlKey || event.altKey || event.metaKey ? "" : signOf(event);
      if (!sign) {
        signs = "";
        return;
      }
      if (signs === "" || event.timeStamp - last > GAP) begin(event);
      signs += sign;
      last = event.timeStamp;
    },
    true,
  );
})();
