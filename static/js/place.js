/* The palette of a place: Ctrl or ⌘ with the key where K stands, whatever letter it prints.
   Without scripts its link opens the search as a page. */
(function () {
  "use strict";

  const palette = document.getElementById("palette");
  const mac = /Mac|iPhone|iPad/.test(navigator.platform);

  function open() {
    document.getElementById("drawer")?.hidePopover?.();
    if (!palette.open) palette.showModal();
    const input = palette.querySelector("input[name=q]");
    input.focus();
    input.select();
    choose(palette, 0);
  }

  const options = (place) => [...place.querySelectorAll("[role=option]")];

  function choose(place, at) {
    const found = options(place);
    const input = place.querySelector("[role=combobox]");
    input.removeAttribute("aria-activedescendant");
    for (const [n, one] of found.entries()) {
      const chosen = n === at;
      one.id = `${input.id}-${n}`;
      one.setAttribute("aria-selected", String(chosen));
      if (!chosen) continue;
      input.setAttribute("aria-activedescendant", one.id);
      one.scrollIntoView({ block: "nearest" });
    }
  }

  function move(place, by) {
    const found = options(place);
    if (!found.length) return;
    const now = found.findIndex((one) => one.getAttribute("aria-selected") === "true");
    choose(place, (now + by + found.length) % found.length);
  }

  document.addEventListener("keydown", function (event) {
    if (palette && event.code === "KeyK" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
      event.preventDefault();
      return open();
    }
    const field = event.target;
    if (!(field instanceof HTMLInputElement) || field.name !== "q" || !field.closest(".palette-form")) return;
    const place = field.closest(".palette-form").parentElement;
    if (event.code === "ArrowDown" || event.code === "ArrowUp") {
      event.preventDefault();
      move(place, event.code === "ArrowDown" ? 1 : -1);
    } else if (event.code === "Enter" || event.code === "NumpadEnter") {
      const chosen = place.querySelector('[aria-selected="true"]');
      if (!chosen) return;
      event.preventDefault();
      event.stopPropagation();
      chosen.click();
    }
  }, true);

  document.addEventListener("click", function (event) {
    if (!(event.target instanceof Element)) return;
    const asks = event.target.closest("[data-palette]");
    if (asks && palette && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      open();
    }
    if (event.target === palette || event.target.closest("[data-close]")) palette.close();
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  document.addEventListener("keydown", function (event) {
    if (event.code !== "Escape") return;
    const menu = document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  document.body.addEventListener("htmx:afterSwap", function (event) {
    if (event.target.matches(".palette-found")) choose(event.target.parentElement, 0);
  });

  if (mac) for (const key of document.querySelectorAll("[data-chord]")) key.textContent = "⌘ K";
})();

/* A heat map is one stop of Tab; arrows walk its cells. And the button that prints. */
(function () {
  "use strict";

  const MOVES = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };

  document.addEventListener("keydown", function (event) {
    const cell = event.target instanceof Element && event.target.closest(".heat-cell");
    const move = MOVES[event.code];
    if (!cell || !move) return;
    const rows = [...cell.closest("tbody").rows].map((row) => [...row.cells].slice(1));
    const y = rows.findIndex((row) => row.includes(cell.parentElement));
    const x = rows[y].indexOf(cell.parentElement);
    const next = rows[y + move[0]]?.[x + move[1]]?.querySelector(".heat-cell");
    event.preventDefault();
    if (!next) return;
    cell.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });

  document.addEventListener("click", function (event) {
    if (event.target instanceof Element && event.target.closest("[data-print]")) window.print();
  });
})();

/* One row of a list opens in a sheet at the side; without scripts its link opens a page. */
(function () {
  "use strict";

  const sheet = document.getElementById("sheet");
  if (!sheet) return;
  document.body.addEventListener("htmx:afterSwap", function (event) {
    if (event.target.id === "sheet-body" && !sheet.open) sheet.showModal();
  });
  sheet.addEventListener("click", function (event) {
    if (event.target === sheet || event.target.closest("[data-shut]")) sheet.close();
  });
})();
