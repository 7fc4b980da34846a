/* Draws the charts of a page from the JSON beside them and turns each into its table and back. The
   tables are already there: without scripts the links do the same by loading the page. */
(function () {
  "use strict";

  if (typeof Chart === "undefined") return;
  const language = document.documentElement.lang === "en" ? "en-GB" : "ru-RU";
  const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
  const exact = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
  const formats = {
    day: [{ day: "numeric", month: "short" }, { weekday: "long", day: "numeric", month: "long" }],
    week: [{ day: "numeric", month: "short" }, { day: "numeric", month: "long", year: "numeric" }],
    month: [{ month: "short", year: "2-digit" }, { month: "long", year: "numeric" }],
  };
  const UNITS = { rub: "\u00a0₽", percent: "\u00a0%" };
  const drawn = [];

  const shown = (value, unit) => (unit === "percent" ? exact : whole).format(value) + (UNITS[unit] || "");

  function dates(step, at) {
    const format = new Intl.DateTimeFormat(language, { ...formats[step][at], timeZone: "UTC" });
    return (day) => (day ? format.format(new Date(`${day}T00:00:00Z`)) : "—");
  }

  function palette() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    const series = [1, 2, 3, 4, 5, 6].map((n) => of(`--series-${n}`));
    series[0] = of("--plum");
    return { series, ink: of("--ink"), quiet: of("--quiet"), grid: of("--grid"), card: of("--card"), line: of("--line") };
  }

  /* The value is written where it matters: at the best and the latest point, at each of a few. */
  function labels(data, colours) {
    return {
      id: "labels",
      afterDatasetsDraw(chart) {
        const context = chart.ctx;
        const values = chart.data.datasets[0].data;
        const known = values.map((value, at) => ({ value, at })).filter((one) => one.value !== null);
        if (!known.length || (data.stacked && data.series.length > 1)) return;
        const lies = data.kind === "rows";
        const best = known.reduce((one, two) => (two.value > one.value ? two : one)).at;
        const last = known[known.length - 1].at;
        const few = known.length <= 12 && (lies || chart.width / known.length >= 64);
        const wanted = few ? known.map((one) => one.at) : [...new Set([best, last])];
        context.save();
        context.font = `600 13px ${Chart.defaults.font.family}`;
        context.fillStyle = colours.ink;
        context.strokeStyle = colours.card; // a halo keeps the figure clear of the line
        context.lineWidth = 5;
        context.lineJoin = "round";
        let taken = null;
        for (const [n, set] of chart.data.datasets.entries()) {
          if (n > 0 && !lies) break;
          const points = chart.getDatasetMeta(n).data;
          for (const at of wanted) {
            if (set.data[at] === null || !points[at]) continue;
            const text = shown(set.data[at], data.unit === "rub" ? "" : data.unit);
            if (lies) {
              context.textAlign = "left";
              context.textBaseline = "middle";
              context.strokeText(text, points[at].x + 6, points[at].y);
              context.fillText(text, points[at].x + 6, points[at].y);
              continue;
            }
            const half = context.measureText(text).width / 2;
            const x = Math.min(Math.max(points[at].x, chart.chartArea.left + half), chart.width - half - 2);
            if (taken !== null && Math.abs(taken - x) < half * 2 + 8) continue;
            const falls = at > 0 && values[at - 1] > values[at] && (at === last || values[at + 1] > values[at]);
            const below = data.kind === "lines" && falls && chart.chartArea.bottom - points[at].y > 32;
            context.textAlign = "center";
            context.textBaseline = below ? "top" : "bottom";
            context.strokeText(text, x, points[at].y + (below ? 10 : -8));
            context.fillText(text, x, points[at].y + (below ? 10 : -8));
            taken = x;
          }
        }
        context.restore();
      },
    };
  }

  function dataset(data, series, colours, first) {
    const colour = colours.series[series.tone - 1];
    const values = series.values.map((value) => (value === null ? null : Number(value)));
    const last = values.length - 1;
    const goesOn = (at) => data.partial && !series.quiet && at === last;
    if (data.kind !== "lines") {
      return {
        label: series.name,
        data: values,
        backgroundColor: values.map((_, at) => (goesOn(at) ? colours.card : colour)),
        borderColor: colour,
        borderWidth: 1,
        borderRadius: 4,
        borderSkipped: false,
        maxBarThickness: data.kind === "rows" ? 16 : 36,
        stack: data.stacked ? "all" : undefined,
      };
    }
    const best = values.indexOf(Math.max(...values));
    const few = values.length <= 12;
    return {
      label: series.name,
      data: values,
      borderColor: colour,
      borderWidth: series.quiet ? 1.5 : 2,
      tension: 0,
      order: first ? 0 : 1,
      segment: { borderDash: (part) => (goesOn(part.p1DataIndex) ? [5, 5] : undefined) },
      pointRadius: values.map((_, at) => (!series.quiet && (few || at === best || at === last) ? 4 : 0)),
      pointHoverRadius: series.quiet ? 4 : 6,
      pointBorderWidth: 2,
      pointBorderColor: colour,
      pointBackgroundColor: values.map((_, at) => (goesOn(at) ? colours.card : colour)),
    };
  }

  function lineOf(data, at, name) {
    return data.series
      .map((one) => `${one.name}: ${one.values[at] === null ? data.noData : shown(Number(one.values[at]), data.unit)}`)
      .concat(data.partial && at === data.labels.length - 1 ? [data.soFar] : [])
      .join(name);
  }

  function options(data, colours) {
    const title = data.step ? dates(data.step, 1) : (label) => label;
    const tick = data.step ? dates(data.step, 0) : (label) => label;
    const names = {
      grid: { display: false },
      border: { color: colours.line },
      stacked: data.stacked,
      ticks: {
        color: data.kind === "rows" ? colours.ink : colours.quiet,
        maxRotation: 0,
        autoSkip: data.kind !== "rows",
        autoSkipPadding: 24,
        callback: (_, at) => tick(data.labels[at]),
      },
    };
    const numbers = {
      beginAtZero: true,
      stacked: data.stacked,
      border: { display: false },
      grid: { color: colours.grid },
      ticks: { color: colours.quiet, maxTicksLimit: 5, precision: data.unit === "count" ? 0 : undefined, callback: (value) => short.format(value) },
    };
    const lies = data.kind === "rows";
    return {
      indexAxis: lies ? "y" : "x",
      responsive: true,
      maintainAspectRatio: false,
      animation: false,
      locale: language,
      layout: { padding: { top: lies ? 0 : 26, right: lies ? 56 : 8 } },
      interaction: { mode: "index", intersect: false, axis: lies ? "y" : "x" },
      scales: lies ? { y: names, x: { ...numbers, display: false } } : { x: names, y: numbers },
      plugins: {
        legend: { display: false },
        tooltip: {
          backgroundColor: colours.card,
          borderColor: colours.line,
          borderWidth: 1,
          titleColor: colours.ink,
          bodyColor: colours.ink,
          padding: 12,
          cornerRadius: 10,
          displayColors: data.series.length > 1,
          callbacks: {
            title: (items) => title(data.labels[items[0].dataIndex]),
            label: (item) => `${item.dataset.label}: ${item.raw === null ? data.noData : shown(item.raw, data.unit)}`,
            footer: (items) => (data.partial && items[0].dataIndex === data.labels.length - 1 ? data.soFar : ""),
          },
        },
      },
    };
  }

  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 13;

  function prepare(section) {
    const data = JSON.parse(section.querySelector('script[type="application/json"]').textContent);
    const canvas = section.querySelector("canvas");
    const said = section.querySelector("[data-said]");
    section.querySelector(".chart-box").style.setProperty("--rows", String(data.labels.length * (data.kind === "rows" ? data.series.length * 0.7 : 1)));
    let chart = null;
    let at = -1;

    function draw() {
      if (canvas.closest("[hidden]")) return;
      const colours = palette();
      chart?.destroy();
      chart = new Chart(canvas, {
        type: data.kind === "lines" ? "line" : "bar",
        data: { labels: data.labels, datasets: data.series.map((one, n) => dataset(data, one, colours, n === 0)) },
        options: options(data, colours),
        plugins: [labels(data, colours)],
      });
      section.dataset.ready = "true";
    }

    function point(index) {
      at = Math.min(Math.max(index, 0), data.labels.length - 1);
      const active = data.series.map((_, datasetIndex) => ({ datasetIndex, index: at }));
      const { x, y } = chart.getDatasetMeta(0).data[at];
      chart.setActiveElements(active);
      chart.tooltip.setActiveElements(active, { x, y });
      chart.update();
      const title = data.step ? dates(data.step, 1)(data.labels[at]) : data.labels[at];
      said.textContent = `${title}. ${lineOf(data, at, ", ")}`;
    }

    canvas.addEventListener("keydown", function (event) {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.code];
      const end = { Home: 0, End: data.labels.length - 1 }[event.code];
      if (by === undefined && end === undefined) return;
      event.preventDefault();
      point(end === undefined ? (at < 0 ? (by > 0 ? 0 : data.labels.length - 1) : at + by) : end);
    });
    canvas.addEventListener("blur", function () {
      at = -1;
      chart?.setActiveElements([]);
      chart?.tooltip.setActiveElements([], { x: 0, y: 0 });
      chart?.update();
    });

    section.addEventListener("click", function (event) {
      const link = event.target instanceof Element && event.target.closest("[data-view]");
      if (!link || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const view = link.dataset.view;
      for (const part of section.querySelectorAll("[data-part]")) part.hidden = part.dataset.part !== view;
      for (const one of section.querySelectorAll("[data-view]")) one.hidden = one.dataset.view === view;
      history.replaceState(null, "", link.href);
      for (const tab of section.querySelectorAll(".tabs a")) {
        const url = new URL(tab.href);
        if (view === "table") url.searchParams.set("view", "table");
        else url.searchParams.delete("view");
        tab.href = url.href;
      }
      draw();
      section.querySelector("[data-view]:not([hidden])")?.focus();
    });

    drawn.push({ draw, section });
    draw();
  }

  function redraw() {
    for (const one of drawn) one.draw();
  }

  /* On paper everything is light, and each chart stands with its table. */
  const dark = [...document.querySelectorAll('link[rel="stylesheet"][media^="screen"]')];
  window.addEventListener("beforeprint", function () {
    for (const link of dark) link.disabled = true;
    redraw();
  });
  window.addEventListener("afterprint", function () {
    for (const link of dark) link.disabled = false;
    redraw();
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  document.fonts.ready.then(function () {
    for (const section of document.querySelectorAll("[data-chart]")) prepare(section);
  });
})();
