// The admin's template has no place for the attributes of the element `html`, which the other pages have.
for (const { name, content } of document.querySelectorAll('meta[name="theme"], meta[name="timeZone"]')) {
  document.documentElement.dataset[name] = content;
}
