/* The slip prints itself, on the paper that this device has. */
(function () {
  "use strict";
  const paper = localStorage.getItem("till-paper") === "58" ? "58" : "80";
  document.documentElement.dataset.paper = paper;
  window.addEventListener("load", () => window.print());
})();
