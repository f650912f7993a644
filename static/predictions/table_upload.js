// Drop a CSV file on the form of a model that takes rows: it becomes a batch job.
import { UNREADABLE_MESSAGE, isTable, listDroppedFiles } from "./dropped_files.js";
import { showRejection, uploadFile } from "./file_upload.js";

const FORM_SELECTOR = ".features-form[data-batch-url]";

const findForm = (event) => event.target.closest?.(FORM_SELECTOR);
const hasFiles = (event) => event.dataTransfer.types.includes("Files");

async function receiveFiles(form, dataTransfer) {
  const { files } = await listDroppedFiles(dataTransfer).catch(() => ({ files: null }));
  if (!files) {
    showRejection("Folder", UNREADABLE_MESSAGE);
  } else if (files.length !== 1) {
    showRejection(files.length ? `${files.length} files` : "Folder", "Drop one CSV file. Each batch job has one file.");
  } else if (!isTable(files[0])) {
    showRejection(files[0].name, `This model takes ${form.dataset.inputNoun}. Drop a CSV file, or choose another model.`);
  } else {
    const { batchMaxBytes, batchMaxSize } = form.dataset;
    uploadFile(files[0], { model: form.elements.model.value, maxBytes: Number(batchMaxBytes), maxSize: batchMaxSize });
  }
}

for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    const form = findForm(event);
    if (!form || !hasFiles(event) || event.target.type === "file") return; // a field for an image takes its own files
    event.preventDefault();
    form.classList.add("over");
  });
}
for (const name of ["dragleave", "drop"]) {
  document.addEventListener(name, (event) => findForm(event)?.classList.remove("over"));
}
document.addEventListener("drop", (event) => {
  const form = findForm(event);
  if (!form || !hasFiles(event) || event.target.type === "file") return;
  event.preventDefault();
  receiveFiles(form, event.dataTransfer);
});
