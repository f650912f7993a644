// On every page: where the header's links scroll, the page one is on is in view; the account's menu closes by Escape or a click
// beside it; a link that is called a button takes the space bar as buttons do.
const links = document.querySelector(".nav-links");
const here = links?.querySelector("[aria-current]");
const menu = document.querySelector(".account-menu");

if (here) links.scrollLeft = here.offsetLeft - links.offsetLeft - (links.clientWidth - here.offsetWidth) / 2;

document.addEventListener("keydown", (event) => {
  if (event.key === " " && event.target.matches('a[role="button"]')) {
    event.preventDefault();
    event.target.click();
  }
  if (event.key !== "Escape" || !menu?.open) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

document.addEventListener("click", (event) => {
  if (menu?.open && !menu.contains(event.target)) menu.open = false;
});
