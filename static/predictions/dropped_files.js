// The files of a drop, with those in its folders, and the kinds of files that batch jobs take.
const TABLE_NAME = /\.(csv|tsv)$/i;
const ARCHIVE_NAME = /\.zip$/i;

export const UNREADABLE_MESSAGE = "The folder could not be read. Check that you have access to all of its files.";
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
