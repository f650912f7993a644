// The arrow keys open the newer and the older prediction of the list.
const LINKS = { ArrowLeft: "prev", ArrowRight: "next" };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (event.target.closest("input, select, textarea, dialog, pre, [role=group]")) return;
  if (LINKS[event.key]) document.querySelector(`.neighbors [rel=${LINKS[event.key]}]`)?.click();
});
