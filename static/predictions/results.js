// Scroll a new result into view. On a narrow screen, the results are below the form.
const NARROW_SCREEN = "(max-width: 53.75rem)";
const results = document.getElementById("results");

function bringIntoView() {
  if (matchMedia(NARROW_SCREEN).matches) document.getElementById("results-title").scrollIntoView();
  else results.firstElementChild?.scrollIntoView({ block: "nearest" });
}

if (results) {
  new MutationObserver((changes) => {
    const isReplacement = changes.some((change) => change.removedNodes.length); // of an upload by its result
    if (!isReplacement) bringIntoView();
  }).observe(results, { childList: true });
}
