// The header of every page: scroll the current link into view, and close the account menu with Escape or a click elsewhere.
// The space bar activates links with the role of a button, as it does buttons. If the server rejected a form, its first invalid
// field has the focus.
const links = document.querySelector(".nav-links");
const currentLink = links?.querySelector("[aria-current]");
const menu = document.querySelector(".account-menu");

if (currentLink) {
  links.scrollLeft = currentLink.offsetLeft - links.offsetLeft - (links.clientWidth - currentLink.offsetWidth) / 2;
}

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

document.querySelector("main [aria-invalid=true]")?.focus();
