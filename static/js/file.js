/* Says which file is chosen, beside our own button. */
(function () {
  "use strict";

  for (const place of document.querySelectorAll("[data-file]")) {
    const field = place.querySelector("input");
    const chosen = place.querySelector("output");
    field.addEventListener("change", function () {
      const [file] = field.files;
      if (file) chosen.textContent = file.name;
    });
  }
})();
