/* The screen stays awake while the till is in sight: a phone that sleeps between two guests costs
   each of them ten seconds. The lock of the till itself (ten minutes) is another matter. */
(function () {
  "use strict";

  let held = null;

  async function hold() {
    if (held || !navigator.wakeLock || document.visibilityState !== "visible") return;
    try {
      held = await navigator.wakeLock.request("screen");
      held.addEventListener("release", () => (held = null));
    } catch {
      held = null; // a low battery: the system decides
    }
  }

  // The system takes it back whenever the page is out of sight.
  document.addEventListener("visibilitychange", hold);
  hold();
})();
