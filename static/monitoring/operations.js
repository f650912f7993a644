// Draws the charts of the operations page with uPlot, on load and after htmx has replaced the content. Without this module,
// the tables below the charts show the data.

const CHART_HEIGHT = 210; // pixels, without the legend
const MAX_POINT_MARKERS = 40; // lines with more points have no markers
const SERIES_DASHES = [[], [6, 3], [2, 3], [10, 3, 2, 3], [12, 4], [4, 2]];
const DATE_FORMAT = { day: "numeric", month: "short" };
const TIME_FORMAT = { hour: "2-digit", minute: "2-digit" };

const formatValue = {
  count: (value) => value.toLocaleString("en-GB"),
  milliseconds: (value) => `${value.toLocaleString("en-GB", { maximumFractionDigits: 1 })} ms`,
  share: (value) => `${(value * 100).toFixed(1)}%`,
};
const formatTick = {
  ...formatValue,
  milliseconds: (value) => `${value.toLocaleString("en-GB")} ms`,
  share: (value) => `${Number((value * 100).toFixed(2))}%`,
};

function formatTime(seconds, format) {
  return new Date(seconds * 1000).toLocaleString("en-GB", { timeZone: "UTC", ...format });
}

function readColor(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// uPlot has no stacked bars. Draw each series as the sum of itself and all later series, the tallest first.
function stackValues(values) {
  return values.map((_, first) =>
    values[0].map((_, index) => values.slice(first).reduce((sum, series) => sum + (series[index] || 0), 0)),
  );
}

function buildSeries(chart, index) {
  const stroke = readColor(chart.kind === "bars" && index === 1 ? "--bad" : `--line-${index + 1}`);
  // The legend shows the value under the pointer, or the latest one.
  const value = (plot, _, seriesNumber, position) => {
    const number = chart.values[seriesNumber - 1].at(position ?? -1);
    return number === null || number === undefined ? "–" : formatValue[chart.unit](number);
  };
  const common = { label: chart.names[index], stroke, value };
  if (chart.kind === "bars") {
    return { ...common, fill: stroke, width: 0, paths: uPlot.paths.bars({ size: [0.75, 60] }), points: { show: false } };
  }
  const hasMarkers = chart.values[index].length < MAX_POINT_MARKERS;
  return { ...common, width: 2, dash: SERIES_DASHES[index], spanGaps: false, points: { show: hasMarkers, size: 5 } };
}

// Shares are rarely near 0 and 1: show the range of the data with a margin.
function getShareRange(low, high) {
  const margin = Math.max((high - low) * 0.15, 0.005);
  return [Math.max(0, low - margin), Math.min(1, high + margin)];
}

function buildAxes(chart, isHourly) {
  const axis = {
    stroke: readColor("--ink-quiet"),
    grid: { stroke: readColor("--line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  const tickFormat = isHourly ? TIME_FORMAT : DATE_FORMAT;
  return [
    { ...axis, grid: { show: false }, space: 70, size: 36, gap: 8, values: (_, ticks) => ticks.map((tick) => formatTime(tick, tickFormat)) },
    { ...axis, size: 60, values: (_, ticks) => ticks.map((tick) => formatTick[chart.unit](tick)) },
  ];
}

function buildOptions(chart, data, width) {
  const isHourly = data.step === "hour";
  const halfBucket = isHourly ? 1800 : 43200; // seconds
  const timeFormat = isHourly ? { ...DATE_FORMAT, ...TIME_FORMAT } : DATE_FORMAT;
  return {
    width,
    height: CHART_HEIGHT,
    padding: [12, 18, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    cursor: { drag: { x: false, y: false }, y: false },
    legend: { live: true },
    scales: {
      x: { range: (_, low, high) => [low - halfBucket, high + halfBucket] },
      y: { range: (_, low, high) => (chart.unit === "share" ? getShareRange(low, high) : [0, high * 1.08 || 1]) },
    },
    axes: buildAxes(chart, isHourly),
    series: [
      { label: isHourly ? "Hour" : "Day", value: (_, seconds) => formatTime(seconds ?? data.times.at(-1), timeFormat) },
      ...chart.names.map((_, index) => buildSeries(chart, index)),
    ],
  };
}

const plots = new Map(); // uPlot instances by the element that contains them
const resizeObserver = new ResizeObserver((entries) => entries.forEach(({ target }) => {
  const plot = plots.get(target);
  if (plot && target.clientWidth && plot.width !== target.clientWidth) plot.setSize({ width: target.clientWidth, height: CHART_HEIGHT });
}));

function drawCharts() {
  plots.forEach((plot) => plot.destroy());
  plots.clear();
  resizeObserver.disconnect();
  const script = document.getElementById("operations-data");
  if (!script) return;
  const data = JSON.parse(script.textContent);
  for (const chart of data.charts) {
    const container = document.querySelector(`[data-chart="${chart.id}"]`);
    const values = chart.kind === "bars" ? stackValues(chart.values) : chart.values;
    plots.set(container, new uPlot(buildOptions(chart, data, container.clientWidth), [data.times, ...values], container));
    resizeObserver.observe(container);
  }
}

drawCharts();
document.addEventListener("htmx:afterSwap", drawCharts);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCharts);

// The versions of one model do not apply to another. In the capture phase, to reset the version before htmx reads the form.
document.addEventListener("change", ({ target }) => {
  const version = target.form?.elements.version;
  if (target.name === "model" && version) version.value = "";
}, true);

// Without the expected content, load the page itself: it shows the error, or the sign-in form after the session has expired.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.responseText.includes('id="operations"')) return;
  event.preventDefault();
  location.assign(event.detail.pathInfo.finalRequestPath);
});
document.addEventListener("htmx:sendError", ({ detail }) => location.assign(detail.pathInfo.finalRequestPath));
