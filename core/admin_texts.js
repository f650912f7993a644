// Texts of the scripts of Django's admin that its German catalog does not have. No page loads this file: makemessages reads
// it, so that the catalogs of this project have these texts.
gettext("(click to clear)");
gettext("Choose %s by selecting them and then select the \"Choose\" arrow button.");
gettext("Choose all %s");
gettext("Choose selected %s");
gettext("Remove %s by selecting them and then select the \"Remove\" arrow button.");
gettext("Remove all %s");
gettext("Remove selected %s");
