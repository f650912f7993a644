// Upload images one by one: chosen, dropped, pasted, or taken with the camera. Each becomes a card in the results that
// htmx submits and replaces with its result. More than a few images and ZIP files go into a batch job. Without this module,
// the form submits all images at once.
import { UNREADABLE_MESSAGE, isArchive, isTable, listDroppedFiles, selectImages } from "./dropped_files.js";
import { showRejection, uploadFile } from "./file_upload.js";
import { uploadImages } from "./images_upload.js";

const MAX_CONCURRENT_UPLOADS = 3;
const MAX_SINGLE_IMAGES = 4; // more go into a batch job
const form = document.querySelector(".upload-form");
const results = document.getElementById("results");
const template = document.getElementById("upload-card");
const waitingCards = [];
let activeUploads = 0;
let uploadCount = 0;

// The card keeps the current values of the form, even if its upload has to wait.
function createCard(file) {
  const card = template.content.firstElementChild.cloneNode(true);
  const files = new DataTransfer();
  files.items.add(file);
  card.elements.image.files = files.files;
  card.elements.model.value = form.elements.model.value;
  card.elements.client_reference.value = form.elements.client_reference.value;
  uploadCount += 1;
  card.elements.idempotency_key.value = `${form.elements.idempotency_key.value}-${uploadCount}`;
  card.querySelector("[data-file-name]").textContent = file.name;
  card.querySelector("progress").setAttribute("aria-label", `Uploading ${file.name}`);
  const preview = card.querySelector("img");
  preview.src = URL.createObjectURL(file);
  preview.onload = () => URL.revokeObjectURL(preview.src);
  preview.onerror = () => preview.remove();
  return card;
}

function setStatus(card, text) {
  card.querySelector("[role=status]").textContent = text;
}

function markRejected(card) {
  card.classList.replace("pending", "rejected");
  card.querySelector("progress").remove();
}

function startUploads() {
  while (activeUploads < MAX_CONCURRENT_UPLOADS && waitingCards.length) {
    const card = waitingCards.shift();
    activeUploads += 1;
    setStatus(card, "Uploading");
    htmx.trigger(card, "upload");
  }
}

function addFiles(files) {
  const cards = [...files].map((file) => createCard(file));
  results.prepend(...cards);
  for (const card of cards) {
    htmx.process(card);
    if (card.elements.image.files[0].size <= Number(form.dataset.maxBytes)) {
      waitingCards.push(card);
      continue;
    }
    setStatus(card, `The file is too large. The limit is ${form.dataset.maxSize}.`);
    card.querySelector("[role=status]").className = "error-text";
    markRejected(card);
  }
  startUploads();
}

function formatFileCount(files) {
  return `${files.length.toLocaleString("en")} files`;
}

// Images one by one, a ZIP file, or many images. Other files are sent too: the server describes why it rejects them.
function receiveFiles({ files, skipped }) {
  if (!form.dataset.batchUrl) {
    addFiles(files);
  } else if (!files.length) {
    if (skipped) showRejection("Folder", "The folder contains no images. Drop JPEG, PNG, or WebP images.");
  } else if (files.some(isTable)) {
    const name = files.length === 1 ? files[0].name : formatFileCount(files);
    showRejection(name, "This model takes images, not rows. Drop images or a ZIP file of images, or choose another model.");
  } else if (files.length === 1 && isArchive(files[0])) {
    const { batchMaxBytes, batchMaxSize } = form.dataset;
    uploadFile(files[0], { model: form.elements.model.value, maxBytes: Number(batchMaxBytes), maxSize: batchMaxSize });
  } else if (files.some(isArchive)) {
    showRejection(formatFileCount(files), "Drop one ZIP file, or only images. Each batch job has one ZIP file.");
  } else if (files.length <= MAX_SINGLE_IMAGES || form.elements.client_reference.value.trim()) {
    addFiles(files); // a batch job has no client reference
  } else {
    uploadImages(files, { form, skipped });
  }
}

function listenForUploads() {
  results.addEventListener("htmx:xhr:progress", ({ detail, target }) => {
    if (!target.elements?.image) return;
    const bar = target.querySelector("progress[value]");
    if (!bar || !detail.lengthComputable) return;
    bar.value = detail.loaded / detail.total;
    if (detail.loaded < detail.total) return;
    bar.removeAttribute("value"); // the duration of the rest is unknown
    setStatus(target, "Running the model");
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    const card = detail.requestConfig.elt;
    if (!card.matches(".result") || !card.elements.image) return;
    if (card.classList.contains("has-request-error")) markRejected(card);
    activeUploads -= 1;
    startUploads();
  });
}

function listenForFiles() {
  const zone = form.querySelector(".drop-zone");
  for (const picker of form.querySelectorAll("input[type=file]")) {
    picker.required = false;
    picker.addEventListener("change", () => {
      const chosen = [...picker.files];
      const files = "folder" in picker.dataset ? selectImages(chosen) : chosen;
      receiveFiles({ files, skipped: chosen.length - files.length });
      picker.value = "";
    });
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    listDroppedFiles(event.dataTransfer).then(receiveFiles, () => showRejection("Folder", UNREADABLE_MESSAGE));
  });
  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files].filter((file) => file.type.startsWith("image/"));
    if (!files.length) return;
    event.preventDefault();
    receiveFiles({ files, skipped: 0 });
  });
}

if (form) {
  listenForUploads();
  listenForFiles();
  if (form.dataset.batchUrl) form.elements.image.accept += ",.zip,application/zip";
  form.querySelector("[data-without-script]").hidden = true;
  for (const element of form.querySelectorAll("[data-script-only]")) element.hidden = false;
  form.classList.add("scripted");
}
