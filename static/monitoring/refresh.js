// Refreshes the operations page every minute while it is visible. The scroll position, the focus, and opened details stay.
// Also handles failed requests of htmx.
const REFRESH_MILLISECONDS = 60_000;
const STORAGE_KEY = "operations-refresh";
const LIVE = "#operations-live";
const toggle = document.getElementById("refresh");
let refreshedAt = Date.now();
let state = null; // what the next swap must restore

function findLive() {
  return document.querySelector(LIVE);
}

function isInUse() {
  const live = findLive();
  const selection = getSelection();
  const isSelecting = !selection.isCollapsed && live.contains(selection.anchorNode);
  return isSelecting || live.contains(document.activeElement?.closest("select, input")) || Boolean(document.querySelector("#operations .htmx-request"));
}

// Return a selector that finds the element again after the content has been replaced.
function buildSelector(element) {
  if (!findLive().contains(element)) return null;
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element.matches("summary")) return `#${CSS.escape(element.parentElement.id)} > summary`;
  if (element.matches("a[href]")) return `${LIVE} a[href="${CSS.escape(element.getAttribute("href"))}"]`;
  const label = element.getAttribute("aria-label");
  return label && `${LIVE} [aria-label="${CSS.escape(label)}"]`;
}

function readState() {
  const live = findLive();
  return {
    opened: [...live.querySelectorAll("details[open]")].map(({ id }) => id),
    focused: document.activeElement && buildSelector(document.activeElement),
    regions: [...live.querySelectorAll(".wide")].map((region) => [buildSelector(region), region.scrollLeft, region.scrollTop]),
    scroll: [scrollX, scrollY],
  };
}

function restoreState({ opened, focused, regions, scroll }) {
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  for (const [selector, left, top] of regions) document.querySelector(selector)?.scrollTo(left, top);
  if (focused) document.querySelector(focused)?.focus({ preventScroll: true });
  scrollTo({ left: scroll[0], top: scroll[1], behavior: "instant" });
}

function showError() {
  for (const element of document.querySelectorAll(".refresh-error")) element.textContent = toggle.dataset.error;
}

function refresh() {
  if (!toggle.checked || document.visibilityState !== "visible" || Date.now() - refreshedAt < REFRESH_MILLISECONDS || isInUse()) return;
  refreshedAt = Date.now();
  htmx.ajax("GET", location.pathname + location.search, { source: LIVE, target: LIVE, select: LIVE, swap: "outerHTML" });
}

toggle.checked = localStorage.getItem(STORAGE_KEY) !== "off";
toggle.addEventListener("change", () => localStorage.setItem(STORAGE_KEY, toggle.checked ? "on" : "off"));
setInterval(refresh, 1000);
document.addEventListener("visibilitychange", refresh);

// Without the expected content, load the page itself: it shows the error, or the sign-in form after the session has expired.
// A failed refresh changes nothing.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, xhr, pathInfo } = event.detail;
  const isRefresh = target.id === "operations-live";
  if (target.id.startsWith("drift-")) { // if it fails, the link stays
    if (!xhr.responseText.includes('id="drift-')) event.preventDefault();
    return;
  }
  if (xhr.responseText.includes('id="operations"')) {
    state = isRefresh ? readState() : null;
    refreshedAt = Date.now();
    return;
  }
  event.preventDefault();
  if (isRefresh) showError();
  else location.assign(pathInfo.finalRequestPath);
});
document.addEventListener("htmx:sendError", ({ detail }) => {
  if (detail.target.id === "operations-live") showError();
  else if (detail.target.id === "operations") location.assign(detail.pathInfo.finalRequestPath);
});
// After operations.js has drawn the charts, so that the page has its height. uPlot sets the sizes in a microtask.
document.addEventListener("htmx:afterSwap", () => {
  const restored = state;
  state = null;
  if (restored) queueMicrotask(() => restoreState(restored));
});
