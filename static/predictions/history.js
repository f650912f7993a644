// The history: moments are typed and shown in the reader's own zone, which the address keeps as the UTC they mean; what keeps the
// list from coming is told; on the way back the list is fetched anew.
const form = document.querySelector(".filters");
const MOMENTS = ["created_after", "created_before"];
const PROBLEM = document.getElementById("history-problem");

const two = (number) => String(number).padStart(2, "0");

function local(moment) {
  const day = [moment.getFullYear(), two(moment.getMonth() + 1), two(moment.getDate())].join("-");
  return `${day}T${two(moment.getHours())}:${two(moment.getMinutes())}`;
}

// What names no zone is meant as UTC, as the server reads it.
function asMoment(text) {
  return new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
}

function inTheReadersZone(root) {
  for (const name of MOMENTS) {
    const field = root.querySelector(`[name=${name}]`);
    if (!field) continue;
    field.labels[0].textContent = field.labels[0].textContent.replace(" (UTC)", "");
    const asked = asMoment(new URLSearchParams(location.search).get(name) || "");
    if (!Number.isNaN(asked.valueOf())) field.value = local(asked);
  }
}

// "today" begins where the reader is.
function daysOf(root) {
  for (const link of root.querySelectorAll("[data-day]")) {
    const asked = new URL(link.href);
    for (const name of MOMENTS.filter((one) => asked.searchParams.has(one))) {
      const midnight = new Date();
      const utc = asMoment(asked.searchParams.get(name));
      const today = Date.UTC(midnight.getUTCFullYear(), midnight.getUTCMonth(), midnight.getUTCDate());
      midnight.setHours(0, 0, 0, 0);
      midnight.setDate(midnight.getDate() + Math.round((utc - today) / 86_400_000));
      asked.searchParams.set(name, midnight.toISOString());
    }
    link.href = asked.href;
  }
}

function tell(text) {
  PROBLEM.textContent = text;
  PROBLEM.hidden = !text;
}

inTheReadersZone(form);
daysOf(document);
form.addEventListener("formdata", ({ formData }) => {
  for (const name of MOMENTS) {
    const typed = formData.get(name);
    if (typed) formData.set(name, new Date(typed).toISOString());
  }
});
document.addEventListener("htmx:afterSwap", (event) => { tell(""); daysOf(event.target); });
document.addEventListener("htmx:responseError", ({ detail }) => tell(`The list did not come (the server answered ${detail.xhr.status}). Try again.`));
document.addEventListener("htmx:sendError", () => tell("The list did not come: the connection broke. Try again."));
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
