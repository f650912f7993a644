"""Let operators see events and send them again."""

from django.apps import apps as installed_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

OPERATORS = "Operators"
CODENAMES = ("view_event", "change_delivery")


def find_permissions(apps, schema_editor):
    """Return the permissions, which Django would create only after the last migration."""
    create_permissions(installed_apps.get_app_config("events"), verbosity=0, using=schema_editor.connection.alias)
    return apps.get_model("auth", "Permission").objects.filter(content_type__app_label="events", codename__in=CODENAMES)


def extend_operators(apps, schema_editor):
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=OPERATORS)
    group.permissions.add(*find_permissions(apps, schema_editor))


def restrict_operators(apps, schema_editor):
    for group in apps.get_model("auth", "Group").objects.filter(name=OPERATORS):
        group.permissions.remove(*find_permissions(apps, schema_editor))


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial"), ("auth", "0012_alter_user_first_name_max_length")]
    operations = [migrations.RunPython(extend_operators, restrict_operators)]
