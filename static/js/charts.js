/* Draws the chart from the JSON on the page and turns it into a table and back. The table is
   already there: without scripts the links do the same by loading the page. */
(function () {
  "use strict";

  const section = document.querySelector("[data-chart]");
  const data = JSON.parse(document.getElementById("sales-data")?.textContent || "null");
  if (!section || !data || typeof Chart === "undefined") return;

  const language = document.documentElement.lang === "en" ? "en-GB" : "ru-RU";
  const roubles = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
  const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
  const dayMonth = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
  const fullDay = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" });

  const days = data.days.map((day) => new Date(day + "T00:00:00Z"));
  const values = data.revenue.map(Number);
  const last = values.length - 1;
  const best = values.indexOf(Math.max(...values));
  const few = values.length <= 7;

  function palette() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    return { plum: of("--plum"), ink: of("--ink"), quiet: of("--quiet"), grid: of("--grid"), card: of("--card"), line: of("--line") };
  }

  /* The value is written where it matters: at the best day and at today; at each of seven. */
  const labels = {
    id: "labels",
    afterDatasetsDraw(chart) {
      const context = chart.ctx;
      const points = chart.getDatasetMeta(0).data;
      const roomy = few && chart.width >= 480;
      const wanted = roomy ? points.map((_, at) => at) : [...new Set([best, last])];
      context.save();
      context.font = `600 13px ${Chart.defaults.font.family}`;
      context.fillStyle = palette().ink;
      context.strokeStyle = palette().card; // a halo keeps the figure clear of the line
      context.lineWidth = 5;
      context.lineJoin = "round";
      let taken = null;
      for (const at of wanted) {
        const point = points[at];
        const text = roubles.format(values[at]);
        const half = context.measureText(text).width / 2;
        const x = Math.min(Math.max(point.x, chart.chartArea.left + half), chart.width - half - 2);
        if (taken !== null && Math.abs(taken - x) < half * 2 + 8) continue;
        const falls = at > 0 && values[at - 1] > values[at] && (at === last || values[at + 1] > values[at]);
        const below = falls && chart.chartArea.bottom - point.y > 32;
        context.textAlign = "center";
        context.textBaseline = below ? "top" : "bottom";
        context.strokeText(text, x, point.y + (below ? 10 : -8));
        context.fillText(text, x, point.y + (below ? 10 : -8));
        taken = x;
      }
      context.restore();
    },
  };

  function dataset(colours) {
    const isToday = (at) => data.partial && at === last;
    return {
      data: values,
      borderColor: colours.plum,
      borderWidth: 2,
      tension: 0,
      segment: { borderDash: (part) => (isToday(part.p1DataIndex) ? [5, 5] : undefined) },
      pointRadius: values.map((_, at) => (few || at === best || at === last ? 4 : 0)),
      pointHoverRadius: 6,
      pointBorderWidth: 2,
      pointBorderColor: colours.plum,
      pointBackgroundColor: values.map((_, at) => (isToday(at) ? colours.card : colours.plum)),
    };
  }

  function options(colours) {
    return {
      responsive: true,
      maintainAspectRatio: false,
      animation: false,
      locale: language,
      layout: { padding: { top: 26, right: 8 } },
      interaction: { mode: "index", intersect: false },
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
          displayColors: false,
          callbacks: {
            title: (items) => fullDay.format(days[items[0].dataIndex]),
            label: (item) => [
              `${data.words.revenue}: ${roubles.format(values[item.dataIndex])}\u00a0₽`,
              `${data.words.receipts}: ${data.receipts[item.dataIndex]}`,
            ].concat(item.dataIndex === last ? [data.words.today] : []),
          },
        },
      },
      scales: {
        x: {
          grid: { display: false },
          border: { color: colours.line },
          ticks: { color: colours.quiet, maxRotation: 0, autoSkipPadding: 24, callback: (_, at) => dayMonth.format(days[at]) },
        },
        y: {
          beginAtZero: true,
          border: { display: false },
          grid: { color: colours.grid },
          ticks: { color: colours.quiet, maxTicksLimit: 5, callback: (value) => short.format(value) },
        },
      },
    };
  }

  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 13;
  let chart = null;

  function draw() {
    const colours = palette();
    chart?.destroy();
    chart = new Chart(document.getElementById("sales"), {
      type: "line",
      data: { labels: data.days, datasets: [dataset(colours)] },
      options: options(colours),
      plugins: [labels],
    });
    section.dataset.ready = "true";
  }

  function show(view) {
    for (const part of section.querySelectorAll("[data-part]")) part.hidden = part.dataset.part !== view;
    for (const link of section.querySelectorAll("[data-view]")) link.hidden = link.dataset.view === view;
    for (const link of section.querySelectorAll(".tabs a")) {
      const url = new URL(link.href);
      if (view === "table") url.searchParams.set("view", "table");
      else url.searchParams.delete("view");
      link.href = url.href;
    }
    if (view === "chart") draw();
  }

  section.addEventListener("click", function (event) {
    const link = event.target instanceof Element && event.target.closest("[data-view]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    show(link.dataset.view);
    history.replaceState(null, "", link.href);
    section.querySelector("[data-view]:not([hidden])")?.focus();
  });

  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  document.fonts.ready.then(draw);
})();
