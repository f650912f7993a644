// The server stores submissions with the same key once. After a result, the form has another key, so this module drops the
// second click of a double click.
const KEY_NAME = "idempotency_key";
const DOUBLE_CLICK_MILLISECONDS = 1000;
let renewalCount = 0;
let lastContent = "";
let lastTime = -Infinity;

// The rest of the key is random and comes from the server.
function renewKey(field) {
  renewalCount += 1;
  field.value = `${field.value.split(".")[0]}.${renewalCount}`;
}

function describeContent({ path, formData }) {
  const entries = [...formData].filter(([name]) => ![KEY_NAME, "csrfmiddlewaretoken"].includes(name));
  const texts = entries.map(([name, value]) => [name, value instanceof File ? `${value.name} ${value.size}` : value]);
  return JSON.stringify([path, texts]);
}

document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt: form, requestConfig } = event.detail;
  if (!form.elements?.[KEY_NAME] || requestConfig.triggeringEvent?.type !== "submit") return;
  const content = describeContent(requestConfig);
  const time = performance.now();
  if (content === lastContent && time - lastTime < DOUBLE_CLICK_MILLISECONDS) event.preventDefault();
  else [lastContent, lastTime] = [content, time];
});

// A form that stays on the page. Without a response, the key stays the same, so that another attempt stores nothing again.
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const field = detail.elt.elements?.[KEY_NAME];
  const isLoading = detail.xhr.getResponseHeader("Error-Code") === "model-loading"; // model_loading.js sends it again
  if (!detail.successful || isLoading) lastContent = "";
  else if (field) renewKey(field);
});

// The browser shows the page as it was when the user left it.
window.addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  for (const field of document.querySelectorAll(`input[name=${KEY_NAME}]`)) renewKey(field);
});
