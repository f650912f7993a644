// Translations of texts in scripts. The JavaScript catalog defines window.django, except in English.
export function gettext(text) {
  return window.django?.gettext(text) ?? text;
}

export function ngettext(singular, plural, count) {
  return window.django?.ngettext(singular, plural, count) ?? (count === 1 ? singular : plural);
}

// Replace each %(name)s in a text with values[name].
export function interpolate(text, values) {
  return text.replace(/%\((\w+)\)s/g, (match, name) => values[name] ?? match);
}

export const language = document.documentElement.lang;
