// Show times relative to now, in the language of the page and in the reader's time zone: that of the account, or else of the
// browser. The exact time is in the title or, where it matters, in the text.
import { gettext, interpolate, language } from "../mlsite/i18n.js";
import { browserTimeZone, timeZone } from "../mlsite/time_zone.js";

const RELATIVE_UNITS = [["second", 60], ["minute", 60], ["hour", 24], ["day", 7]];
const SHORT_FORMAT = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
const DATE_FORMAT = { day: "numeric", month: "short", year: "numeric" };
const CLOCK_FORMAT = { hour: "2-digit", minute: "2-digit" };
const LONG_FORMAT = { ...DATE_FORMAT, ...CLOCK_FORMAT, second: "2-digit" };
const LOCALE = language === "en" ? "en-GB" : language;
const NOW_SECONDS = 45;
const MILLISECONDS_PER_DAY = 86_400_000;
const COOKIE_SECONDS = 31_536_000;
const SITE_PATH = new URL("../../", import.meta.url).pathname; // from static/mlsite/
const relativeFormat = new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" });

const dayFormat = new Intl.DateTimeFormat("en-CA", { timeZone });

// The server shows times in this time zone until the script replaces them, and uses it for days.
function rememberTimeZone() {
  if (document.documentElement.dataset.timeZone || !browserTimeZone) return;
  document.cookie = `time_zone=${browserTimeZone}; path=${SITE_PATH}; max-age=${COOKIE_SECONDS}; samesite=lax`;
}

function format(time, options) {
  return new Intl.DateTimeFormat(LOCALE, { ...options, timeZone }).format(time);
}

function isThisYear(time) {
  return dayFormat.format(time).slice(0, 4) === dayFormat.format(Date.now()).slice(0, 4);
}

// Return the time zone as the server writes it: UTC or UTC+1. Abbreviations, such as CET and MEZ, depend on the language.
function formatZone(time) {
  const parts = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "shortOffset" }).formatToParts(time);
  return parts.find((part) => part.type === "timeZoneName").value.replace("GMT", "UTC").replace("+0", "");
}

// Return "" for a time that is a week or more away.
function formatAge(time) {
  let amount = (time - Date.now()) / 1000;
  if (Math.abs(amount) < NOW_SECONDS) return amount > 0 ? relativeFormat.format(0, "second") : gettext("just now");
  for (const [unit, size] of RELATIVE_UNITS) {
    if (Math.abs(amount) < size) return relativeFormat.format(Math.round(amount), unit);
    amount /= size;
  }
  return "";
}

function formatRelative(time) {
  const age = formatAge(time);
  if (age !== gettext("just now") && dayFormat.format(time) === dayFormat.format(Date.now() - MILLISECONDS_PER_DAY)) {
    return interpolate(gettext("yesterday, %(time)s"), { time: format(time, CLOCK_FORMAT) });
  }
  return age || format(time, DATE_FORMAT);
}

function showTime(element) {
  const time = new Date(element.dateTime);
  if (Number.isNaN(time.valueOf())) return;
  if ("plain" in element.dataset) {
    element.textContent = format(time, isThisYear(time) ? SHORT_FORMAT : { ...SHORT_FORMAT, year: "numeric" });
    return;
  }
  const exact = `${format(time, LONG_FORMAT)} ${formatZone(time)}`;
  element.title = exact;
  const age = formatAge(time);
  if (!("exact" in element.dataset)) element.textContent = formatRelative(time);
  else element.textContent = age ? `${exact} (${age})` : exact;
}

function showTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]")) showTime(element);
}

rememberTimeZone();
showTimes(document);
document.addEventListener("htmx:oobAfterSwap", () => showTimes(document));
document.addEventListener("htmx:afterSwap", (event) => showTimes(event.target));
