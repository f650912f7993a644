"""Translate the names of apps, models, and fields that Django derives from the code. The admin shows them.

They are not the `verbose_name` of the models, because each change of a text would be a migration.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from django.apps import AppConfig, apps
from django.conf import settings
from django.db.models import Field
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

NAMES = (
    # apps
    _("Accounts"), _("Core"), _("Demo"), _("Evaluation"), _("Events"), _("Monitoring"), _("Predictions"), _("Registry"),
    # models and fields
    _("alert notification"), _("alert notifications"), _("alert state"), _("alert states"), _("alias"), _("alias change"),
    _("alias changes"), _("aliases"), _("API token"), _("API tokens"), _("artifact"), _("attempt count"),
    _("attempt counts"), _("attempts"), _("batch job"), _("batch job image"), _("batch job images"), _("batch job item"),
    _("batch job items"), _("batch jobs"), _("changed at"), _("changed by"), _("client reference"), _("comment"),
    _("completed at"), _("confidence"), _("content type"), _("conversion"), _("counted user"),
    _("counted users"), _("counts"), _("created at"), _("created by"),
    _("data"), _("data removed at"), _("decode ms"), _("delivery"), _("deployment"), _("deployments"), _("description"),
    _("details"), _("digest"), _("disabled error code"), _("disabled error values"), _("ended at"), _("enqueue at"),
    _("erasure"), _("erasures"), _("error"), _("error code"), _("error message"), _("error values"), _("event"),
    _("events"), _("examples"), _("expires at"), _("failed items"), _("features"), _("file"), _("framework"),
    _("framework version"), _("from version"), _("height"), _("id"), _("idempotency key"), _("idempotency keys"),
    _("image"), _("inference ms"), _("input"), _("inputs"), _("is blind"), _("is fanned out"), _("issuer"), _("key"),
    _("kind"), _("label"), _("labels"), _("last used at"), _("lease"), _("leased until"), _("libraries"), _("margin"),
    _("model"), _("model card"), _("model cards"), _("model version"), _("model versions"), _("name"),
    _("next attempt at"), _("notes"), _("notices"), _("number"), _("options"), _("original name"), _("output"),
    _("owner notified at"), _("picked by"), _("positions"), _("prediction"), _("prediction count"),
    _("prediction counts"), _("predictions"), _("prefix"), _("preprocess ms"), _("previous secret"),
    _("previous secret expires at"), _("queue ms"), _("queued prediction"), _("queued predictions"), _("reference"),
    _("registered model"), _("registered models"), _("removed file"), _("removed files"), _("replay"), _("replay result"),
    _("replay results"), _("replays"), _("requested at"), _("requested by"), _("resumed at"), _("review"),
    _("review claim"), _("review claims"), _("review summary"), _("reviewer"), _("reviews"), _("revoked at"),
    _("rolled period"), _("rolled periods"), _("rollup"), _("rollups"), _("runtime"), _("saved filter"),
    _("saved filters"), _("scopes"), _("secret"), _("sha256"), _("shown prediction"),
    _("shown predictions"), _("signature"), _("size"), _("source"), _("started at"),
    _("state"), _("status"), _("subject"), _("succeeded items"), _("summary progress"), _("target"), _("target status"),
    _("task"), _("title"), _("to version"), _("total items"), _("total rows"), _("true label"), _("true labels"),
    _("true value"), _("trusted"), _("type"), _("usage"), _("used"), _("user"), _("uuid"), _("value"), _("verdict"),
    _("version"), _("warnings"), _("webhook"), _("webhooks"), _("width"), _("withdrawn at"),
    # those of django-axes, which has no Spanish catalog, and whose German one does not have all of them
    _("Access Attempt"), _("Access lock out"), _("Attempt Remaining"), _("Attempt Time"), _("Clean up expired attempts"),
    _("Expires At"), _("Failed Logins"), _("Form Data"), _("GET Data"), _("HTTP Accept"), _("IP Address"),
    _("Locked Out"), _("Logout Time"), _("Meta Data"), _("Not set"), _("POST Data"), _("Path"),
    _("Session key hash (sha256)"), _("The time when access attempt expires and is no longer valid."), _("User Agent"),
    _("access attempt"), _("access attempt expiration"), _("access attempt expirations"), _("access attempts"),
    _("access failure"), _("access failures"), _("access log"), _("access logs"),
    # permissions that are not those to add, change, delete, and view
    _("Can export the predictions of all users"), _("Can review the predictions of all users"),
    _("Can send ground truth for the predictions of all users"),
    # those of Django's admin, whose German catalog, and partly its Spanish one, do not have them
    _("Conflicting form data submitted. Please try again."), _("Disable password-based authentication"),
    _("Enable password-based authentication"),
    _("Enable password-based authentication for this user by setting a password."), _("Enabled"),
    _("Password-based authentication"), _("Password-based authentication was disabled."),
    _("Raw passwords are not stored, so there is no way to see the user’s password."), _("Set password: %s"),
    _("This action will <strong>enable</strong> password-based authentication for this user."),
    _("After you’ve created a user, you’ll be able to edit more user options."),
    _("Whether the user will be able to authenticate using a password or not. If disabled, they may still be able to "
      "authenticate using other backends, such as Single Sign-On or LDAP."),
    # buttons and links of Django's admin, with the same words as on the pages
    _("Save and add another"), _("Save and continue editing"), _("View"),
    # those of Django's forms, which the catalogs of other packages replace by informal ones
    _("Enter a valid URL."), _("Enter a valid email address."), _("Please correct the error below."),
    _("The submitted file is empty."), _("Unknown"),
)  # fmt: skip

PACKAGE_NAMES = {
    "axes": _("Sign-in protection"),
    "otp_static": _("Recovery codes"),
    "otp_totp": _("Second factor"),
    "otp_static.staticdevice": _("set of recovery codes"),
    "otp_static.statictoken": _("recovery code"),
    "otp_totp.totpdevice": _("app for codes"),
}
"""Names of apps of other packages, and of their models, which the lists of permissions show."""


def list_own_apps() -> list[AppConfig]:
    """Return the apps of this project."""
    return [config for config in apps.get_app_configs() if Path(config.path).parent == Path(settings.BASE_DIR)]


def list_derived_fields() -> list[Field]:
    """Return the fields of this project whose name is derived from the name in the code."""
    models = [model for config in list_own_apps() for model in config.get_models()]
    return [field for model in models for field in model._meta.fields if not cast(Any, field)._verbose_name]


def translate_names() -> None:
    """Make all derived names translatable, and name the apps of other packages."""
    for label, name in PACKAGE_NAMES.items():
        named = apps.get_model(label)._meta if "." in label else apps.get_app_config(label)
        cast(Any, named).verbose_name = name
    for config in list_own_apps():
        config.verbose_name = _(str(config.verbose_name))
        for model in config.get_models():
            options = model._meta
            if "verbose_name_plural" not in options.original_attrs:
                with override(None):
                    options.verbose_name_plural = _(str(options.verbose_name_plural))
            if "verbose_name" not in options.original_attrs:
                options.verbose_name = _(str(options.verbose_name))
    for field in list_derived_fields():
        field.verbose_name = _(str(field.verbose_name))
