// The files of a drop, with those in its folders, and the kinds of files that batch jobs take.
import { gettext } from "../mlsite/i18n.js";

const TABLE_NAME = /\.(csv|tsv)$/i;
const ARCHIVE_NAME = /\.zip$/i;

export const UNREADABLE_MESSAGE = gettext("The folder could not be read. Check that you have access to all of its files.");
export const isTable = (file) => TABLE_NAME.test(file.name) || file.type === "text/csv";
export const isArchive = (file) => ARCHIVE_NAME.test(file.name);

function readBatch(reader) {
  return new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
}

function readFile(entry) {
  return new Promise((resolve, reject) => { entry.file(resolve, reject); });
}

async function* walkEntry(entry) {
  if (entry.isFile) {
    yield await readFile(entry);
    return;
  }
  const reader = entry.createReader();
  for (let batch = await readBatch(reader); batch.length; batch = await readBatch(reader)) {
    for (const child of batch) yield* walkEntry(child);
  }
}

// Skip the files that systems put into folders, and files that are not images.
export function selectImages(files) {
  return files.filter((file) => file.type.startsWith("image/") && !file.name.startsWith("."));
}

// Return {files, skipped}. The browser forgets the entries of the drop after the event, so they are read before the first wait.
export async function listDroppedFiles(dataTransfer) {
  const files = [...dataTransfer.files];
  const entries = [...dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return { files, skipped: 0 };
  const found = [];
  for (const entry of entries) {
    for await (const file of walkEntry(entry)) found.push(file);
  }
  const images = selectImages(found);
  return { files: images, skipped: found.length - images.length };
}

// Call `receive(dataTransfer)` for files that are dropped anywhere on the page, and show an overlay while files are dragged over
// it.
export function listenForDrops(overlay, receive) {
  let depth = 0; // the pointer enters an element before it leaves the other one
  const hasFiles = (event) => [...(event.dataTransfer?.items || [])].some((item) => item.kind === "file");
  const show = (isShown) => { if (overlay) overlay.hidden = !isShown; };
  document.addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth += 1;
    show(true);
  });
  document.addEventListener("dragover", (event) => { if (hasFiles(event)) event.preventDefault(); });
  document.addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth = Math.max(0, depth - 1);
    show(depth > 0);
  });
  document.addEventListener("drop", (event) => {
    depth = 0;
    show(false);
    if (!hasFiles(event)) return;
    event.preventDefault();
    receive(event.dataTransfer);
  });
}
