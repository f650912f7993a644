/** Return a sentence about a request by htmx that failed, or an empty string if it succeeded. */
export function describeError({ xhr, pathInfo }) {
  if (!xhr.status) return "The connection failed.";
  const redirected = new URL(xhr.responseURL).pathname !== new URL(pathInfo.finalRequestPath, location.href).pathname;
  if (redirected) return "You are signed out. Sign in in another tab.";
  return xhr.status < 400 ? "" : `The server responded with status ${xhr.status}.`;
}
