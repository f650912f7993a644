// Draws the charts of the operations page with uPlot, on load and after htmx has replaced the content. Without this module,
// the tables below the charts show the data.
import { language } from "../mlsite/i18n.js";
import { timeZone } from "../mlsite/time_zone.js";

const CHART_HEIGHT = 210; // pixels, without the legend
const PANEL_HEIGHT = 120; // of a chart with one series
const MAX_LABEL_CHARACTERS = 18; // of a promotion or deployment, whose name ends with the version
const MAX_POINT_MARKERS = 40; // lines with more points have no markers
const SERIES_DASHES = [[], [6, 3], [2, 3], [10, 3, 2, 3], [12, 4], [4, 2]];
const DATE_FORMAT = { day: "numeric", month: "short" };
const TIME_FORMAT = { hour: "2-digit", minute: "2-digit" };
const LOCALE = language === "en" ? "en-GB" : language;

const format = (value, options) => value.toLocaleString(LOCALE, { useGrouping: "always", ...options });
const formatNumber = (value, digits = 0, options = {}) =>
  format(value, { minimumFractionDigits: digits, maximumFractionDigits: digits, ...options });
const formatValue = {
  count: (value) => formatNumber(value),
  milliseconds: (value) => `${formatNumber(value, 1)} ms`,
  share: (value) => formatNumber(value, 1, { style: "percent" }),
  distance: (value) => formatNumber(value, 2),
};
const formatTick = {
  count: (value) => format(value, { notation: "compact" }),
  milliseconds: (value) => `${format(value)} ms`,
  share: (value) => format(value, { style: "percent", maximumFractionDigits: 2 }),
  distance: (value) => format(value),
};

// Hours are in the reader's time zone. Days are those of UTC, as in the rollups.
const getZone = (isHourly) => (isHourly ? timeZone : "UTC");

function formatTime(seconds, isHourly, options) {
  return new Date(seconds * 1000).toLocaleString(LOCALE, { timeZone: getZone(isHourly), ...options });
}

// A token can be "light-dark(…)". The color of an element is resolved for the theme of the page.
function readColor(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

// uPlot has no stacked bars. Draw each series as the sum of itself and all later series, the tallest first.
function stackValues(values) {
  return values.map((_, first) =>
    values[0].map((_, index) => values.slice(first).reduce((sum, series) => sum + (series[index] || 0), 0)),
  );
}

function buildSeries(chart, index) {
  const isFailure = chart.kind === "bars" && index === 1;
  const stroke = readColor(isFailure ? "--bad" : `--line-${index + 1}`);
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

function getRange(chart, values) {
  const high = Math.max(0, ...values.flat().filter((value) => value !== null), chart.threshold ?? 0);
  return [0, high * 1.08 || 1];
}

function buildAxes(chart, isHourly, isPanel) {
  const axis = {
    stroke: readColor("--ink-quiet"),
    grid: { stroke: readColor("--line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  const tickFormat = isHourly ? TIME_FORMAT : DATE_FORMAT;
  return [
    { ...axis, grid: { show: false }, space: 70, size: isPanel ? 26 : 36, gap: isPanel ? 4 : 8, values: (_, ticks) => ticks.map((tick) => formatTime(tick, isHourly, tickFormat)) },
    { ...axis, size: isPanel ? 48 : 60, space: isPanel ? 24 : 30, values: (_, ticks) => ticks.map((tick) => formatTick[chart.unit](tick)) },
  ];
}

// Promotions and deployments: a dashed line with a label. Bars are centered on their time.
function drawMarkers(plot, data, halfBucket, threshold) {
  const { ctx: context, bbox } = plot;
  const ratio = devicePixelRatio;
  context.save();
  context.lineWidth = ratio;
  context.setLineDash([4 * ratio, 3 * ratio]);
  context.textAlign = "left";
  context.font = `600 ${11 * ratio}px system-ui, sans-serif`;
  if (threshold !== null) {
    context.strokeStyle = readColor("--doubt");
    const top = plot.valToPos(threshold, "y", true);
    context.beginPath();
    context.moveTo(bbox.left, top);
    context.lineTo(bbox.left + bbox.width, top);
    context.stroke();
  }
  const markers = data.markers.map((marker) => ({
    left: plot.valToPos(marker.time - halfBucket, "x", true),
    label: marker.label,
    color: readColor(marker.kind === "promotion" ? "--marker-promotion" : "--marker-deployment"),
  }));
  for (const { left, color } of markers) {
    context.strokeStyle = color;
    context.beginPath();
    context.moveTo(left, bbox.top);
    context.lineTo(left, bbox.top + bbox.height);
    context.stroke();
  }
  for (const { left, color, text } of groupLabels(context, markers, bbox.left + bbox.width, 8 * ratio)) {
    context.fillStyle = color;
    context.fillText(text, left, bbox.top - 3 * ratio);
  }
  context.restore();
}

// Labels that would overlap the one before share it: "digits:2 +1". Labels at the right edge end there.
function groupLabels(context, markers, right, gap) {
  const place = (group) => {
    const [{ label, left, color }] = group;
    const short = label.length > MAX_LABEL_CHARACTERS ? `…${label.slice(1 - MAX_LABEL_CHARACTERS)}` : label;
    const text = group.length > 1 ? `${short} +${group.length - 1}` : short;
    const { width } = context.measureText(text);
    return { color, text, left: Math.min(left, right - width), width };
  };
  const groups = [];
  for (const marker of markers) {
    groups.push([marker]);
    while (groups.length > 1) {
      const [before, last] = groups.slice(-2).map(place);
      if (before.left + before.width + gap <= last.left) break;
      const merged = groups.pop();
      groups.at(-1).push(...merged);
    }
  }
  return groups.map(place);
}

function buildOptions(chart, data, { width, height, isPanel, times, yRange }) {
  const isHourly = data.step === "hour";
  const halfBucket = isHourly ? 1800 : 43200; // seconds
  const timeFormat = isHourly ? { ...DATE_FORMAT, ...TIME_FORMAT } : DATE_FORMAT;
  const xRange = [data.times[0] - halfBucket, data.times.at(-1) + halfBucket];
  return {
    width,
    height,
    padding: [data.markers.length ? 16 : 12, 18, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), getZone(isHourly)),
    cursor: { drag: { x: false, y: false }, y: false, sync: { key: "operations", scales: ["x", null] } },
    legend: { live: true },
    scales: {
      x: { range: () => xRange },
      y: { range: yRange },
    },
    axes: buildAxes(chart, isHourly, isPanel),
    series: [
      { label: data.time_title, value: (_, seconds) => formatTime(seconds ?? times.at(-1), isHourly, timeFormat) },
      ...chart.names.map((_, index) => buildSeries(chart, index)),
    ],
    hooks: { draw: [(plot) => drawMarkers(plot, data, halfBucket, chart.threshold)] },
  };
}

const plots = new Map(); // uPlot instances by the element that contains them
const resizeObserver = new ResizeObserver((entries) => entries.forEach(({ target }) => {
  const plot = plots.get(target);
  if (plot && target.clientWidth && plot.width !== target.clientWidth) plot.setSize({ width: target.clientWidth, height: plot.height });
}));

function drawChart(container, chart, data, options) {
  const halfBucket = data.step === "hour" ? 1800 : 43200;
  const times = chart.times?.map((time) => time - halfBucket) ?? data.times;
  const values = chart.kind === "bars" ? stackValues(chart.values) : chart.values;
  plots.set(container, new uPlot(buildOptions(chart, data, { width: container.clientWidth, times, ...options }), [times, ...values], container));
  resizeObserver.observe(container);
}

function drawCharts() {
  plots.forEach((plot) => plot.destroy());
  plots.clear();
  resizeObserver.disconnect();
  for (const script of document.querySelectorAll("#operations-data, #drift-data")) drawData(JSON.parse(script.textContent));
}

function drawData(data) {
  for (const chart of data.charts) {
    const range = getRange(chart, chart.values);
    for (const container of document.querySelectorAll(`[data-chart="${chart.id}"]`)) {
      if (chart.split) {
        const index = Number(container.dataset.series);
        const single = { ...chart, names: [chart.names[index]], values: [chart.values[index]] };
        drawChart(container, single, data, { height: PANEL_HEIGHT, isPanel: true, yRange: () => range });
      } else {
        const yRange = (_, low, high) => (chart.unit === "share" ? getShareRange(low, high) : [0, high * 1.08 || 1]);
        drawChart(container, chart, data, { height: CHART_HEIGHT, isPanel: false, yRange });
      }
    }
  }
}

drawCharts();
document.addEventListener("htmx:afterSwap", drawCharts);
for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", drawCharts);
new MutationObserver(drawCharts).observe(document.documentElement, { attributeFilter: ["data-theme"] });

// The versions of one model do not apply to another. In the capture phase, to reset the version before htmx reads the form.
document.addEventListener("change", ({ target }) => {
  const version = target.form?.elements.version;
  if (target.name === "model" && version) version.value = "";
}, true);
