// htmx restores the focus of an element with an id. If an update removes the focused element, focus the part of the page that
// was replaced, so that the Tab key continues there.
let replaced = null;

function rememberFocus({ detail }) {
  const { activeElement, body } = document;
  if (activeElement !== body && detail.target.contains(activeElement)) replaced = detail.target;
}

function restoreFocus({ target }) {
  if (!replaced) return;
  const place = replaced.isConnected ? replaced : document.getElementById(replaced.id) ?? target;
  replaced = null;
  if (document.activeElement !== document.body) return;
  place.tabIndex = -1;
  place.focus({ preventScroll: true });
}

document.addEventListener("htmx:beforeSwap", rememberFocus);
document.addEventListener("htmx:oobBeforeSwap", rememberFocus);
document.addEventListener("htmx:afterSettle", restoreFocus);
