// The History page: show and accept times in the reader's time zone, and submit them in UTC. Reload the page after the back
// button.
const TIME_FILTERS = ["created_after", "created_before"];
const MILLISECONDS_PER_DAY = 86_400_000;
const form = document.querySelector(".filters");

const padNumber = (number) => String(number).padStart(2, "0");

function formatLocalTime(time) {
  const day = [time.getFullYear(), padNumber(time.getMonth() + 1), padNumber(time.getDate())].join("-");
  return `${day}T${padNumber(time.getHours())}:${padNumber(time.getMinutes())}`;
}

// A time without a zone is in UTC, as on the server.
function parseTime(text) {
  return new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
}

function showLocalTimes() {
  for (const name of TIME_FILTERS) {
    const field = form.elements[name];
    field.labels[0].textContent = field.labels[0].textContent.replace(" (UTC)", "");
    const time = parseTime(new URLSearchParams(location.search).get(name) || "");
    if (!Number.isNaN(time.valueOf())) field.value = formatLocalTime(time);
  }
}

// Return the start of the reader's day for the start of a day in UTC: both are as many days from today.
function toLocalMidnight(utcMidnight) {
  const now = new Date();
  const utcToday = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
  const days = Math.round((utcMidnight - utcToday) / MILLISECONDS_PER_DAY);
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days);
}

function localizeDayLinks(root) {
  for (const link of root.querySelectorAll("[data-day]")) {
    const url = new URL(link.href);
    for (const name of TIME_FILTERS.filter((filter) => url.searchParams.has(filter))) {
      url.searchParams.set(name, toLocalMidnight(parseTime(url.searchParams.get(name))).toISOString());
    }
    link.href = url.href;
  }
}

showLocalTimes();
localizeDayLinks(document);
form.addEventListener("formdata", ({ formData }) => {
  for (const name of TIME_FILTERS) {
    const typed = formData.get(name);
    if (typed) formData.set(name, new Date(typed).toISOString());
  }
});
document.addEventListener("htmx:afterSwap", ({ target }) => localizeDayLinks(target));
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
