// Upload many images to a batch job: small groups, a few at a time, repeated if the connection is lost. Each image has a number
// in the batch job, so that a repeated group is not stored twice. Closing the page ends the upload: the uploaded images are
// processed.
const MAX_GROUP_FILES = 16;
const MAX_GROUP_BYTES = 8 * 2 ** 20;
const MAX_CONCURRENT_GROUPS = 3;
const RETRY_DELAYS_MILLISECONDS = [0, 1000, 2000, 4000, 8000, 15_000, 30_000, 30_000];
const RETRIED_STATUSES = [408, 425, 429];
const SIGNED_OUT_MESSAGE = "You are signed out. Sign in in another tab, then try again.";

const results = document.getElementById("results");
const template = document.getElementById("images-card");
const unfinishedUploads = new Set();

const wait = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });
const isTemporary = (status) => status >= 500 || RETRIED_STATUSES.includes(status);

function getCookieToken(form) {
  return form.elements.csrfmiddlewaretoken.value;
}

async function describeResponse(response) {
  if (response.type === "opaqueredirect" || response.status === 401) return SIGNED_OUT_MESSAGE;
  const type = response.headers.get("Content-Type") || "";
  if (type.startsWith("text/plain")) return response.text();
  if (response.status === 403) return "This page has expired. Sign in again in another tab, then try again.";
  return `The server returned an error (${response.status}).`;
}

// Send a form until the server accepts it. Throws an error with a message for people.
async function post(url, body, token) {
  let message = "";
  for (const delay of RETRY_DELAYS_MILLISECONDS) {
    await wait(delay * (0.75 + Math.random() / 2));
    let response;
    try {
      response = await fetch(url, { method: "POST", body, redirect: "manual", headers: { "X-CSRFToken": token } });
    } catch {
      message = "The connection was lost.";
      continue;
    }
    if (response.ok) return response.json();
    message = await describeResponse(response);
    if (!isTemporary(response.status)) break;
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

class ImagesUpload {
  constructor(files, form, skipped) {
    this.images = files.map((file, index) => ({ file, number: index + 1 }));
    this.form = form;
    this.token = getCookieToken(form);
    this.uploadedCount = 0;
    this.skippedCount = skipped; // files of a folder that are not images
    this.unreadable = [];
    this.card = template.content.firstElementChild.cloneNode(true);
    this.card.querySelector("[data-file-name]").textContent = `${files.length.toLocaleString("en")} images`;
    this.bar = this.card.querySelector("progress");
    this.bar.max = files.length;
    this.retryButton = this.card.querySelector("[data-retry]");
    this.retryButton.addEventListener("click", () => this.run());
    results.prepend(this.card);
  }

  showStatus(text) {
    this.card.querySelector("[role=status]").textContent = text;
  }

  showError(text) {
    this.card.querySelector("[role=alert]").textContent = text;
    this.retryButton.hidden = !text;
  }

  showProgress() {
    this.bar.value = this.uploadedCount;
    const [uploaded, total] = [this.uploadedCount, this.images.length].map((count) => count.toLocaleString("en"));
    this.showCount(`${uploaded} of ${total} uploaded`);
  }

  showCount(text) {
    this.card.querySelector("[data-upload-count]").textContent = text;
  }

  async run() {
    unfinishedUploads.add(this);
    this.showError("");
    this.showStatus("Uploading. Keep this page open until the upload is complete.");
    try {
      await this.createJob();
      await this.uploadGroups();
      await post(this.job.finish_url, this.createBody(), this.token);
    } catch (error) {
      this.showStatus("The upload was interrupted. The uploaded images are processed.");
      this.showError(error.message);
      return;
    }
    unfinishedUploads.delete(this);
    this.showStatus(this.describeEnd());
  }

  describeEnd() {
    const count = this.unreadable.length;
    return count ? `Upload complete. ${count} files could not be read, for example ${this.unreadable[0]}.` : "Upload complete. You can leave this page.";
  }

  createBody(fields = {}) {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    return body;
  }

  async createJob() {
    if (this.job) return;
    const fields = { kind: "images", model: this.form.elements.model.value, total: this.images.length };
    this.job = await post(this.form.dataset.batchUrl, this.createBody(fields), this.token);
    this.showProgress();
    const link = this.card.querySelector("[data-job-link]");
    link.href = this.job.url;
    link.hidden = false;
    window.htmx.ajax("GET", this.job.url, { target: this.card.querySelector("[data-job-progress]"), swap: "innerHTML" });
  }

  // Groups that failed are in `this.waiting` again, for the next run.
  async uploadGroups() {
    this.waiting ??= [...splitIntoGroups(this.images)];
    let failure = null;
    const work = async () => {
      while (this.waiting.length && !failure) {
        const group = this.waiting.shift();
        try {
          await this.uploadGroup(group);
        } catch (error) {
          failure = error;
          this.waiting.unshift(group);
        }
      }
    };
    await Promise.all(Array.from({ length: MAX_CONCURRENT_GROUPS }, work));
    if (failure) throw failure;
  }

  // Files are read before they are sent: the browser reports a file that was deleted as a lost connection.
  async uploadGroup(group) {
    const body = this.createBody();
    let count = 0;
    for (const { file, number } of group) {
      try {
        body.append("image", new File([await file.arrayBuffer()], file.name, { type: file.type }));
        body.append("number", number);
        count += 1;
      } catch {
        this.unreadable.push(file.name);
      }
    }
    if (count) await post(this.job.images_url, body, this.token);
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

// The server then knows that no more images will come.
window.addEventListener("pagehide", () => {
  for (const upload of unfinishedUploads) {
    if (!upload.job) continue;
    const body = upload.createBody({ csrfmiddlewaretoken: upload.token });
    navigator.sendBeacon(upload.job.finish_url, body);
  }
});
