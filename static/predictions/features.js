// The form of features: a line of CSV that is pasted fills the form at once. Without this module there is the button.

const form = document.querySelector("[data-features]");

if (form) {
  const line = form.querySelector("[name=csv]");
  const fill = form.querySelector("[name=fill]");
  line.addEventListener("paste", () => setTimeout(() => form.requestSubmit(fill)));
}
