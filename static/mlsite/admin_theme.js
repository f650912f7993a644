// Sets the theme and the time zone of the account on pages of Django's admin, before they are painted. Without a theme, the
// system decides.
const readMeta = (name) => document.querySelector(`meta[name="${name}"]`)?.content;
document.documentElement.dataset.theme = readMeta("theme") || "auto";
if (readMeta("timeZone")) document.documentElement.dataset.timeZone = readMeta("timeZone");
