// The form of features: asked without leaving the page, so that the answer stands beside the row and can be compared with the
// next one; a line of CSV that is pasted fills the form at once. Without this module the form works as any form does.

const results = document.getElementById("results");
const FORM = "[data-features]";
let address = location.search;

async function ask(form, button) {
  const response = await fetch(form.action, { method: "POST", body: new FormData(form, button) });
  const type = response.headers.get("Content-Type") || "";
  if (!type.startsWith("text/html")) throw new Error(`the server answered ${response.status}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.querySelector(FORM);
  if (!fresh) throw new Error(`the server answered ${response.status}`);
  if (response.redirected) {
    document.querySelector(".recent")?.remove(); // it would go stale beside the new answer
    results.prepend(...page.getElementById("results").children);
    results.firstElementChild?.scrollIntoView({ block: "nearest" });
    history.pushState(null, "", response.url);
    address = location.search;
  }
  const left = form.contains(document.activeElement) && document.activeElement.name;
  form.replaceWith(fresh);
  const next = fresh.querySelector("[aria-invalid=true]") || (left && fresh.elements.namedItem(left)) || fresh.querySelector("[type=submit]");
  next.focus({ preventScroll: response.redirected });
}

// Back and forward lead over the answers, each with its row.
window.addEventListener("popstate", () => { if (location.search !== address) location.reload(); });

document.addEventListener("submit", async (event) => {
  const form = event.target.closest(FORM);
  if (!form) return;
  event.preventDefault();
  form.setAttribute("aria-busy", "true");
  try {
    await ask(form, event.submitter);
  } catch (error) {
    const told = form.querySelector("[role=alert]") || form.appendChild(Object.assign(document.createElement("p"), { className: "error-text" }));
    told.setAttribute("role", "alert");
    told.textContent = `That did not work (${error.message}). Look into the history before you ask again.`;
  } finally {
    form.removeAttribute("aria-busy");
  }
});

document.addEventListener("paste", (event) => {
  const line = event.target.closest?.(`${FORM} [name=csv]`);
  if (line) setTimeout(() => line.form.requestSubmit(line.form.elements.fill));
});
