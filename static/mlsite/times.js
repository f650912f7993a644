// Show times relative to now, in the reader's time zone. The exact time is in the title or, where it matters, in the text.
const RELATIVE_UNITS = [["second", 60], ["minute", 60], ["hour", 24], ["day", 7]];
const SHORT_FORMAT = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
const DATE_FORMAT = { day: "numeric", month: "short", year: "numeric" };
const CLOCK_FORMAT = { hour: "2-digit", minute: "2-digit" };
const LONG_FORMAT = { dateStyle: "long", timeStyle: "long" };
const LOCALE = "en-GB";
const NOW_SECONDS = 45;
const relativeFormat = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

function formatRelative(time) {
  let amount = (time - Date.now()) / 1000;
  if (Math.abs(amount) < NOW_SECONDS) return "just now";
  const now = new Date();
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (time < now && time.toDateString() === yesterday.toDateString()) {
    return `yesterday, ${time.toLocaleTimeString(LOCALE, CLOCK_FORMAT)}`;
  }
  for (const [unit, size] of RELATIVE_UNITS) {
    if (Math.abs(amount) < size) return relativeFormat.format(Math.round(amount), unit);
    amount /= size;
  }
  return time.toLocaleDateString(LOCALE, DATE_FORMAT);
}

function showTime(element) {
  const time = new Date(element.dateTime);
  if (Number.isNaN(time.valueOf())) return;
  if ("plain" in element.dataset) {
    element.textContent = time.toLocaleString(LOCALE, SHORT_FORMAT);
    return;
  }
  const exact = time.toLocaleString(LOCALE, LONG_FORMAT);
  element.title = exact;
  element.textContent = "exact" in element.dataset ? `${exact} (${formatRelative(time)})` : formatRelative(time);
}

function showTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]")) showTime(element);
}

showTimes(document);
document.addEventListener("htmx:oobAfterSwap", () => showTimes(document));
document.addEventListener("htmx:afterSwap", (event) => showTimes(event.target));
