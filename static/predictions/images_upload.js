// Upload many images to a batch job: small groups, a few at a time, repeated if the connection is lost. Each image has a number
// in the batch job, so that a repeated group is not stored twice. Closing the page ends the upload: the uploaded images are
// processed.
import { readCsrfToken } from "../mlsite/csrf.js";

const MAX_GROUP_FILES = 16;
const MAX_GROUP_BYTES = 8 * 2 ** 20;
const MAX_CONCURRENT_GROUPS = 3;
const RETRY_DELAYS_MILLISECONDS = [0, 1000, 2000, 4000, 8000, 15_000, 30_000, 30_000];
const RETRIED_STATUSES = [408, 425, 429];
const UPLOADING_MESSAGE = "Keep this page open until the upload is complete.";
const SIGNED_OUT_MESSAGE = "You are signed out. Sign in in another tab, then try again.";
const TOO_LARGE_MESSAGE = "The server does not accept requests of this size. Upload smaller images, or a ZIP file.";
const EXPIRED_MESSAGE = "This page has expired. Reload it, and upload the remaining images.";

const results = document.getElementById("results");
const template = document.getElementById("images-card");
const unfinishedUploads = new Set();

const wait = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });
// `crypto.randomUUID` is not available over HTTP.
const createKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const isTemporary = (response) => response.status >= 500 || RETRIED_STATUSES.includes(response.status) || response.headers.has("Retry-After");
const formatCount = (count) => count.toLocaleString("en");

async function describeResponse(response) {
  if (response.status === 401) return SIGNED_OUT_MESSAGE;
  const problem = await response.json().catch(() => ({}));
  if (problem.code === "csrf-failed") return EXPIRED_MESSAGE;
  if (problem.detail) return problem.detail;
  return response.status === 413 ? TOO_LARGE_MESSAGE : `The server returned an error (${response.status}).`;
}

// Send a request until the server accepts it, and return its JSON. Throws an error with a message for people. `report` is called
// with such a message before another attempt, and with "" after it.
async function post(url, body, headers, report) {
  let message = "";
  for (const delay of RETRY_DELAYS_MILLISECONDS) {
    if (message) report(message);
    await wait(delay * (0.75 + Math.random() / 2));
    let response;
    try {
      response = await fetch(url, { method: "POST", body, headers });
    } catch {
      message = "The connection was lost.";
      continue;
    }
    if (response.ok) {
      if (message) report("");
      return response.json();
    }
    message = await describeResponse(response);
    if (!isTemporary(response)) break;
  }
  throw new Error(message);
}

function* splitIntoGroups(images) {
  let group = [];
  let bytes = 0;
  for (const image of images) {
    if (group.length === MAX_GROUP_FILES || (group.length && bytes + image.file.size > MAX_GROUP_BYTES)) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(image);
    bytes += image.file.size;
  }
  if (group.length) yield group;
}

// Files are read before they are sent: the browser reports a file that was deleted meanwhile as a lost connection. The server
// rejects an empty file, so that the batch job lists it as failed.
async function readFile(file) {
  const data = await file.arrayBuffer().catch(() => new ArrayBuffer(0));
  return new File([data], file.name, { type: file.type });
}

class ImagesUpload {
  constructor(files, form, skippedCount) {
    this.images = files.map((file, index) => ({ file, number: index + 1 }));
    this.waitingGroups = [...splitIntoGroups(this.images)];
    this.form = form;
    this.key = createKey(); // a repeated request creates no second batch job
    this.uploadedCount = 0;
    this.skippedCount = skippedCount; // files of a folder that are not images
    this.card = template.content.firstElementChild.cloneNode(true);
    this.card.querySelector("[data-file-name]").textContent = `${formatCount(files.length)} images`;
    this.bar = this.card.querySelector("progress");
    this.bar.max = files.length;
    this.retryButton = this.card.querySelector("[data-retry]");
    this.retryButton.addEventListener("click", () => this.run());
    results.prepend(this.card);
  }

  get headers() {
    return { "X-CSRFToken": readCsrfToken() || this.form.elements.csrfmiddlewaretoken.value };
  }

  show(selector, text) {
    this.card.querySelector(selector).textContent = text;
  }

  showProgress() {
    this.bar.value = this.uploadedCount;
    const others = this.skippedCount === 1 ? "1 other file was" : `${formatCount(this.skippedCount)} other files were`;
    const skipped = this.skippedCount ? ` ${others} skipped.` : "";
    this.show("[data-upload-count]", `${formatCount(this.uploadedCount)} of ${formatCount(this.images.length)} uploaded.${skipped}`);
  }

  async run() {
    unfinishedUploads.add(this);
    this.retryButton.hidden = true;
    this.show("[role=alert]", "");
    this.show("[role=status]", UPLOADING_MESSAGE);
    try {
      await this.createJob();
      await this.uploadGroups();
      await this.post(`${this.url}start/`, null);
    } catch (error) {
      this.show("[role=status]", this.uploadedCount ? "The upload was interrupted. The uploaded images are processed." : "");
      this.show("[role=alert]", error.message);
      this.retryButton.hidden = false;
      return;
    }
    unfinishedUploads.delete(this);
    this.bar.remove();
    this.show("[role=status]", "Upload complete. You can leave this page.");
    const place = this.card.querySelector("[data-job-progress]");
    window.htmx.ajax("GET", this.pageUrl, { source: place, target: place, swap: "innerHTML" });
  }

  // Several groups may be repeated at the same time.
  post(url, body, headers = this.headers) {
    return post(url, body, headers, (message) => {
      this.show("[role=status]", message ? `${message} Trying again. Keep this page open.` : UPLOADING_MESSAGE);
    });
  }

  async createJob() {
    if (this.url) return;
    const { batchUrl, batchPages } = this.form.dataset;
    const body = JSON.stringify({ kind: "images", model: this.form.elements.model.value });
    const headers = { ...this.headers, "Content-Type": "application/json", "Idempotency-Key": this.key };
    const job = await this.post(batchUrl, body, headers);
    this.url = `${batchUrl}${job.id}/`;
    this.pageUrl = `${batchPages}${job.id}/`;
    this.showProgress();
    const link = this.card.querySelector("[data-job-link]");
    link.href = this.pageUrl;
    link.hidden = false;
  }

  // A group that failed waits for the next run.
  async uploadGroups() {
    let failure = null;
    const work = async () => {
      while (this.waitingGroups.length && !failure) {
        const group = this.waitingGroups.shift();
        try {
          await this.uploadGroup(group);
        } catch (error) {
          failure = error;
          this.waitingGroups.unshift(group);
        }
      }
    };
    await Promise.all(Array.from({ length: MAX_CONCURRENT_GROUPS }, work));
    if (failure) throw failure;
  }

  async uploadGroup(group) {
    const body = new FormData();
    body.append("first_number", group[0].number);
    for (const { file } of group) body.append("images", await readFile(file));
    await this.post(`${this.url}images/`, body);
    this.uploadedCount += group.length;
    this.showProgress();
  }
}

export function uploadImages(files, { form, skipped }) {
  new ImagesUpload(files, form, skipped).run();
}

window.addEventListener("beforeunload", (event) => {
  if (unfinishedUploads.size) event.preventDefault();
});

// Start what was uploaded. Otherwise, the server would wait for more images first.
window.addEventListener("pagehide", () => {
  for (const upload of unfinishedUploads) {
    if (upload.uploadedCount) fetch(`${upload.url}start/`, { method: "POST", headers: upload.headers, keepalive: true });
  }
});
