// Times as people say them, in the reader's own zone; the exact one is in the title, or before it where it matters.
const STEPS = [["second", 60], ["minute", 60], ["hour", 24], ["day", 7]];
const SHORT = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
const LONG = { dateStyle: "long", timeStyle: "long" };
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

function said(moment) {
  let amount = (moment - Date.now()) / 1000;
  if (Math.abs(amount) < 45) return "just now";
  const now = new Date();
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  const clock = moment.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (moment < now && moment.toDateString() === yesterday.toDateString()) return `yesterday, ${clock}`;
  for (const [unit, size] of STEPS) {
    if (Math.abs(amount) < size) return relative.format(Math.round(amount), unit);
    amount /= size;
  }
  return moment.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}

function tell(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    if ("plain" in element.dataset) {
      element.textContent = moment.toLocaleString("en-GB", SHORT);
      continue;
    }
    const exact = moment.toLocaleString("en-GB", LONG);
    element.title = exact;
    element.textContent = "exact" in element.dataset ? `${exact} (${said(moment)})` : said(moment);
  }
}

tell(document);
document.addEventListener("htmx:afterSwap", (event) => tell(event.target));
