// Bars of <canvas data-bars="id of a JSON script">. The numbers stand in the table beside it too.
"use strict";
(function () {
  const language = document.documentElement.lang || "ru";
  const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
  const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
  const charts = new Map();
  const minus = (text) => text.replace("-", "\u2212");

  function palette() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    return {
      series: [1, 2, 3, 4, 5, 6].map((n) => (n === 1 ? of("--plum") : of(`--series-${n}`))),
      ink: of("--ink"), quiet: of("--quiet"), grid: of("--grid"), card: of("--card"), line: of("--line"),
    };
  }

  // The value is written where it matters: over each bar, when there are few.
  const values = {
    id: "values",
    afterDatasetsDraw(chart, _args, options) {
      if (!options.shown) return;
      const context = chart.ctx;
      context.save();
      context.font = `600 13px ${Chart.defaults.font.family}`;
      context.fillStyle = palette().ink;
      context.textAlign = "center";
      chart.getDatasetMeta(0).data.forEach((bar, at) => {
        const value = Number(chart.data.datasets[0].data[at]);
        context.textBaseline = value < 0 ? "top" : "bottom";
        context.fillText(minus(whole.format(value)), bar.x, bar.y + (value < 0 ? 4 : -4));
      });
      context.restore();
    },
  };

  function draw(canvas) {
    const data = JSON.parse(document.getElementById(canvas.dataset.bars).textContent);
    const colours = palette();
    const stacked = "stacked" in canvas.dataset;
    const unit = "money" in canvas.dataset ? "\u00a0₽" : "";
    charts.get(canvas)?.destroy();
    charts.set(canvas, new Chart(canvas, {
      type: "bar",
      data: {
        labels: data.labels,
        datasets: data.series.map((one, at) => ({
          label: one.name,
          data: one.values.map(Number),
          backgroundColor: colours.series[at % 6],
          borderRadius: stacked ? 0 : 4,
          maxBarThickness: 56,
        })),
      },
      options: {
        responsive: true,
        maintainAspectRatio: false,
        animation: false,
        locale: language,
        layout: { padding: { top: 22, bottom: 4 } },
        interaction: { mode: "index", intersect: false },
        plugins: {
          values: { shown: !stacked && data.labels.length <= 8 && canvas.clientWidth / data.labels.length > 56 },
          legend: { display: data.series.length > 1, position: "bottom", labels: { color: colours.ink, boxWidth: 14, boxHeight: 14, padding: 16 } },
          tooltip: {
            backgroundColor: colours.card, borderColor: colours.line, borderWidth: 1,
            titleColor: colours.ink, bodyColor: colours.ink, padding: 12, cornerRadius: 10,
            callbacks: { label: (item) => `${item.dataset.label}: ${minus(whole.format(item.raw))}${unit}` },
          },
        },
        scales: {
          x: { stacked, grid: { display: false }, border: { color: colours.line }, ticks: { color: colours.quiet, autoSkip: data.labels.length > 12 } },
          y: { stacked, beginAtZero: true, border: { display: false }, grid: { color: colours.grid }, ticks: { color: colours.quiet, maxTicksLimit: 5, callback: (value) => minus(short.format(value)) } },
        },
      },
      plugins: [values],
    }));
    canvas.closest("figure").dataset.ready = "true";
  }

  const all = () => document.querySelectorAll("canvas[data-bars]").forEach(draw);
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 13;
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  window.addEventListener("beforeprint", () => document.querySelectorAll("details.as-table").forEach((one) => { one.open = true; }));
  document.fonts.ready.then(all);
})();
