// A prediction waits while its model is loading: the page repeats the request with the same idempotency key.
import { gettext, interpolate } from "../mlsite/i18n.js";

const LOADING_CODE = "model-loading";
const DEFAULT_RETRY_SECONDS = 2;
const MAX_WAIT_SECONDS = 600;
const waits = new WeakMap(); // by form

function createNotice(form) {
  const notice = document.createElement("div");
  notice.className = "model-loading";
  notice.innerHTML = "<p role=\"status\"></p><progress></progress><span class=\"quiet number\" aria-hidden=\"true\"></span>";
  const text = gettext("The model is loading…");
  notice.querySelector("p").textContent = text;
  notice.querySelector("progress").setAttribute("aria-label", text);
  (form.querySelector(".result-body") || form).append(notice);
  return notice;
}

function startWait(form) {
  const started = performance.now();
  const notice = createNotice(form);
  const showSeconds = () => {
    const seconds = Math.round((performance.now() - started) / 1000);
    notice.lastElementChild.textContent = interpolate(gettext("%(count)s s"), { count: seconds });
  };
  showSeconds();
  form.classList.add("waits-for-model");
  const wait = { started, notice, timer: setInterval(showSeconds, 1000) };
  waits.set(form, wait);
  return wait;
}

function endWait(form) {
  const wait = waits.get(form);
  if (!wait) return;
  clearInterval(wait.timer);
  clearTimeout(wait.repetition);
  wait.notice.remove();
  form.classList.remove("waits-for-model");
  waits.delete(form);
}

function repeatRequest(form, submitter) {
  if (!form.isConnected) endWait(form);
  else if (form.getAttribute("hx-trigger") === "upload") window.htmx.trigger(form, "upload");
  else form.requestSubmit(submitter?.isConnected ? submitter : undefined);
}

// Before requests.js, which shows other errors.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr: request, requestConfig } = event.detail;
  const form = requestConfig.elt;
  if (request.getResponseHeader("Error-Code") !== LOADING_CODE) {
    endWait(form);
    return;
  }
  const wait = waits.get(form) || startWait(form);
  if (performance.now() - wait.started > MAX_WAIT_SECONDS * 1000) {
    endWait(form);
    return;
  }
  event.stopImmediatePropagation();
  Object.assign(event.detail, { shouldSwap: false, isError: false });
  const seconds = Number(request.getResponseHeader("Retry-After")) || DEFAULT_RETRY_SECONDS;
  const submitter = requestConfig.triggeringEvent?.submitter;
  clearTimeout(wait.repetition);
  wait.repetition = setTimeout(repeatRequest, seconds * 1000, form, submitter);
}, true);

document.addEventListener("htmx:sendError", ({ detail }) => endWait(detail.requestConfig.elt), true);
