// "Was this right?" answered where it is asked: the section is replaced by what the server makes of it.
document.addEventListener("submit", async (event) => {
  const section = event.target.closest("[data-judge]");
  if (!section) return;
  event.preventDefault();
  const body = new FormData(event.target, event.submitter);
  try {
    const response = await fetch(event.target.action, { method: "POST", body, headers: { "HX-Request": "true" } });
    if (!(response.headers.get("Content-Type") || "").startsWith("text/html") || response.redirected) throw new Error();
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.querySelector("[data-judge]");
    if (!fresh) throw new Error();
    section.replaceWith(fresh);
    fresh.setAttribute("role", "status");
    fresh.querySelector("button")?.focus();
  } catch {
    const told = section.querySelector("[role=alert]") || section.appendChild(document.createElement("p"));
    told.className = "error-text";
    told.setAttribute("role", "alert");
    told.textContent = "No answer came, so it may not be stored. Reload the page and look.";
  }
});
