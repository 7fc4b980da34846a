/* Bars from the JSON beside them, above and below zero. The table under the chart says the same. */
(function () {
  "use strict";

  if (typeof Chart === "undefined") return;
  const language = document.documentElement.lang === "en" ? "en-GB" : "ru-RU";
  const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
  const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
  const charts = [];

  function palette() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    return { up: of("--plum"), down: of("--rose"), ink: of("--ink"), quiet: of("--quiet"), grid: of("--grid"), line: of("--line"), card: of("--card") };
  }

  /* The value stands at the end of its bar. */
  const values = {
    id: "values",
    afterDatasetsDraw(chart) {
      const context = chart.ctx;
      const bars = chart.getDatasetMeta(0).data;
      if (bars.length && chart.width / bars.length < 64) return;
      context.save();
      context.font = `600 13px ${Chart.defaults.font.family}`;
      context.fillStyle = palette().ink;
      context.textAlign = "center";
      bars.forEach((bar, at) => {
        const value = chart.data.datasets[0].data[at];
        context.textBaseline = value < 0 ? "top" : "bottom";
        context.fillText(whole.format(value), bar.x, bar.y + (value < 0 ? 4 : -4));
      });
      context.restore();
    },
  };

  function draw(figure) {
    const data = JSON.parse(document.getElementById(figure.dataset.bars).textContent);
    const colours = palette();
    const numbers = data.values.map(Number);
    const said = (value) => `${whole.format(value)}\u00a0${data.unit}`;
    return new Chart(figure.querySelector("canvas"), {
      type: "bar",
      data: {
        labels: data.labels,
        datasets: [{ data: numbers, maxBarThickness: 48, borderRadius: 4, backgroundColor: numbers.map((one) => (one < 0 ? colours.down : colours.up)) }],
      },
      options: {
        responsive: true,
        maintainAspectRatio: false,
        animation: false,
        locale: language,
        layout: { padding: { top: 22, bottom: 4 } },
        plugins: {
          legend: { display: false },
          tooltip: { backgroundColor: colours.card, borderColor: colours.line, borderWidth: 1, titleColor: colours.ink, bodyColor: colours.ink, displayColors: false, callbacks: { label: (item) => said(item.raw) } },
        },
        scales: {
          x: { grid: { display: false }, border: { color: colours.line }, ticks: { color: colours.quiet, maxRotation: 0, autoSkipPadding: 16 } },
          y: { grace: "12%", border: { display: false }, grid: { color: colours.grid }, ticks: { color: colours.quiet, maxTicksLimit: 5, callback: (value) => short.format(value) } },
        },
      },
      plugins: [values],
    });
  }

  function redraw() {
    while (charts.length) charts.pop().destroy();
    for (const figure of document.querySelectorAll("[data-bars]")) {
      charts.push(draw(figure));
      figure.dataset.ready = "true";
    }
  }

  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 13;
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  document.fonts.ready.then(redraw);
})();
