import { gettext, interpolate } from "../mlsite/i18n.js";
import { results, showRejection, template } from "./rejection.js";

// Upload one file of a batch job: a CSV or ZIP file. htmx submits the card, and the response opens the page of the batch job.
const unfinishedCards = new Set();

function listenForProgress(card) {
  card.addEventListener("htmx:xhr:progress", ({ detail }) => {
    const bar = card.querySelector("progress[value]");
    if (!bar || !detail.lengthComputable) return;
    bar.value = detail.loaded / detail.total;
    if (detail.loaded < detail.total) return;
    bar.removeAttribute("value"); // the duration of the rest is unknown
    card.querySelector("[role=status]").textContent = gettext("Reading the file");
  });
  card.addEventListener("htmx:beforeOnLoad", () => unfinishedCards.delete(card)); // before the page of the batch job is opened
  card.addEventListener("htmx:afterRequest", () => {
    unfinishedCards.delete(card);
    if (!card.classList.contains("has-request-error")) return;
    card.classList.replace("pending", "rejected");
    card.querySelector("progress").remove();
  });
}

export function uploadFile(file, { model, maxBytes, maxSize }) {
  if (file.size > maxBytes) {
    showRejection(file.name, interpolate(gettext("The file is too large. The limit is %(size)s."), { size: maxSize }));
    return;
  }
  const card = template.content.firstElementChild.cloneNode(true);
  const files = new DataTransfer();
  files.items.add(file);
  card.elements.file.files = files.files;
  card.elements.model.value = model;
  card.querySelector("[data-file-name]").textContent = file.name;
  card.querySelector("progress").setAttribute("aria-label", interpolate(gettext("Uploading %(name)s"), { name: file.name }));
  results.prepend(card);
  listenForProgress(card);
  unfinishedCards.add(card);
  window.htmx.process(card);
  window.htmx.trigger(card, "upload");
}

window.addEventListener("beforeunload", (event) => {
  if (unfinishedCards.size) event.preventDefault();
});
