// Sets the theme of the account on pages of Django's admin, before they are painted. Without it, the system decides.
document.documentElement.dataset.theme = document.querySelector('meta[name="theme"]').content || "auto";
