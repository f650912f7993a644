// The upload page: choose, drop or paste images; each is sent on its own, with its own progress and result.
// Without this module the form works as any form does.

const SIGNED_OUT = "You are signed out. Sign in in another tab, then send it again.";
const AT_ONCE = 3; // requests under way
const form = document.querySelector("[data-upload]");
const results = document.getElementById("results");
const waiting = [];
let underWay = 0;

function card(file) {
  const article = document.createElement("article");
  article.className = "result pending";
  article.innerHTML = `<div class="picture"><img alt="" width="112" height="112"></div>
    <div class="answer"><p><strong></strong></p><progress max="1" value="0"></progress><p class="quiet" role="status">waiting</p></div>`;
  const preview = article.querySelector("img");
  preview.src = URL.createObjectURL(file);
  preview.onload = () => URL.revokeObjectURL(preview.src);
  preview.onerror = () => preview.remove();
  article.querySelector("strong").textContent = file.name;
  article.querySelector("progress").setAttribute("aria-label", `Sending ${file.name}`);
  return article;
}

// Beside the form the answers are in view; below it, on a phone, they are brought there.
function bringIntoView(article) {
  const below = matchMedia("(max-width: 860px)").matches;
  if (below) document.getElementById("results-title").scrollIntoView();
  else article.scrollIntoView({ block: "nearest" });
}

function say(article, text) {
  article.querySelector("[role=status]").textContent = text;
}

function refuse(article, messages) {
  article.className = "result refused";
  article.querySelector("progress")?.remove();
  const status = article.querySelector("[role=status]");
  status.replaceChildren();
  status.className = "error-text";
  status.textContent = messages.join(" ");
}

// The server answers a refusal with the same sentences that the form would show.
function sentences(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const found = [...page.querySelectorAll(".error-text")].map((part) => part.textContent.trim());
  return found.length ? found : ["That did not work. Look into the history before you send it again."];
}

function odd(status) {
  return status === 403 ? "This page has expired. Reload it and try again." : `The server answered ${status}. Try again in a moment.`;
}

function answer(article, request) {
  const type = request.getResponseHeader("Content-Type") || "";
  if (request.status === 201) {
    article.outerHTML = request.responseText;
  } else if (request.responseURL.includes("/accounts/login/")) {
    refuse(article, [SIGNED_OUT]);
  } else if (request.status === 413) {
    refuse(article, ["The file is too large."]);
  } else {
    refuse(article, type.startsWith("text/html") ? sentences(request.responseText) : [odd(request.status)]);
  }
}

// What is typed into the form now is for this file, even if it has to wait.
function bodyOf(file) {
  const body = new FormData(form);
  body.set("image", file, file.name);
  return body;
}

function send({ body, article }) {
  const request = new XMLHttpRequest();
  const bar = article.querySelector("progress");
  request.upload.onprogress = (event) => { if (event.lengthComputable) bar.value = event.loaded / event.total; };
  request.upload.onload = () => { bar.removeAttribute("value"); say(article, "asking the model"); };
  request.onload = () => answer(article, request);
  request.onerror = () => refuse(article, ["The connection broke. The image may not have arrived; look into the history before you send it again."]);
  request.onloadend = () => { underWay -= 1; next(); };
  request.open("POST", form.action);
  request.setRequestHeader("HX-Request", "true");
  underWay += 1;
  say(article, "sending");
  request.send(body);
}

function next() {
  while (underWay < AT_ONCE && waiting.length) send(waiting.shift());
}

function take(files) {
  document.querySelector(".recent")?.remove(); // it would go stale beside the new results
  const limit = Number(form.dataset.maxBytes);
  const taken = [...files].map((file) => ({ file, article: card(file) }));
  results.prepend(...taken.map(({ article }) => article)); // what is asked last comes first, its files in their order
  if (taken.length) bringIntoView(taken[0].article);
  for (const { file, article } of taken) {
    if (file.size > limit) refuse(article, [`The file is larger than ${Math.round(limit / 2 ** 20)} MB.`]);
    else waiting.push({ body: bodyOf(file), article });
  }
  next();
}

// An example is asked in place too.
async function askExample(event) {
  event.preventDefault();
  const { target, submitter } = event;
  if (target.getAttribute("aria-busy")) return; // asked already
  target.setAttribute("aria-busy", "true");
  const article = document.createElement("article");
  try {
    const body = new FormData(target, submitter);
    const answered = await fetch(target.action, { method: "POST", body, headers: { "HX-Request": "true" } });
    const text = await answered.text();
    const plain = (answered.headers.get("Content-Type") || "").startsWith("text/plain");
    results.prepend(article);
    document.querySelector(".recent")?.remove();
    if (answered.status === 201) article.outerHTML = text;
    else refuseExample(article, answered.redirected ? SIGNED_OUT : plain ? text : odd(answered.status));
  } catch {
    results.prepend(article);
    refuseExample(article, "The connection broke. Look into the history before you ask again.");
  } finally {
    target.removeAttribute("aria-busy");
  }
  bringIntoView(results.firstElementChild);
}

function refuseExample(article, text) {
  article.className = "result refused";
  article.append(Object.assign(document.createElement("p"), { className: "error-text", textContent: text }));
}

if (form) {
  document.querySelector("[data-examples]")?.addEventListener("submit", askExample);
  const pickers = form.querySelectorAll("input[type=file]");
  const zone = form.querySelector(".drop-zone");
  form.classList.add("scripted");
  form.querySelector("[data-without-script]").hidden = true;
  for (const part of form.querySelectorAll("[data-script-only]")) part.hidden = false;
  for (const picker of pickers) {
    picker.required = false;
    picker.addEventListener("change", () => { take(picker.files); picker.value = ""; });
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("over"); });
  }
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => { event.preventDefault(); take(event.dataTransfer.files); });
  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files].filter((file) => file.type.startsWith("image/"));
    if (files.length) { event.preventDefault(); take(files); }
  });
}
