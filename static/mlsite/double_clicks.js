// A double click submits a form once. The server handles forms that store predictions, also without scripts; other forms,
// such as that of a new API token, would run twice.
const DOUBLE_CLICK_MILLISECONDS = 2000;
const submitted = new WeakMap();

// Forms that a script or htmx sends are already prevented.
document.addEventListener("submit", (event) => {
  const { target: form, defaultPrevented, timeStamp } = event;
  if (defaultPrevented || form.method !== "post") return;
  if (timeStamp - submitted.get(form) < DOUBLE_CLICK_MILLISECONDS) event.preventDefault();
  else submitted.set(form, timeStamp);
});

// The user can go back to a page, and submit its form again.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) document.querySelectorAll("form").forEach((form) => submitted.delete(form));
});
