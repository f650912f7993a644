// Draws the charts of the operations page with uPlot. Without this module there are the tables.

const HEIGHT = 210; // pixels, without the legend
const DASHES = [[], [6, 3], [2, 3], [10, 3, 2, 3], [12, 4], [4, 2]];
const WRITE = {
  count: (value) => value.toLocaleString("en-GB"),
  milliseconds: (value) => `${value.toLocaleString("en-GB", { maximumFractionDigits: 1 })} ms`,
  share: (value) => `${(value * 100).toFixed(1)} %`,
};
const AXIS = {
  ...WRITE,
  milliseconds: (value) => `${value.toLocaleString("en-GB")} ms`,
  share: (value) => `${Number((value * 100).toFixed(2))} %`,
};

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const ON_DAY = { day: "numeric", month: "short" };
const AT_HOUR = { hour: "2-digit", minute: "2-digit" };

function moment(seconds, options) {
  return new Date(seconds * 1000).toLocaleString("en-GB", { timeZone: "UTC", ...options });
}

// Bars stand on each other: each series is drawn as the sum of those from it on, the tallest first.
function stacked(values) {
  return values.map((_, from) =>
    values[0].map((_, place) => values.slice(from).reduce((sum, series) => sum + (series[place] || 0), 0)),
  );
}

// The legend tells the numbers under the pointer, or else the newest.
function series(chart, index) {
  const stroke = colour(chart.kind === "bars" && index === 1 ? "--bad" : `--line-${index + 1}`);
  const value = (plot, _, number, place) => {
    const exact = chart.values[number - 1].at(place ?? -1);
    return exact === null || exact === undefined ? "–" : WRITE[chart.unit](exact);
  };
  const common = { label: chart.names[index], stroke, value };
  if (chart.kind === "bars") {
    return { ...common, fill: stroke, width: 0, paths: uPlot.paths.bars({ size: [0.75, 60] }), points: { show: false } };
  }
  return { ...common, width: 2, dash: DASHES[index], spanGaps: false, points: { show: chart.values[index].length < 40, size: 5 } };
}

function options(chart, data, width) {
  const axis = { stroke: colour("--ink-quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const hourly = data.step === "hour";
  const half = hourly ? 1800 : 43200; // seconds
  return {
    width,
    height: HEIGHT,
    padding: [12, 18, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    cursor: { drag: { x: false, y: false }, y: false },
    legend: { live: true },
    scales: {
      x: { range: (_, low, high) => [low - half, high + half] },
      y: { range: (_, low, high) => (chart.unit === "share" ? around(low, high) : [0, high * 1.08 || 1]) },
    },
    axes: [
      { ...axis, grid: { show: false }, space: 70, size: 36, gap: 8, values: (_, ticks) => ticks.map((tick) => moment(tick, hourly ? AT_HOUR : ON_DAY)) },
      { ...axis, size: 60, values: (_, ticks) => ticks.map((tick) => AXIS[chart.unit](tick)) },
    ],
    series: [
      { label: hourly ? "Hour" : "Day", value: (_, seconds) => moment(seconds ?? data.times.at(-1), hourly ? { ...ON_DAY, ...AT_HOUR } : ON_DAY) },
      ...chart.names.map((_, index) => series(chart, index)),
    ],
  };
}

function around(low, high) {
  const room = Math.max((high - low) * 0.15, 0.005);
  return [Math.max(0, low - room), Math.min(1, high + room)];
}

function draw(place, chart, data) {
  const values = chart.kind === "bars" ? stacked(chart.values) : chart.values;
  place.replaceChildren();
  return new uPlot(options(chart, data, place.clientWidth), [data.times, ...values], place);
}

function start(data) {
  const plots = new Map();
  const places = data.charts.map((chart) => [document.querySelector(`[data-chart="${chart.id}"]`), chart]);
  const all = () => places.forEach(([place, chart]) => {
    plots.get(place)?.destroy();
    plots.set(place, draw(place, chart, data));
  });
  all();
  const watch = new ResizeObserver((entries) => entries.forEach(({ target }) => {
    const plot = plots.get(target);
    if (plot && target.clientWidth && plot.width !== target.clientWidth) plot.setSize({ width: target.clientWidth, height: HEIGHT });
  }));
  places.forEach(([place]) => watch.observe(place));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
}

// Another model has other versions: choosing it forgets the version.
function listen({ model, version }) {
  model.addEventListener("change", () => {
    if (version) version.value = "";
  });
}

const found = document.getElementById("operations-data");
if (found) start(JSON.parse(found.textContent));
const form = document.getElementById("operations-form");
if (form) listen(form.elements);
