// Send each form with the CSRF token that is valid now. Signing in, in this or in another tab, replaces the token, so that the
// forms of open pages have an old one.
const FIELD_NAME = "csrfmiddlewaretoken";

// Below a path of a host, the cookie has its own name. `csrftoken` may be of another site.
const COOKIES = [/(?:^|; *)mlsite_csrftoken=([^;]*)/, /(?:^|; *)csrftoken=([^;]*)/];

// Return the token, or an empty string.
export function readCsrfToken() {
  return COOKIES.map((cookie) => document.cookie.match(cookie)?.[1]).find(Boolean) || "";
}

// This listener runs before those of htmx and of the other modules, which read the form.
document.addEventListener("submit", ({ target }) => {
  const field = target.elements?.[FIELD_NAME];
  if (field) field.value = readCsrfToken() || field.value;
}, { capture: true });

// Other events send some forms.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  const token = readCsrfToken();
  if (token && detail.formData.has(FIELD_NAME)) detail.formData.set(FIELD_NAME, token);
});
