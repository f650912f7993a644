// The review section of a prediction: show errors of the requests that htmx sends.
import { describeError } from "./request_errors.js";

const results = document.getElementById("results");

// A rejected review comes with status 400 and the section that explains it.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (!detail.target.matches(".review")) return;
  const rejected = detail.xhr.status === 400 && detail.xhr.responseText.includes('class="review');
  detail.shouldSwap = rejected || !describeError(detail);
  detail.isError = !detail.shouldSwap;
});

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const section = detail.target;
  if (!section.matches(".review") || !section.isConnected) return;
  const error = describeError(detail);
  if (!error) return;
  const message = section.querySelector("[role=alert]") || section.appendChild(document.createElement("p"));
  message.className = "error-text";
  message.setAttribute("role", "alert");
  message.textContent = `${error} Your review may not be saved. Reload the page to check.`;
});

// Other scripts insert results; their forms become known to htmx here.
if (results) new MutationObserver(() => window.htmx.process(results)).observe(results, { childList: true });
