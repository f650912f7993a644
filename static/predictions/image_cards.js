// The cards of single images: a form that htmx submits and replaces with its result.
//
// `onImageCard(callback)` calls `callback({ card, actions, isPending, readFile })` for each card of a single image, now and later. A
// card is first pending, and is then replaced with the card of its result, for which the callback is called again. Buttons such as
// *Edit* belong into `actions`. `readFile()` returns a promise of the image as a File.
import { gettext, interpolate } from "../mlsite/i18n.js";

const MAX_CONCURRENT_UPLOADS = 3;
const form = document.querySelector(".upload-form");
const results = document.getElementById("results");
const template = document.getElementById("upload-card");
const callbacks = [];
const files = new WeakMap(); // by card
const waitingCards = [];
const sendingCards = new Set(); // whose bytes are being sent
let activeUploads = 0;
let uploadCount = 0;

// The image of a result that the server rendered is read from the server again.
async function readStoredImage(card) {
  const response = await fetch(card.dataset.imageUrl);
  if (!response.ok) throw new Error(gettext("The image could not be read from the server."));
  const blob = await response.blob();
  return new File([blob], card.dataset.imageName || "image", { type: blob.type });
}

function describeCard(card) {
  const file = files.get(card);
  return {
    card,
    actions: card.querySelector("[data-card-actions]"),
    isPending: !card.dataset.imageUrl,
    readFile: () => (file ? Promise.resolve(file) : readStoredImage(card)),
  };
}

function announceCard(card, file) {
  if (file) files.set(card, file);
  if (!file && !card.dataset.imageUrl) return;
  for (const callback of callbacks) callback(describeCard(card));
}

export function onImageCard(callback) {
  callbacks.push(callback);
  for (const card of document.querySelectorAll(".result[data-image-url], .result.pending")) {
    if (files.has(card) || card.dataset.imageUrl) callback(describeCard(card));
  }
}

export function setStatus(card, text) {
  card.querySelector("[role=status]").textContent = text;
}

// The card keeps the values of the form, even if its upload has to wait.
function createCard(file, reference) {
  const card = template.content.firstElementChild.cloneNode(true);
  const transfer = new DataTransfer();
  transfer.items.add(file);
  card.elements.image.files = transfer.files;
  card.elements.model.value = form.elements.model.value;
  card.elements.client_reference.value = reference;
  uploadCount += 1;
  card.elements.idempotency_key.value = `${form.elements.idempotency_key.value}-${uploadCount}`;
  card.querySelector("[data-file-name]").textContent = file.name;
  const label = interpolate(gettext("Uploading %(name)s"), { name: file.name });
  card.querySelector("progress").setAttribute("aria-label", label);
  const preview = card.querySelector("img");
  preview.src = URL.createObjectURL(file);
  preview.onload = () => URL.revokeObjectURL(preview.src);
  preview.onerror = () => preview.remove();
  return card;
}

function markRejected(card) {
  card.classList.replace("pending", "rejected");
  card.querySelector("progress").remove();
}

function startUploads() {
  while (activeUploads < MAX_CONCURRENT_UPLOADS && waitingCards.length) {
    const card = waitingCards.shift();
    activeUploads += 1;
    sendingCards.add(card);
    setStatus(card, gettext("Uploading"));
    htmx.trigger(card, "upload");
  }
}

export function addCards(images, reference = form.elements.client_reference.value) {
  const cards = images.map((file) => createCard(file, reference));
  results.prepend(...cards);
  for (const card of cards) {
    const [file] = card.elements.image.files;
    htmx.process(card);
    announceCard(card, file);
    if (file.size <= Number(form.dataset.maxBytes)) {
      waitingCards.push(card);
      continue;
    }
    setStatus(card, interpolate(gettext("The file is too large. The limit is %(size)s."), { size: form.dataset.maxSize }));
    card.querySelector("[role=status]").className = "error-text";
    markRejected(card);
  }
  startUploads();
}

export function listenForUploads() {
  window.addEventListener("beforeunload", (event) => {
    if (sendingCards.size || waitingCards.length) event.preventDefault();
  });
  results.addEventListener("htmx:xhr:progress", ({ detail, target }) => {
    if (!target.elements?.image) return;
    const bar = target.querySelector("progress[value]");
    if (!bar || !detail.lengthComputable) return;
    bar.value = detail.loaded / detail.total;
    if (detail.loaded < detail.total) return;
    sendingCards.delete(target);
    bar.removeAttribute("value"); // the duration of the rest is unknown
    setStatus(target, gettext("Running the model"));
  });
  document.addEventListener("htmx:afterSwap", ({ target, detail }) => {
    if (target.matches?.(".result")) announceCard(target, files.get(detail.requestConfig?.elt));
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    const card = detail.requestConfig.elt;
    if (!card.matches(".result") || !card.elements.image) return;
    sendingCards.delete(card);
    if (card.classList.contains("waits-for-model")) return; // model_loading.js sends it again
    if (card.classList.contains("has-request-error")) markRejected(card);
    activeUploads -= 1;
    startUploads();
  });
}
