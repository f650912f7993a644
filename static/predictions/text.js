// The number of characters of a text, which the server limits. Characters are counted as the server does: an emoji is one.
import { gettext, interpolate, language } from "../mlsite/i18n.js";

const FIELD_SELECTOR = "textarea[data-max-length]";

function showLength(field) {
  const counter = document.querySelector(`[data-counter-for="${field.id}"]`);
  const length = [...field.value].length;
  const limit = Number(field.dataset.maxLength);
  const values = { count: length.toLocaleString(language), limit: limit.toLocaleString(language) };
  counter.textContent = interpolate(gettext("%(count)s of %(limit)s characters"), values);
  counter.classList.toggle("error-text", length > limit);
}

function showAllLengths() {
  for (const field of document.querySelectorAll(FIELD_SELECTOR)) showLength(field);
}

document.addEventListener("input", ({ target }) => {
  if (target.matches(FIELD_SELECTOR)) showLength(target);
});
document.addEventListener("htmx:afterSwap", showAllLengths);
showAllLengths();
