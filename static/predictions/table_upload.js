// Choose a CSV file, or drop it anywhere on the page of a model that takes rows or texts: its preview opens.
import { gettext, interpolate, ngettext } from "../mlsite/i18n.js";
import { UNREADABLE_MESSAGE, isTable, listDroppedFiles } from "./dropped_files.js";
import { uploadFile } from "./file_upload.js";
import { showRejection } from "./rejection.js";

const hasFiles = (event) => [...event.dataTransfer.types].some((type) => /^Files$/.test(type));

// The form that takes a drop. A field for an image takes its own files.
function findForm(event) {
  const form = document.querySelector(".features-form[data-batch-url]");
  return event.target.type === "file" ? null : form;
}

function upload(form, file) {
  const { batchMaxBytes, batchMaxSize } = form.dataset;
  uploadFile(file, { model: form.elements.model.value, maxBytes: Number(batchMaxBytes), maxSize: batchMaxSize });
}

async function receiveFiles(form, dataTransfer) {
  const { files } = await listDroppedFiles(dataTransfer).catch(() => ({ files: null }));
  const folder = gettext("Folder");
  if (!files) {
    showRejection(folder, UNREADABLE_MESSAGE);
  } else if (files.length !== 1) {
    const name = interpolate(ngettext("%(count)s file", "%(count)s files", files.length), { count: files.length });
    showRejection(files.length ? name : folder, gettext("Drop one CSV file. Each batch job has one file."));
  } else if (!isTable(files[0])) {
    const text = gettext("This model takes %(inputs)s. Drop a CSV file, or choose another model.");
    showRejection(files[0].name, interpolate(text, { inputs: form.dataset.inputNoun }));
  } else {
    upload(form, files[0]);
  }
}

document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-table-file]") || !target.files.length) return;
  upload(target.form, target.files[0]);
  target.value = ""; // the same file can be chosen again
});

for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    const form = findForm(event);
    if (!form || !hasFiles(event)) return;
    event.preventDefault();
    form.classList.add("over");
  });
}
for (const name of ["dragleave", "drop"]) {
  document.addEventListener(name, (event) => findForm(event)?.classList.remove("over"));
}
document.addEventListener("drop", (event) => {
  const form = findForm(event);
  if (!form || !hasFiles(event)) return;
  event.preventDefault();
  receiveFiles(form, event.dataTransfer);
});
