// Upload images one by one: chosen, dropped, pasted, or taken with the camera. Each becomes a card in the results that
// htmx submits and replaces with its result. Without this module, the form submits all images at once.
const MAX_CONCURRENT_UPLOADS = 3;
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

function listenForUploads() {
  results.addEventListener("htmx:xhr:progress", ({ detail, target }) => {
    const bar = target.querySelector("progress[value]");
    if (!bar || !detail.lengthComputable) return;
    bar.value = detail.loaded / detail.total;
    if (detail.loaded < detail.total) return;
    bar.removeAttribute("value"); // the duration of the rest is unknown
    setStatus(target, "Running the model");
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    const card = detail.requestConfig.elt;
    if (!card.matches(".result")) return;
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
      addFiles(picker.files);
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
    addFiles(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files].filter((file) => file.type.startsWith("image/"));
    if (!files.length) return;
    event.preventDefault();
    addFiles(files);
  });
}

if (form) {
  listenForUploads();
  listenForFiles();
  form.querySelector("[data-without-script]").hidden = true;
  for (const element of form.querySelectorAll("[data-script-only]")) element.hidden = false;
  form.classList.add("scripted");
}
