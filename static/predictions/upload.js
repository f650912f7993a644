// Upload images: chosen, dropped anywhere on the page, pasted, or taken with the camera. Up to four images become cards that
// htmx submits one by one. More images and ZIP files go into a batch job. Without this module, the form submits all images
// at once.
//
// Interface for modules that edit or draw images:
// - `addFiles(files)` submits images as if the user had chosen them: an array of File objects.
// - `onImageCard(callback)` calls `callback({ card, actions, isPending, readFile })` for each card of a single image, now and
//   later. A card is first pending, and is then replaced with the card of its result, for which the callback is called again.
//   Buttons such as *Edit* belong into `actions`. `readFile()` returns a promise of the image as a File.
// - `setImageEditor(edit)`: `await edit(files)` is called with up to four images before they are sent, and returns the
//   images to send: the same ones, edited ones, or none. Pass null to send images unchanged.
// - A button that opens an editor or a drawing pad belongs into the element `[data-image-tools]` of the form.
import { gettext, interpolate, language } from "../mlsite/i18n.js";
import { UNREADABLE_MESSAGE, isArchive, isTable, listDroppedFiles, listenForDrops, selectImages } from "./dropped_files.js";
import { showRejection, uploadFile } from "./file_upload.js";
import { addCards, listenForUploads, onImageCard } from "./image_cards.js";

const MAX_SINGLE_IMAGES = 4; // more go into a batch job
const form = document.querySelector(".upload-form");
let editImages = null;

export { onImageCard };

export function setImageEditor(edit) {
  editImages = edit;
}

async function addSingleImages(images) {
  addCards(editImages ? await editImages(images) : images);
}

export function addFiles(files) {
  receiveFiles({ files: [...files], skipped: 0 });
}

function formatFileCount(files) {
  return interpolate(gettext("%(count)s files"), { count: files.length.toLocaleString(language) });
}

// Images one by one, a ZIP file, or many images. Other files are sent too: the server describes why it rejects them.
function receiveFiles({ files, skipped }) {
  if (!form.dataset.batchUrl) {
    addSingleImages(files);
  } else if (!files.length) {
    if (skipped) showRejection(gettext("Folder"), gettext("The folder contains no images. Drop JPEG, PNG, or WebP images."));
  } else if (files.some(isTable)) {
    const name = files.length === 1 ? files[0].name : formatFileCount(files);
    showRejection(name, gettext("This model takes images, not rows. Drop images or a ZIP file of images, or choose another model."));
  } else if (files.length === 1 && isArchive(files[0])) {
    const { batchMaxBytes, batchMaxSize } = form.dataset;
    uploadFile(files[0], { model: form.elements.model.value, maxBytes: Number(batchMaxBytes), maxSize: batchMaxSize });
  } else if (files.some(isArchive)) {
    showRejection(formatFileCount(files), gettext("Drop one ZIP file, or only images. Each batch job has one ZIP file."));
  } else if (files.length <= MAX_SINGLE_IMAGES || form.elements.client_reference.value.trim()) {
    addSingleImages(files); // a batch job has no client reference
  } else {
    uploadMany(files, skipped);
  }
}

// The module for many images is loaded when it is needed.
async function uploadMany(files, skipped) {
  try {
    const { uploadImages } = await import("./images_upload.js");
    uploadImages(files, { form, skipped });
  } catch {
    showRejection(formatFileCount(files), gettext("The connection was lost."));
  }
}

function listenForFiles() {
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
  listenForDrops(document.getElementById("drop-overlay"), (dataTransfer) => {
    listDroppedFiles(dataTransfer).then(receiveFiles, () => showRejection(gettext("Folder"), UNREADABLE_MESSAGE));
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
