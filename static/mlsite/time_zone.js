// The time zone of the reader: that of the account, or else of the browser.
export const browserTimeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

// The name of the time zone in which the page shows times. A browser may not know the newest names.
export const timeZone = findTimeZone();

function findTimeZone() {
  const name = document.documentElement.dataset.timeZone;
  if (!name) return browserTimeZone;
  try {
    return Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return browserTimeZone;
  }
}
