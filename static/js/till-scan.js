/* A scanner is a keyboard that types fast: ten signs or more, less than 35 ms apart on average, then
   Enter. On average, since a busy old PC swallows a moment now and then. Its signs are read by the
   place of the key, so the Russian layout and Caps Lock change nothing. What it typed never stays
   in a field: the whole code goes out as one event. */
(function () {
  "use strict";

  const GAP = 35; // ms between two signs of a scanner, on average
  const PAUSE = 400; // ms after which something new begins
  const LENGTHS = new Set([12, 14, 20]); // signs: a card, a slip or coupon, a card with its proof
  const LEAST = 10; // signs
  const SIGNS = { Minus: "-", NumpadSubtract: "-", Slash: "/", Period: ".", Equal: "=", Semicolon: ";" };

  let typed = []; // {sign, at, field, before}

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

  function keep(event, sign) {
    const last = typed[typed.length - 1];
    if (last && event.timeStamp - last.at > PAUSE) typed = [];
    const field = event.target instanceof HTMLInputElement ? event.target : null;
    typed.push({ sign, at: event.timeStamp, field, before: field ? field.value : "" });
  }

  /* The part of what was typed that a scanner wrote: without the slow signs of a person before it,
     unless all of it is as long as a code of ours: then the slow ones are a PC that stumbled. */
  function scanned(now) {
    let start = 0;
    while (start + 1 < typed.length && typed[start + 1].at - typed[start].at > GAP) start += 1;
    if (start === 1 || LENGTHS.has(typed.length)) start = 0;
    const part = typed.slice(start);
    if (part.length < LEAST || now - part[part.length - 1].at > PAUSE) return null;
    const spent = part[part.length - 1].at - part[0].at;
    return spent / (part.length - 1) < GAP ? part : null;
  }

  function takeBack({ field, before }) {
    if (!field || !field.isConnected) return;
    field.value = before;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  document.addEventListener(
    "keydown",
    function (event) {
      if (isShift(event)) return;
      if (event.code === "Enter" || event.code === "NumpadEnter" || event.code === "Tab") {
        const scan = scanned(event.timeStamp);
        typed = [];
        if (!scan) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        takeBack(scan[0]);
        const text = scan.map((one) => one.sign).join("");
        document.dispatchEvent(new CustomEvent("till:scan", { detail: text }));
        return;
      }
      const sign = event.ctrlKey || event.altKey || event.metaKey ? "" : signOf(event);
      if (sign) keep(event, sign);
      else typed = [];
    },
    true,
  );
})();
