// The page that uploads the file of a batch job: show the progress of the upload. Without this module, the browser submits
// the form.
import { uploadFile } from "./file_upload.js";

const form = document.querySelector(".batch-file-form");
const results = document.getElementById("results");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (results.querySelector(".pending")) return; // the second click of a double click
  results.replaceChildren();
  const { batchMaxBytes, batchMaxSize } = form.dataset;
  const { file, model } = form.elements;
  uploadFile(file.files[0], { model: model.value, maxBytes: Number(batchMaxBytes), maxSize: batchMaxSize });
});
