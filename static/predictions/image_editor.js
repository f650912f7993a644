// Crop, rotate, and invert images: before they are sent, if the check box is checked, or those of results to send them again. Cropper.js is loaded when *Edit* is clicked for the first time.
import { gettext } from "../mlsite/i18n.js";
import { addFiles, onImageCard, setImageEditor } from "./upload.js";

const MAX_SIDE_PIXELS = 4096;
const JPEG_QUALITY = 0.92;
const dialog = document.getElementById("image-editor");
const image = dialog?.querySelector("img");
const angle = dialog?.querySelector("[name=angle]");
let cropper = null;
let file = null;
let turns = 0;
let isInverted = false;
let loading = null;
let finish = null;

function loadCropper() {
  loading ??= new Promise((resolve, reject) => {
    const style = document.createElement("link");
    Object.assign(style, { rel: "stylesheet", href: dialog.dataset.cropperStyle });
    const script = document.createElement("script");
    Object.assign(script, { src: dialog.dataset.cropperScript, onload: resolve, onerror: reject });
    document.head.append(style, script);
  });
  return loading;
}

function showRotation() {
  cropper.rotateTo(turns * 90 + Number(angle.value));
  dialog.querySelector("output").textContent = `${angle.value}°`;
}

function showInversion() {
  dialog.classList.toggle("inverted", isInverted);
  dialog.querySelector("[data-edit=invert]").setAttribute("aria-pressed", String(isInverted));
}

function reset() {
  turns = 0;
  angle.value = 0;
  isInverted = false;
  cropper.reset();
  showRotation();
  showInversion();
}

function invert(canvas) {
  const context = canvas.getContext("2d");
  context.globalCompositeOperation = "difference";
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
}

function send() {
  const type = file.type === "image/png" ? "image/png" : "image/jpeg";
  const canvas = cropper.getCroppedCanvas({ maxWidth: MAX_SIDE_PIXELS, maxHeight: MAX_SIDE_PIXELS, fillColor: "#ffffff" });
  if (isInverted) invert(canvas);
  canvas.toBlob((blob) => {
    finish(new File([blob], file.name, { type }));
    dialog.close();
  }, type, JPEG_QUALITY);
}

const EDITS = {
  left() { turns -= 1; showRotation(); },
  right() { turns += 1; showRotation(); },
  invert() { isInverted = !isInverted; showInversion(); },
  reset,
  send,
  cancel() { dialog.close(); },
};

// Return a promise of the edited file, or of null if the user cancels.
async function edit(original) {
  await loadCropper();
  file = original;
  image.src = URL.createObjectURL(file);
  dialog.showModal();
  const options = { viewMode: 0, autoCropArea: 1, background: false, checkCrossOrigin: false, ready: reset };
  cropper = new window.Cropper(image, options);
  return new Promise((resolve) => { finish = resolve; });
}

function close() {
  cropper?.destroy();
  cropper = null;
  URL.revokeObjectURL(image.src);
  image.removeAttribute("src");
  finish(null);
}

async function editAll(files) {
  const edited = [];
  for (const each of files) edited.push(each.type.startsWith("image/") ? await edit(each) : each);
  return edited.filter(Boolean);
}

function addCheckbox() {
  const label = document.createElement("label");
  const box = document.createElement("input");
  box.type = "checkbox";
  box.addEventListener("change", () => setImageEditor(box.checked ? editAll : null));
  label.append(box, gettext("Edit images before they are sent: crop, rotate, invert"));
  document.querySelector("[data-image-tools]")?.append(label);
  return box;
}

async function editAgain(readFile, box) {
  const edited = await edit(await readFile());
  if (!edited) return;
  setImageEditor(null);
  addFiles([edited]);
  setImageEditor(box.checked ? editAll : null);
}

function addButton({ actions, isPending, readFile }, box) {
  if (!actions || isPending || actions.querySelector("[data-edit-image]")) return;
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "secondary outline small", textContent: gettext("Edit and predict again") });
  button.dataset.editImage = "";
  button.addEventListener("click", async () => {
    button.setAttribute("aria-busy", "true");
    try {
      await editAgain(readFile, box);
    } catch {
      button.textContent = gettext("The image could not be opened. Reload the page.");
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
  actions.append(button);
}

if (dialog) {
  dialog.addEventListener("click", ({ target }) => { EDITS[target.dataset.edit]?.(); });
  dialog.addEventListener("close", close);
  angle.addEventListener("input", showRotation);
  const box = addCheckbox();
  onImageCard((card) => addButton(card, box));
}
