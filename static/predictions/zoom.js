// Enlarge an image in a dialog: wheel, + and − zoom, dragging and the arrow keys move, 0 resets, Escape closes.
import { gettext } from "../mlsite/i18n.js";

const MAX_SCALE = 40;
const STEP = 1.25;
const MOVE_PIXELS = 60;
const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
let dialog = null;
let image = null;
let view = { scale: 1, x: 0, y: 0 };

function show(changes) {
  view = { ...view, ...changes };
  if (view.scale === 1) view = { scale: 1, x: 0, y: 0 };
  image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
}

// Keep the point under the pointer where it is. Its position is relative to the center of the image.
function zoom(factor, x = 0, y = 0) {
  const scale = Math.min(MAX_SCALE, Math.max(1, view.scale * factor));
  const ratio = scale / view.scale;
  show({ scale, x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio });
}

function handleKey(event) {
  const arrow = ARROWS[event.key];
  if (event.key === "+" || event.key === "=") zoom(STEP);
  else if (event.key === "-" || event.key === "−") zoom(1 / STEP);
  else if (event.key === "0") show({ scale: 1 });
  else if (arrow) show({ x: view.x + arrow[0] * MOVE_PIXELS, y: view.y + arrow[1] * MOVE_PIXELS });
  else if (event.key === "i") dialog.close();
  else return;
  event.preventDefault();
}

function handleWheel(event) {
  event.preventDefault();
  const box = dialog.getBoundingClientRect();
  zoom(event.deltaY < 0 ? STEP : 1 / STEP, event.clientX - box.x - box.width / 2, event.clientY - box.y - box.height / 2);
}

// One pointer moves the image, two pointers zoom it.
const pointers = new Map();

function measureDistance() {
  const [first, second] = [...pointers.values()];
  return second ? Math.hypot(first.x - second.x, first.y - second.y) : 0;
}

function movePointer(event) {
  const last = pointers.get(event.pointerId);
  if (!last) return;
  const distance = measureDistance();
  pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (distance) zoom(measureDistance() / distance);
  else show({ x: view.x + event.clientX - last.x, y: view.y + event.clientY - last.y });
}

function addButton(bar, text, label, action) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: text });
  button.setAttribute("aria-label", label);
  button.addEventListener("click", action);
  bar.append(button);
}

function buildDialog() {
  dialog = Object.assign(document.createElement("dialog"), { className: "zoom-dialog" });
  dialog.setAttribute("aria-label", gettext("Image"));
  image = Object.assign(document.createElement("img"), { draggable: false });
  const bar = Object.assign(document.createElement("div"), { className: "zoom-bar" });
  addButton(bar, "+", gettext("Zoom in"), () => zoom(STEP));
  addButton(bar, "−", gettext("Zoom out"), () => zoom(1 / STEP));
  addButton(bar, "1:1", gettext("Reset the zoom"), () => show({ scale: 1 }));
  addButton(bar, "×", gettext("Close"), () => dialog.close());
  dialog.append(image, bar);
  dialog.addEventListener("keydown", (event) => { event.stopPropagation(); handleKey(event); });
  dialog.addEventListener("wheel", handleWheel, { passive: false });
  image.addEventListener("pointerdown", (event) => {
    image.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  image.addEventListener("pointermove", movePointer);
  for (const name of ["pointerup", "pointercancel"]) image.addEventListener(name, (event) => pointers.delete(event.pointerId));
  document.body.append(dialog);
}

function openImage(link) {
  if (!dialog) buildDialog();
  const source = link.querySelector("img");
  Object.assign(image, { src: link.href, alt: source.alt, className: source.className });
  show({ scale: 1 });
  pointers.clear();
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-zoom]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  openImage(link);
});
