// Crop, rotate, and invert one image. Cropper.js is loaded for the first image.
const MAX_SIDE_PIXELS = 4096;
const JPEG_QUALITY = 0.92;
const MOVE_SHARE = 0.02; // of the width of the crop area, for each press of an arrow key
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const dialog = document.getElementById("image-editor");
const image = dialog.querySelector("img");
const angle = dialog.querySelector("[name=angle]");
const stage = dialog.querySelector(".image-editor-stage");
const sendButton = dialog.querySelector("[data-edit=send]");
let cropper = null;
let file = null;
let turns = 0;
let isInverted = false;
let loading = null;
let finish = null;

function loadElement(name, properties) {
  return new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement(name), properties);
    element.onload = resolve;
    element.onerror = () => {
      element.remove();
      reject(new Error(`${name} could not be loaded`));
    };
    document.head.append(element);
  });
}

function loadCropper() {
  const { cropperScript, cropperStyle } = dialog.dataset;
  loading ??= Promise.all([loadElement("link", { rel: "stylesheet", href: cropperStyle }), loadElement("script", { src: cropperScript })]);
  loading.catch(() => { loading = null; }); // the next image tries again
  return loading;
}

function showRotation() {
  cropper.rotateTo(turns * 90 + Number(angle.value));
  dialog.querySelector("output").textContent = `${angle.value}°`;
}

// A quarter turn changes the shape of the image: show and select all of it again.
function turn(step) {
  turns += step;
  showRotation();
  const { naturalWidth, naturalHeight } = cropper.getImageData();
  const { width, height } = cropper.getContainerData();
  const isUpright = turns % 2 === 0;
  const [imageWidth, imageHeight] = isUpright ? [naturalWidth, naturalHeight] : [naturalHeight, naturalWidth];
  const scale = Math.min(width / imageWidth, height / imageHeight);
  cropper.clear();
  cropper.zoomTo(scale);
  const { width: canvasWidth, height: canvasHeight } = cropper.getCanvasData();
  cropper.setCanvasData({ left: (width - canvasWidth) / 2, top: (height - canvasHeight) / 2 });
  cropper.crop();
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

// Cropper.js calls this even before its constructor has returned, and perhaps after the dialog was closed.
function start() {
  cropper = image.cropper;
  if (!cropper) return;
  reset();
  sendButton.disabled = false;
}

function invert(canvas) {
  const context = canvas.getContext("2d");
  context.globalCompositeOperation = "difference";
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
}

function send() {
  const type = file.type === "image/png" ? "image/png" : "image/jpeg";
  const name = type === file.type ? file.name : file.name.replace(/(\.\w+)?$/, ".jpg");
  const canvas = cropper.getCroppedCanvas({ maxWidth: MAX_SIDE_PIXELS, maxHeight: MAX_SIDE_PIXELS, fillColor: "#ffffff" });
  if (isInverted) invert(canvas);
  canvas.toBlob((blob) => {
    finish?.(new File([blob], name, { type }));
    dialog.close();
  }, type, JPEG_QUALITY);
}

const EDITS = {
  left() { turn(-1); },
  right() { turn(1); },
  invert() { isInverted = !isInverted; showInversion(); },
  reset,
  send,
  cancel() { dialog.close(); },
};

// The arrow keys move the crop area; with the Shift key, they change its size.
function moveWithKeys(event) {
  const move = MOVES[event.key];
  if (!move || !cropper) return;
  event.preventDefault();
  const area = cropper.getCropBoxData();
  const step = Math.max(2, cropper.getContainerData().width * MOVE_SHARE);
  const [x, y] = move.map((direction) => direction * step);
  const changed = event.shiftKey ? { width: area.width + x, height: area.height + y } : { left: area.left + x, top: area.top + y };
  cropper.setCropBoxData({ ...area, ...changed });
}

async function canShow(url) {
  const probe = new Image();
  probe.src = url;
  return probe.decode().then(() => true, () => false);
}

// Return a promise of the edited image, or of null if the user cancels. An image that the browser cannot show stays as it is: the
// server describes what is wrong with it.
export async function editImage(original) {
  await loadCropper();
  const url = URL.createObjectURL(original);
  if (!(await canShow(url))) {
    URL.revokeObjectURL(url);
    return original;
  }
  close();
  file = original;
  image.src = url;
  sendButton.disabled = true; // until the image is shown
  dialog.showModal();
  // The browser itself turns photos. Without `checkOrientation`, Cropper.js reads no file.
  const options = { viewMode: 0, autoCropArea: 1, background: false, checkCrossOrigin: false, checkOrientation: false, ready: start };
  cropper = new window.Cropper(image, options);
  return new Promise((resolve) => { finish = resolve; });
}

// End the editing of an image; without an edited image, it is canceled.
function close() {
  cropper?.destroy();
  cropper = null;
  URL.revokeObjectURL(image.src);
  image.removeAttribute("src");
  finish?.(null);
  finish = null;
}

dialog.addEventListener("click", ({ target }) => { if (cropper) EDITS[target.dataset.edit]?.(); });
// The browser sends the event later, when the dialog may show the next image.
dialog.addEventListener("close", () => { if (!dialog.open) close(); });
angle.addEventListener("input", () => { if (cropper) showRotation(); });
stage.addEventListener("keydown", moveWithKeys);
