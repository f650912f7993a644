// The review queue: handle keyboard shortcuts, and show the next item at once while htmx saves the action.
import { gettext, interpolate } from "../mlsite/i18n.js";

const TEXT_FIELDS = "input:not([type=hidden], [type=checkbox]), select, textarea";
const CHANGED_BOX = "[type=checkbox][checked]:not(:checked), [type=checkbox]:not([checked]):checked, [multiple] :checked";
const INTERACTIVE = `button, a, summary, ${TEXT_FIELDS}`;
const ENTER = /^Enter$/;
const ESCAPE = /^Escape$/;
const VALUE_KEY = /^[-+.\d]$/;
const root = document.getElementById("queue");

// Return a sentence about a request that failed, or an empty string if it succeeded.
function describeError({ xhr, pathInfo }) {
  if (!xhr.status) return gettext("The connection was lost.");
  const redirected = new URL(xhr.responseURL).pathname !== new URL(pathInfo.finalRequestPath, location.href).pathname;
  if (redirected) return gettext("You are signed out. Sign in in another tab.");
  if (xhr.status < 400) return "";
  const isText = (xhr.getResponseHeader("Content-Type") || "").startsWith("text/plain");
  return (isText && xhr.responseText) || interpolate(gettext("The server returned an error (%(status)s)."), { status: xhr.status });
}

// The style sheet shows the first item that is not sent.
function getCurrentItem() {
  return root.querySelector(".queue-slot:not(.sent)");
}

function focusCurrentItem() {
  getCurrentItem()?.querySelector("h2").focus({ preventScroll: true });
}

// A number field with an incomplete number, such as "-", has an empty value.
function hasText(field) {
  return field.value !== "" || field.validity.badInput;
}

// Enter saves the labels if they were changed.
function findControl(key) {
  const item = getCurrentItem();
  const isChanged = ENTER.test(key) && item?.querySelector(CHANGED_BOX);
  return isChanged ? item.querySelector("[data-save]") : item?.querySelector(`[data-key="${CSS.escape(key)}"]`);
}

// In blind mode, there is no button to mark the prediction correct: Enter leads to the labels without a button, if there are any.
function explainEnter() {
  const item = getCurrentItem();
  if (!item) return;
  item.querySelector("select[name=true_label]")?.focus();
  root.querySelector("#queue-message").textContent = gettext("The prediction is hidden. Choose the true label, or enter the true value.");
}

// Keys that act on the page, and not on an item: links are followed, buttons are pressed.
function handleShortcut(event) {
  const control = document.querySelector(`[data-shortcut="${CSS.escape(event.key)}"]`);
  if (control) event.preventDefault();
  control?.click();
  return Boolean(control);
}

function handleKey(event) {
  if (ESCAPE.test(event.key) && event.target.closest(TEXT_FIELDS)) focusCurrentItem();
  if (document.querySelector("dialog[open]")) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.closest(TEXT_FIELDS)) return;
  if (ENTER.test(event.key) && event.target.closest(INTERACTIVE)) return;
  if (handleShortcut(event)) return;
  const field = getCurrentItem()?.querySelector("[name=true_value]");
  if (field && ENTER.test(event.key) && hasText(field)) {
    event.preventDefault();
    field.form.requestSubmit();
    return;
  }
  const button = event.key === "z" ? root.querySelector(".queue-undo button") : findControl(event.key);
  if (!button) {
    if (ENTER.test(event.key)) explainEnter();
    else if (VALUE_KEY.test(event.key)) field?.select(); // the browser types the key into the field that has the focus by then
    return;
  }
  event.preventDefault();
  if (button.type === "textarea") button.focus();
  else if (button.type === "checkbox" || button.matches("a")) button.click();
  else button.form.requestSubmit(button);
}

// Requests wait for each other. The queue element sends them with the values of the moment of the action: otherwise, htmx would
// read the form again when its turn comes, and the selected button could be unknown by then.
function submitForm(event) {
  event.preventDefault();
  const values = new FormData(event.target, event.submitter);
  const item = event.target.closest(".queue-slot");
  const comment = item?.querySelector("textarea[name=comment]")?.value;
  if (comment) values.set("comment", comment); // the forms of an item share the field
  if (item) {
    item.classList.add("sent");
    focusCurrentItem();
  }
  const url = location.pathname + location.search;
  window.htmx.ajax("POST", url, { source: root, values }).catch(() => {}); // finishRequest shows the error
}

// A failed action brings its item back; if the action was processed, the response has removed the item.
function finishRequest({ detail }) {
  const item = document.getElementById(`item-${detail.requestConfig.parameters.prediction}`);
  item?.classList.remove("sent");
  const error = describeError(detail);
  if (error) root.querySelector("#queue-error").textContent = `${error} ${gettext("The action may not have been saved. Try again: nothing is saved twice.")}`;
}

// htmx moves the items that stay, and a moved field loses focus.
let focused = null;
let current = null;

function rememberFocus({ detail }) {
  detail.shouldSwap = !describeError(detail);
  focused = document.activeElement;
  current = getCurrentItem();
}

function restoreFocus() {
  if (getCurrentItem() !== current) focusCurrentItem();
  else if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
}

if (root) {
  document.addEventListener("keydown", handleKey);
  root.addEventListener("submit", submitForm);
  root.addEventListener("htmx:beforeSwap", rememberFocus);
  root.addEventListener("htmx:afterRequest", (event) => { finishRequest(event); restoreFocus(); });
  const keys = document.getElementById("queue-keys");
  document.querySelector("[data-keys]").addEventListener("click", () => keys.showModal());
  focusCurrentItem();
  root.dataset.ready = "true";
}
