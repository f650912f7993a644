// Buttons that copy the text of another element. They are hidden without JavaScript.
import { gettext } from "../mlsite/i18n.js";

const FEEDBACK_MILLISECONDS = 2000;

async function copyText(button, label) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.innerText);
    button.textContent = gettext("Copied");
  } catch {
    // Browsers allow access to the clipboard over HTTPS only. Select the text, so that one keystroke copies it.
    getSelection().selectAllChildren(source);
    button.textContent = gettext("Press Ctrl+C");
  }
  setTimeout(() => { button.innerHTML = label; }, FEEDBACK_MILLISECONDS);
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const label = button.innerHTML; // before the first click: a second one follows while it shows the feedback
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", () => copyText(button, label));
}
