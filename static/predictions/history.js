// The History page: select rows, close menus, keep the filters that are saved up to date, and reload after the back button.
import { interpolate, ngettext } from "../mlsite/i18n.js";

let lastChecked = null;
let selectedIds = new Set();
let trueOutput = document.querySelector("#true-output")?.value || "";

const listBoxes = () => [...document.querySelectorAll('#selection input[name="id"]')];

// The toolbar shows by itself while a box is checked, see selection.css.
function showSelection() {
  const form = document.querySelector("#selection");
  const boxes = listBoxes();
  selectedIds = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
  if (!form) return;
  const count = selectedIds.size;
  const text = ngettext("%(count)s selected", "%(count)s selected", count);
  form.querySelector("[data-count]").textContent = count ? interpolate(text, { count }) : "";
  const all = form.querySelector("[data-select-page]");
  if (!all) return;
  all.checked = count > 0 && count === boxes.length;
  all.indeterminate = count > 0 && count < boxes.length;
}

// Rows that were selected before an update, and that are still in the list, stay selected.
function restoreSelection() {
  for (const box of listBoxes()) box.checked = selectedIds.has(box.value);
  const field = document.querySelector("#true-output");
  if (field) field.value = trueOutput;
}

// With Shift, select all rows from the last one to this one.
function selectRange(box) {
  const boxes = listBoxes();
  const ends = [boxes.indexOf(lastChecked), boxes.indexOf(box)].sort((a, b) => a - b);
  if (ends[0] < 0) return;
  for (const other of boxes.slice(ends[0], ends[1] + 1)) other.checked = box.checked;
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  if (!event.target.matches('#selection input[name="id"]')) return;
  if (event.shiftKey) selectRange(event.target);
  lastChecked = event.target;
  showSelection();
});

document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-select-page]")) return;
  for (const box of listBoxes()) box.checked = target.checked;
  showSelection();
});

document.addEventListener("input", ({ target }) => {
  if (target.matches("#true-output")) trueOutput = target.value;
});

document.addEventListener("keydown", (event) => {
  // Enter would submit the form with its first button, which marks the selected predictions as incorrect.
  if (event.key === "Enter" && event.target.matches('#selection [type="checkbox"]')) event.preventDefault();
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
    return;
  }
  for (const box of listBoxes()) box.checked = false;
  showSelection();
});

document.addEventListener("htmx:pushedIntoHistory", () => {
  document.querySelector("[data-query]").value = location.search.slice(1);
});
// A queued prediction that has finished replaces its row. A filter replaces the list.
for (const name of ["htmx:oobAfterSwap", "htmx:afterSwap"]) {
  document.addEventListener(name, () => {
    restoreSelection();
    showSelection();
  });
}
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
showSelection();
