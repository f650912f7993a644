// Upload many images to a batch job: small groups, a few at a time, repeated if the connection is lost. Each image has a number
// in the batch job, so that a repeated group is not stored twice. Closing the page ends the upload: the uploaded images are
// processed.
import { readCsrfToken } from "../mlsite/csrf.js";
import { gettext, interpolate, language, ngettext } from "../mlsite/i18n.js";
import { readFile, splitIntoGroups } from "./image_groups.js";
import { findUploadedImages } from "./uploaded_images.js";

const MAX_CONCURRENT_GROUPS = 3;
const RETRY_DELAYS_MILLISECONDS = [0, 1000, 2000, 4000, 8000, 15_000, 30_000, 30_000];
const RETRIED_STATUSES = [408, 425, 429];
const UPLOADING_MESSAGE = gettext("Keep this page open until the upload is complete.");
const SIGNED_OUT_MESSAGE = gettext("You are signed out. Sign in in another tab, then try again.");
const TOO_LARGE_MESSAGE = gettext("The server does not accept requests of this size. Upload smaller images, or a ZIP file.");
const EXPIRED_MESSAGE = gettext("This page has expired. Reload it, and upload the remaining images.");

const results = document.getElementById("results");
const template = document.getElementById("images-card");
const unfinishedUploads = new Set();
const sendingUploads = new Set();

const wait = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });
// `crypto.randomUUID` is not available over HTTP.
const createKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const isTemporary = (response) => response.status >= 500 || RETRIED_STATUSES.includes(response.status) || response.headers.has("Retry-After");
const formatCount = (count) => count.toLocaleString(language);

async function describeResponse(response) {
  if (response.status === 401) return SIGNED_OUT_MESSAGE;
  const problem = await response.json().catch(() => ({}));
  if (problem.code === "csrf-failed") return EXPIRED_MESSAGE;
  if (problem.detail) return problem.detail;
  return response.status === 413 ? TOO_LARGE_MESSAGE : interpolate(gettext("The server returned an error (%(status)s)."), { status: response.status });
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
      message = gettext("The connection was lost.");
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

class ImagesUpload {
  constructor(files, form, skippedCount) {
    this.files = files;
    this.setImages(files, 1);
    this.form = form;
    this.key = createKey(); // a repeated request creates no second batch job
    this.uploadedCount = 0;
    this.skippedCount = skippedCount; // files of a folder that are not images
    this.card = template.content.firstElementChild.cloneNode(true);
    this.card.querySelector("[data-file-name]").textContent = interpolate(ngettext("%(count)s image", "%(count)s images", files.length), { count: formatCount(files.length) });
    this.bar = this.card.querySelector("progress");
    this.bar.max = files.length;
    this.retryButton = this.card.querySelector("[data-retry]");
    this.retryButton.addEventListener("click", () => this.run());
    this.isNew = true;
    this.knownCount = 0;
    results.prepend(this.card);
  }

  setImages(files, firstNumber) {
    this.images = files.map((file, index) => ({ file, number: firstNumber + index }));
    this.waitingGroups = [...splitIntoGroups(this.images)];
  }

  get headers() {
    return { "X-CSRFToken": readCsrfToken() || this.form.elements.csrfmiddlewaretoken.value };
  }

  show(selector, text) {
    this.card.querySelector(selector).textContent = text;
  }

  showProgress() {
    this.bar.value = this.uploadedCount;
    const texts = [];
    if (this.images.length) {
      const values = { uploaded: formatCount(this.uploadedCount), total: formatCount(this.images.length) };
      texts.push(interpolate(gettext("%(uploaded)s of %(total)s uploaded."), values));
    }
    if (this.knownCount) {
      const text = ngettext("%(count)s image is in this batch job already and was skipped.", "%(count)s images are in this batch job already and were skipped.", this.knownCount);
      texts.push(interpolate(text, { count: formatCount(this.knownCount) }));
    }
    if (this.skippedCount) {
      const text = ngettext("%(count)s other file was skipped.", "%(count)s other files were skipped.", this.skippedCount);
      texts.push(interpolate(text, { count: formatCount(this.skippedCount) }));
    }
    this.show("[data-upload-count]", texts.join(" "));
  }

  async run() {
    unfinishedUploads.add(this);
    sendingUploads.add(this);
    this.retryButton.hidden = true;
    this.show("[role=alert]", "");
    this.show("[role=status]", UPLOADING_MESSAGE);
    try {
      await this.createJob();
      await this.uploadGroups();
      if (this.isNew) await this.post(`${this.url}start/`, null);
    } catch (error) {
      sendingUploads.delete(this);
      this.show("[role=status]", this.uploadedCount ? gettext("The upload was interrupted. The uploaded images are processed.") : "");
      this.show("[role=alert]", error.message);
      this.retryButton.hidden = false;
      return;
    }
    unfinishedUploads.delete(this);
    sendingUploads.delete(this);
    this.bar.remove();
    this.show("[role=status]", gettext("Upload complete. You can leave this page."));
    document.getElementById("last-job")?.remove();
    this.card.dataset.uploadedJob = this.job; // the next upload skips its images
    this.loadPart("[data-job-progress]", this.pageUrl);
    this.loadPart("[data-job-results]", `${this.pageUrl}results/?card=1`).then(() => {
      this.card.querySelector("[data-job-link]").hidden = Boolean(this.card.querySelector(".grid-actions")); // it has the same link
    });
  }

  loadPart(selector, url) {
    const place = this.card.querySelector(selector);
    return window.htmx.ajax("GET", url, { source: place, target: place, swap: "innerHTML" });
  }

  // Several groups may be repeated at the same time.
  post(url, body, headers = this.headers) {
    return post(url, body, headers, (message) => {
      this.show("[role=status]", message ? interpolate(gettext("%(message)s Trying again. Keep this page open."), { message }) : UPLOADING_MESSAGE);
    });
  }

  async createJob() {
    if (this.url) return;
    const { batchUrl } = this.form.dataset;
    if (!this.isRepeated) await this.continueLastJob(batchUrl);
    if (this.url) {
      this.showJob();
      return;
    }
    const values = { kind: "images", model: this.form.elements.model.value, expected_items: this.images.length };
    const body = JSON.stringify(values);
    const headers = { ...this.headers, "Content-Type": "application/json", "Idempotency-Key": this.key };
    const job = await this.post(batchUrl, body, headers);
    this.job = job.id;
    this.url = `${batchUrl}${job.id}/`;
    this.showJob();
  }

  // Skip the images that the last batch job has. If it has some of them, the others are added to it.
  async continueLastJob(batchUrl) {
    const known = await findUploadedImages(this.files, this.form.dataset.batchPages);
    if (!known) return;
    this.isNew = known.isDraft;
    this.job = known.job;
    this.url = `${batchUrl}${known.job}/`;
    this.knownCount = this.files.length - known.newFiles.length;
    this.setImages(known.newFiles, known.nextNumber);
    this.bar.max = Math.max(1, this.images.length);
    const again = this.card.querySelector("[data-again]");
    again.hidden = false;
    again.addEventListener("click", () => {
      again.hidden = true;
      uploadImages(this.files, { form: this.form, skipped: this.skippedCount, isRepeated: true });
    }, { once: true });
  }

  showJob() {
    this.pageUrl = this.url.replace(this.form.dataset.batchUrl, this.form.dataset.batchPages);
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

export function uploadImages(files, { form, skipped, isRepeated = false }) {
  const upload = new ImagesUpload(files, form, skipped);
  upload.isRepeated = isRepeated;
  upload.run();
}

window.addEventListener("beforeunload", (event) => {
  if (sendingUploads.size) event.preventDefault();
});

// Start what was uploaded. Otherwise, the server would wait for more images first.
window.addEventListener("pagehide", () => {
  for (const upload of unfinishedUploads) {
    if (upload.uploadedCount) fetch(`${upload.url}start/`, { method: "POST", headers: upload.headers, keepalive: true });
  }
});
