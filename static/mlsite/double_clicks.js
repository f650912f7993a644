// A double click submits a form once. The server does the same for forms that create something.
const DOUBLE_CLICK_MILLISECONDS = 2000;
const submissions = new WeakMap();

// Forms that a script or htmx sends are already prevented. Another button of the form, such as that of another export, is not
// part of a double click.
document.addEventListener("submit", (event) => {
  const { target: form, submitter, timeStamp } = event;
  if (event.defaultPrevented || form.method !== "post") return;
  const last = submissions.get(form);
  if (last?.submitter === submitter && timeStamp - last.timeStamp < DOUBLE_CLICK_MILLISECONDS) event.preventDefault();
  else submissions.set(form, { submitter, timeStamp });
});

// The user can go back to a page, and submit its form again.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) document.querySelectorAll("form").forEach((form) => submissions.delete(form));
});
