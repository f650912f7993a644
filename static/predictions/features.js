// The form of features: asked without leaving the page, so that the answer stands beside the row and can be compared with the
// next one; a line of CSV that is pasted fills the form at once. Without this module the form works as any form does.

const results = document.getElementById("results");
const FORM = "[data-features]";
const SIGNED_OUT = "You are signed out. Sign in in another tab, then try again.";
let address = location.search;

function show(page, url) {
  document.querySelector(".recent")?.remove(); // it would go stale beside the new answer
  results.prepend(...page.getElementById("results").children);
  if (matchMedia("(max-width: 860px)").matches) document.getElementById("results-title").scrollIntoView();
  else results.firstElementChild?.scrollIntoView({ block: "nearest" });
  history.pushState(null, "", url);
  address = location.search;
}

// What was typed while the model was asked stays.
function keepTyped(form, fresh) {
  for (const field of form.elements) {
    const same = field.name && field.type !== "hidden" && field.name !== "csv" && fresh.elements.namedItem(field.name);
    if (same && "value" in same) same.value = field.value;
  }
}

async function ask(form, button) {
  const response = await fetch(form.action, { method: "POST", body: new FormData(form, button) });
  const type = response.headers.get("Content-Type") || "";
  const page = type.startsWith("text/html") ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
  const fresh = page?.querySelector(FORM);
  if (!fresh) throw new Error(response.redirected ? SIGNED_OUT : `The server answered ${response.status}. Look into the history before you ask again.`);
  if (response.redirected) show(page, response.url);
  if (button?.name !== "fill") keepTyped(form, fresh);
  const left = form.contains(document.activeElement) && document.activeElement.name;
  form.replaceWith(fresh);
  const next = fresh.querySelector("[aria-invalid=true]") || (left && fresh.elements.namedItem(left)) || fresh.querySelector("[type=submit]");
  next.focus({ preventScroll: response.redirected });
}

function tell(form, text) {
  const told = form.querySelector("[role=alert]") || form.appendChild(Object.assign(document.createElement("p"), { className: "error-text" }));
  told.setAttribute("role", "alert");
  told.textContent = text;
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest(FORM);
  if (!form) return;
  event.preventDefault();
  if (form.getAttribute("aria-busy")) return; // asked already
  form.setAttribute("aria-busy", "true");
  try {
    await ask(form, event.submitter);
  } catch (error) {
    const broke = error instanceof TypeError; // what fetch throws when the connection breaks
    tell(form, broke ? "The connection broke. Look into the history before you ask again." : error.message);
  } finally {
    form.removeAttribute("aria-busy");
  }
});

document.addEventListener("paste", (event) => {
  const line = event.target.closest?.(`${FORM} [name=csv]`);
  if (line) setTimeout(() => line.form.requestSubmit(line.form.elements.fill));
});

// Back and forward lead over the answers, each with its row.
window.addEventListener("popstate", () => { if (location.search !== address) location.reload(); });
