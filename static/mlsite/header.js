// The header: the page one is on stays in view where the links scroll; the account's menu closes by Escape or a click beside it.
const links = document.querySelector(".nav-links");
const here = links?.querySelector("[aria-current]");
const menu = document.querySelector(".account-menu");

if (here) links.scrollLeft = here.offsetLeft - links.offsetLeft - (links.clientWidth - here.offsetWidth) / 2;

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !menu?.open) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

document.addEventListener("click", (event) => {
  if (menu?.open && !menu.contains(event.target)) menu.open = false;
});
