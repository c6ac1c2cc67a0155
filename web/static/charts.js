// Draws the tables that stand beside an empty plot. The table is the chart's text and
// its data; without this script it is all there is.
"use strict";

(() => {
  const charts = [];
  const css = getComputedStyle(document.documentElement);
  const colour = (name) => css.getPropertyValue(name).trim();
  const ink = colour("--g-ink-2"), line = colour("--g-line"), accent = colour("--g-accent"), red = colour("--g-red");

  const read = (table) => ({
    series: [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent.trim()),
    rows: [...table.tBodies[0].rows].map((row) => ({
      name: row.cells[0].textContent.trim(),
      values: [...row.cells].slice(1).map((cell) => Number(cell.textContent)),
    })),
  });
  const axisLine = { axisLine: { lineStyle: { color: line } }, axisTick: { show: false } };
  const whole = { type: "value", minInterval: 1, axisLabel: { color: ink }, splitLine: { lineStyle: { color: line } } };

  // One bar a row, in the order of the table, with its number at its end.
  const bars = ({ rows }, alarming) => ({
    grid: { left: 8, right: 48, top: 4, bottom: 4, containLabel: true },
    xAxis: { ...whole, axisLabel: { show: false }, splitLine: { show: false } },
    yAxis: {
      type: "category", inverse: true, data: rows.map((row) => row.name), ...axisLine,
      axisLabel: { color: ink, width: 110, overflow: "truncate", interval: 0 },
    },
    series: [{
      type: "bar", data: rows.map((row) => row.values[0]), barMaxWidth: 18, silent: true,
      itemStyle: { color: alarming ? red : accent }, label: { show: true, position: "right", color: ink },
    }],
  });

  // One line a column. They differ in stroke as well as in colour; the heads of the
  // table show which is which.
  const strokes = [{ color: ink, type: "dashed", width: 2 }, { color: accent, type: "solid", width: 2 }];
  const lines = ({ series, rows }) => ({
    grid: { left: 8, right: 16, top: 12, bottom: 4, containLabel: true },
    xAxis: { type: "category", data: rows.map((row) => row.name), ...axisLine, axisLabel: { color: ink, hideOverlap: true } },
    yAxis: whole,
    series: series.map((name, i) => ({
      type: "line", name, data: rows.map((row) => row.values[i]), silent: true, symbol: i ? "circle" : "emptyCircle", symbolSize: 6,
      lineStyle: strokes[i], itemStyle: { color: strokes[i].color },
    })),
  });
  const kinds = { bars, lines };

  for (const plot of document.querySelectorAll("[data-chart]")) {
    const data = read(document.getElementById(plot.dataset.table));
    plot.classList.add("g-chart-drawn");
    // Tall enough for a line of each row.
    if (plot.dataset.chart === "bars") plot.style.height = `${Math.max(72, data.rows.length * 28 + 16)}px`;
    // Sharp on paper as well.
    const chart = echarts.init(plot, null, { devicePixelRatio: Math.max(2, window.devicePixelRatio) });
    // Nothing moves, whoever looks.
    chart.setOption({ animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily }, ...kinds[plot.dataset.chart](data, "alarming" in plot.dataset) });
    charts.push(chart);
  }
  window.addEventListener("resize", () => charts.forEach((chart) => chart.resize()));
})();
