// Times as people say them, in the reader's own zone; the exact one is in the title.
const STEPS = [["second", 60], ["minute", 60], ["hour", 24], ["day", 7]];
const LONG = { dateStyle: "long", timeStyle: "long" };
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

function said(moment) {
  let amount = (moment - Date.now()) / 1000;
  if (Math.abs(amount) < 45) return "just now";
  for (const [unit, size] of STEPS) {
    if (Math.abs(amount) < size) return relative.format(Math.round(amount), unit);
    amount /= size;
  }
  return moment.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}

function tell(root) {
  for (const element of root.querySelectorAll("time[datetime]:not([data-exact])")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    element.title = moment.toLocaleString("en-GB", LONG);
    element.textContent = said(moment);
  }
}

tell(document);
document.addEventListener("htmx:afterSwap", (event) => tell(event.target));
