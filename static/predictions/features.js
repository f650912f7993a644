// The features form, which htmx replaces: keep what was typed meanwhile, focus the first invalid field, fill in a pasted
// CSV row at once.
const FORM_SELECTOR = ".features-form";
let typedValues = new Map();
let typedVersion = "";

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (!detail.target.matches(FORM_SELECTOR)) return;
  const isFilledIn = detail.requestConfig.formData.has("fill");
  const fields = [...detail.target.elements].filter((field) => field.name && !["hidden", "file"].includes(field.type) && field.name !== "csv");
  typedVersion = detail.target.elements.version.value;
  typedValues = new Map(isFilledIn ? [] : fields.map((field) => [field.name, field.value]));
});

document.addEventListener("htmx:afterSwap", ({ target: form }) => {
  if (!form.matches(FORM_SELECTOR)) return;
  if (form.elements.version.value !== typedVersion) typedValues = new Map(); // its numbered fields may be other features
  for (const field of form.elements) {
    if (typedValues.has(field.name) && field.type !== "submit") field.value = typedValues.get(field.name);
  }
  form.querySelector("[aria-invalid=true]")?.focus();
});

// Return how many rows pasted text has, without a header: a first line without a number.
function countRows(text) {
  const lines = text.split(/\r?\n/).filter((line) => line.trim());
  const hasHeader = lines.length > 1 && !lines[0].split(/[\t;,]/).some((cell) => /^\s*[+-]?[\d.,]+\s*$/.test(cell));
  return lines.length - (hasHeader ? 1 : 0);
}

// One row fills in the form, more rows open the preview of a table.
function submitRows(form) {
  const { fill, preview, csv } = form.elements;
  (preview && countRows(csv.value) > 1 ? preview : fill).click();
}

document.addEventListener("paste", (event) => {
  const form = event.target.closest?.(FORM_SELECTOR);
  if (!form?.elements.csv || !form.elements.fill) return;
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (event.target.name === "csv") {
    setTimeout(() => submitRows(form)); // after the browser has inserted the text
  } else if (event.target.matches("input[type=number]") && /[\t\n]/.test(text.trim())) {
    event.preventDefault(); // cells of a spreadsheet, which do not fit into one field
    form.elements.csv.value = text;
    form.elements.csv.closest("details").open = true;
    submitRows(form);
  }
});

// Warn about values that are unusual, compared with the training data. The texts come from the server.
const isOutside = (value, bounds) => {
  const [low, high] = bounds.split(" ").map(Number);
  return value < low || value > high;
};

function showRangeWarning(field) {
  const warning = document.querySelector(`[data-range-for="${field.id}"]`);
  if (!warning) return;
  const value = field.valueAsNumber;
  const { observed, outside, fences, unusual } = field.dataset;
  const isFar = observed && isOutside(value, observed);
  const text = isFar ? outside : fences && isOutside(value, fences) ? unusual : "";
  if (warning.textContent !== text) warning.textContent = text;
  warning.classList.toggle("outside", Boolean(isFar));
}

function showRangeWarnings() {
  for (const field of document.querySelectorAll("[data-observed], [data-fences]")) showRangeWarning(field);
}

document.addEventListener("input", ({ target }) => {
  if (target.matches("[data-observed], [data-fences]")) showRangeWarning(target);
});
document.addEventListener("htmx:afterSwap", showRangeWarnings);
showRangeWarnings();

// The arrow keys step in units that suit the range. The field itself accepts any number of decimals.
document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (!["ArrowUp", "ArrowDown"].includes(key) || !target.matches("input[data-step]") || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const step = Number(target.dataset.step);
  const start = Number.isNaN(target.valueAsNumber) ? Number(target.dataset.observed?.split(" ")[0] ?? 0) : target.valueAsNumber;
  const moved = start + (key === "ArrowUp" ? step : -step);
  const bounded = Math.min(Math.max(moved, target.min === "" ? -Infinity : Number(target.min)), target.max === "" ? Infinity : Number(target.max));
  target.value = String(Number(bounded.toPrecision(12)));
  target.dispatchEvent(new Event("input", { bubbles: true }));
});
