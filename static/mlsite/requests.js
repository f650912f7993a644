// Report htmx requests that failed, next to the form that sent them. A rejection with an HTML fragment is swapped in instead.
import "./focus.js";
import { gettext, interpolate } from "../mlsite/i18n.js";

const CONNECTION_MESSAGE = gettext("The connection was lost. Check your history before you try again.");
const DENIED_MESSAGE = gettext("The server refused the request (403). Reload the page and try again.");
const TOO_LARGE_MESSAGE = gettext("The request is too large for the server. Send fewer or smaller files.");
const POLL_CONNECTION_MESSAGE = gettext("The connection was lost. This page tries again.");

// An element that polls. Its error stays until a request succeeds.
const isPoll = (element) => element.getAttribute("hx-trigger")?.startsWith("every ");

function isFragment(request) {
  const type = request.getResponseHeader("Content-Type") || "";
  return type.startsWith("text/html") && !/^\s*<!doctype/i.test(request.responseText);
}

function describeError(request, element) {
  const type = request.getResponseHeader("Content-Type") || "";
  if (type.startsWith("text/plain") && request.responseText) return request.responseText;
  if (isPoll(element)) return interpolate(gettext("The server returned an error (%(status)s). This page tries again."), { status: request.status });
  if (request.status === 403) return DENIED_MESSAGE;
  if (request.status === 413) return TOO_LARGE_MESSAGE;
  return interpolate(gettext("The server returned an error (%(status)s). Check your history before you try again."), { status: request.status });
}

function getErrorElement(element) {
  const existing = element.querySelector(".request-error");
  if (existing) return existing;
  const created = Object.assign(document.createElement("p"), { className: "request-error error-text" });
  created.setAttribute("role", "alert");
  return element.appendChild(created);
}

function showError(element, message) {
  const place = getErrorElement(element);
  place.classList.add("error-text");
  if (place.textContent !== message) place.textContent = message; // screen readers announce it once
  element.classList.add("has-request-error");
}

function removeError(element) {
  if (!element.classList.contains("has-request-error")) return;
  element.classList.remove("has-request-error");
  element.querySelector(".request-error")?.remove();
}

document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (!isPoll(detail.elt)) removeError(detail.elt);
});

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful && isPoll(detail.elt)) removeError(detail.elt);
});

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { xhr: request, requestConfig } = detail;
  if (request.status < 400) return;
  detail.isError = false; // the page shows the error, so htmx does not need to log it
  detail.shouldSwap = isFragment(request);
  if (!detail.shouldSwap) showError(requestConfig.elt, describeError(request, requestConfig.elt));
});

// Return the name of a file that cannot be read: a folder, or a file that was moved or changed after it was chosen. The browser
// reports it as a lost connection.
async function findUnreadableFile(formData) {
  for (const value of formData?.values() || []) {
    if (value instanceof File && !(await value.slice(0, 1).arrayBuffer().then(() => true, () => false))) return value.name;
  }
  return "";
}

document.addEventListener("htmx:sendError", async ({ detail }) => {
  const { elt, formData } = detail.requestConfig;
  showError(elt, isPoll(elt) ? POLL_CONNECTION_MESSAGE : CONNECTION_MESSAGE);
  const name = await findUnreadableFile(formData);
  if (name) showError(elt, interpolate(gettext("%(name)s could not be read. It is a folder, or it was moved or changed. Choose the file again."), { name }));
});
