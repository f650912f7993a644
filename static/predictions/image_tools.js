// Tools for single images: edit images before they are sent or after their prediction, and draw one. The modules of the editor and of
// the drawing pad are loaded when they are opened.
import { gettext } from "../mlsite/i18n.js";
import { showRejection } from "./rejection.js";
import { addCards, listenForUploads, onImageCard } from "./image_cards.js";

const MISSING_MESSAGE = gettext("The image editor could not be loaded. Check the connection, then try again.");
const dialog = document.getElementById("image-editor");
const pad = document.getElementById("drawing-pad");
const box = document.querySelector("[data-edit-first]");

async function editImage(file) {
  const editor = await import("./image_editor.js");
  return editor.editImage(file);
}

// Return the images to send: the same ones or, if the check box is checked, edited ones. An image whose editing is canceled is left out.
async function prepareImages(files) {
  if (!box?.checked) return files;
  const edited = [];
  for (const file of files) {
    try {
      edited.push(await editImage(file));
    } catch {
      showRejection(file.name, MISSING_MESSAGE);
    }
  }
  return edited.filter(Boolean);
}

export async function addImages(files, reference) {
  addCards(await prepareImages(files), reference);
}

function addButton({ actions, isPending, readFile }) {
  if (!actions || isPending || actions.querySelector("[data-edit-image]")) return;
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "secondary outline small", textContent: gettext("Edit and predict again") });
  button.dataset.editImage = "";
  button.addEventListener("click", async () => {
    button.setAttribute("aria-busy", "true");
    try {
      const edited = await editImage(await readFile());
      if (edited) addCards([edited]);
    } catch {
      button.textContent = gettext("The image could not be opened. Reload the page.");
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
  actions.append(button);
}

function showPad() {
  if (pad.open) pad.scrollIntoView({ block: "nearest" });
}

async function openPad(addFiles) {
  showPad();
  const { startDrawing } = await import("./drawing_pad.js");
  startDrawing(addFiles);
}

// `addFiles(files)` submits a drawing as if the user had chosen a file.
export function listenForTools(addFiles) {
  listenForUploads();
  if (dialog) onImageCard(addButton);
  pad?.addEventListener("toggle", showPad);
  if (pad?.open) openPad(addFiles);
  else pad?.addEventListener("toggle", () => openPad(addFiles), { once: true });
}
