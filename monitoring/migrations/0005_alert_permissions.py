"""Let operators see, acknowledge, and mute alerts, and change alert rules."""

from django.apps import apps as installed_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

OPERATORS = "Operators"
CODENAMES = ("view_alert", "change_alert", "view_alertrule", "change_alertrule")


def add_permissions(apps, schema_editor):
    create_permissions(installed_apps.get_app_config("monitoring"), verbosity=0, using=schema_editor.connection.alias)
    permissions = apps.get_model("auth", "Permission").objects
    for group in apps.get_model("auth", "Group").objects.filter(name=OPERATORS):
        group.permissions.add(*permissions.filter(content_type__app_label="monitoring", codename__in=CODENAMES))


def remove_permissions(apps, schema_editor):
    permissions = apps.get_model("auth", "Permission").objects
    for group in apps.get_model("auth", "Group").objects.filter(name=OPERATORS):
        group.permissions.remove(*permissions.filter(content_type__app_label="monitoring", codename__in=CODENAMES))


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0004_alerts")]
    operations = [migrations.RunPython(add_permissions, remove_permissions)]
