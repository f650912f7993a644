// Find the images that the newest batch job on the page has already, for example after the page was closed.
const HASHED_TOGETHER = 8;

async function hashFile(file) {
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// A file that cannot be read is uploaded, so that the batch job lists it as failed.
async function selectNewFiles(files, known) {
  const found = [];
  for (let start = 0; start < files.length; start += HASHED_TOGETHER) {
    const group = files.slice(start, start + HASHED_TOGETHER);
    const hashes = await Promise.all(group.map((file) => hashFile(file).catch(() => "")));
    found.push(...group.filter((file, index) => !known.has(hashes[index])));
  }
  return found;
}

// Return {job, isDraft, nextNumber, newFiles}, or null if the last batch job has none of the files or, over HTTP, browsers offer
// no digests.
//
// `pages` is the URL of the pages of batch jobs.
export async function findUploadedImages(files, pages) {
  const job = document.querySelector("[data-uploaded-job]")?.dataset.uploadedJob || document.getElementById("last-job")?.dataset.job;
  if (!job || !crypto.subtle) return null;
  const response = await fetch(`${pages}${job}/digests/`).catch(() => null);
  if (!response?.ok) return null;
  const { status, next_number: nextNumber, images } = await response.json();
  const known = new Set(images.map(([, sha256]) => sha256));
  if (["failed", "canceled"].includes(status) || !known.size) return null;
  const newFiles = await selectNewFiles(files, known);
  return newFiles.length === files.length ? null : { job, isDraft: status === "draft", nextNumber, newFiles };
}
