// Upload images: chosen, dropped anywhere on the page, pasted, or taken with the camera. Up to four images become cards that
// htmx submits one by one. More images and ZIP files go into a batch job. Without this module, the form submits all images
// at once.
//
// Pages load this module by its hashed name. If other modules imported it, it would run twice.
import { gettext, interpolate, language } from "../mlsite/i18n.js";
import { UNREADABLE_MESSAGE, isArchive, isTable, listDroppedFiles, listenForDrops, selectImages } from "./dropped_files.js";
import { showRejection } from "./rejection.js";

const MAX_SINGLE_IMAGES = 4; // more go into a batch job
const CONNECTION_MESSAGE = gettext("The connection was lost. Drop the images again.");
const form = document.querySelector(".upload-form");
const pad = document.getElementById("drawing-pad");
let loading = null;

// The module of the cards and their tools is loaded for the first image, result, or drawing.
function loadTools() {
  loading ??= import("./image_tools.js").then((tools) => {
    tools.listenForTools((files) => receiveFiles({ files, skipped: 0 }));
    return tools;
  }).catch(() => { loading = null; }); // the next image tries again
  return loading;
}

async function addSingleImages(images) {
  const reference = form.elements.client_reference.value; // the field can change while the module is loaded
  const tools = await loadTools();
  if (tools) tools.addImages(images, reference);
  else showRejection(describeFiles(images), CONNECTION_MESSAGE);
}

function describeFiles(files) {
  return files.length === 1 ? files[0].name : interpolate(gettext("%(count)s files"), { count: files.length.toLocaleString(language) });
}

// Images one by one, a ZIP file, or many images. Other files are sent too: the server describes why it rejects them.
function receiveFiles({ files, skipped }) {
  if (!form.dataset.batchUrl) {
    addSingleImages(files);
  } else if (!files.length) {
    if (skipped) showRejection(gettext("Folder"), gettext("The folder contains no images. Drop JPEG, PNG, or WebP images."));
  } else if (files.some(isTable)) {
    showRejection(describeFiles(files), gettext("This model takes images, not rows. Drop images or a ZIP file of images, or choose another model."));
  } else if (files.length === 1 && isArchive(files[0])) {
    uploadArchive(files[0]);
  } else if (files.some(isArchive)) {
    showRejection(describeFiles(files), gettext("Drop one ZIP file, or only images. Each batch job has one ZIP file."));
  } else if (files.length <= MAX_SINGLE_IMAGES || form.elements.client_reference.value.trim()) {
    addSingleImages(files); // a batch job has no client reference
  } else {
    uploadMany(files, skipped);
  }
}

// The modules of batch jobs are loaded for the first one.
async function uploadArchive(file) {
  const { uploadFile } = await import("./file_upload.js").catch(() => ({}));
  const { batchMaxBytes, batchMaxSize } = form.dataset;
  const limits = { maxBytes: Number(batchMaxBytes), maxSize: batchMaxSize };
  if (uploadFile) uploadFile(file, { model: form.elements.model.value, ...limits });
  else showRejection(file.name, CONNECTION_MESSAGE);
}

async function uploadMany(files, skipped) {
  const { uploadImages } = await import("./images_upload.js").catch(() => ({}));
  if (uploadImages) uploadImages(files, { form, skipped });
  else showRejection(describeFiles(files), CONNECTION_MESSAGE);
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
  listenForFiles();
  pad?.addEventListener("toggle", loadTools, { once: true });
  document.addEventListener("htmx:afterSwap", loadTools, { once: true }); // the result of an example
  if (document.querySelector(".result[data-image-url]")) loadTools();
  if (form.dataset.batchUrl) form.elements.image.accept += ",.zip,application/zip";
  form.querySelector("[data-without-script]").hidden = true;
  for (const element of form.querySelectorAll("[data-script-only]")) element.hidden = false;
  form.classList.add("scripted");
}
