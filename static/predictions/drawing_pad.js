// A drawing pad for models that declare `drawing = true`. *Predict* sends the drawing as a PNG file. Without a pointer, use the upload.
import { gettext } from "../mlsite/i18n.js";

const SIDE_PIXELS = 560; // of the image that is sent
const PEN_PIXELS = 26;
const ERASER_PIXELS = 60;
const pad = document.getElementById("drawing-pad");
const canvas = pad.querySelector("canvas");
const context = canvas.getContext("2d");
const strokes = [];
let isErasing = false;
let isDrawing = false;
let send = null;

function drawStroke({ points, erases }) {
  context.strokeStyle = context.fillStyle = erases ? "#ffffff" : "#101010";
  context.lineWidth = erases ? ERASER_PIXELS : PEN_PIXELS;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  context.moveTo(...points[0]);
  for (const point of points.length > 1 ? points.slice(1) : points) context.lineTo(...point);
  context.stroke();
}

function redraw() {
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, SIDE_PIXELS, SIDE_PIXELS);
  strokes.forEach(drawStroke);
  const isEmpty = !strokes.some(({ erases }) => !erases);
  for (const action of ["undo", "clear"]) pad.querySelector(`[data-action=${action}]`).disabled = !strokes.length;
  pad.querySelector("[data-action=predict]").disabled = isEmpty;
}

function readPoint(event) {
  const box = canvas.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * SIDE_PIXELS, ((event.clientY - box.top) / box.height) * SIDE_PIXELS];
}

function sendDrawing() {
  canvas.toBlob((blob) => {
    send([new File([blob], `${gettext("drawing")}.png`, { type: "image/png" })]);
    document.getElementById("results").scrollIntoView({ block: "nearest" });
  }, "image/png");
}

function setTool(erases) {
  isErasing = erases;
  for (const button of pad.querySelectorAll("[data-tool]")) {
    button.setAttribute("aria-pressed", String((button.dataset.tool === "eraser") === erases));
  }
}

const ACTIONS = {
  undo() { strokes.pop(); },
  clear() { strokes.length = 0; },
  predict: sendDrawing,
};

function listenForDrawing() {
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    isDrawing = true;
    strokes.push({ points: [readPoint(event)], erases: isErasing || event.buttons === 32 }); // 32: the eraser of a pen
    redraw();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!isDrawing) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) strokes.at(-1).points.push(readPoint(each));
    redraw();
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { isDrawing = false; });
  pad.addEventListener("click", ({ target }) => {
    if (target.dataset.tool) setTool(target.dataset.tool === "eraser");
    if (!target.dataset.action) return;
    ACTIONS[target.dataset.action]();
    redraw();
  });
}

export function startDrawing(addFiles) {
  send = addFiles;
  canvas.width = canvas.height = SIDE_PIXELS;
  listenForDrawing();
  redraw();
}
