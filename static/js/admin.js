// The theme listens to printed letters; on a Russian layout its keys print other ones and nothing
// happens. Here the physical key is translated, outside of fields and with Ctrl or ⌘ everywhere.
(() => {
  "use strict";

  const PRINTED = { Slash: ["/", "?"], BracketLeft: ["[", "{"], BracketRight: ["]", "}"] };

  function latin(event) {
    const letter = /^Key([A-Z])$/.exec(event.code);
    if (letter) {
      return event.shiftKey ? letter[1] : letter[1].toLowerCase();
    }
    return PRINTED[event.code]?.[event.shiftKey ? 1 : 0];
  }

  function isForeign(event) {
    const onSlash = event.code === "Slash" && (event.key === "." || event.key === ",");
    return /^[а-яё]$/i.test(event.key) || onSlash;
  }

  window.addEventListener(
    "keydown",
    (event) => {
      const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
      const key = latin(event);
      if (!event.isTrusted || !key || !isForeign(event) || (typing && !event.ctrlKey && !event.metaKey)) {
        return;
      }
      const { code, ctrlKey, metaKey, altKey, shiftKey } = event;
      const twin = new KeyboardEvent("keydown", {
        key, code, ctrlKey, metaKey, altKey, shiftKey, bubbles: true, cancelable: true,
      });
      if (!event.target.dispatchEvent(twin)) {
        event.preventDefault();
      }
    },
    true,
  );
})();
