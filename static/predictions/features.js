// The features form, which htmx replaces with each response: keep what was typed in the meantime, focus the first invalid
// field, and fill in a pasted CSV row at once.
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

document.addEventListener("paste", ({ target }) => {
  const field = target.closest?.(`${FORM_SELECTOR} [name=csv]`);
  if (field) setTimeout(() => field.form.elements.fill.click()); // after the browser has inserted the text
});
