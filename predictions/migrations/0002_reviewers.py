"""The group Reviewers: sees every prediction, changes none."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

GROUP = "Reviewers"
MAY = ("view_input", "view_prediction", "view_registeredmodel", "view_modelversion", "view_alias", "view_aliaschange")


def create_reviewers(apps, schema_editor):
    # Permissions are otherwise made after the last migration; asking for them early is harmless.
    create_permissions(installed.get_app_config("predictions"), verbosity=0, using=schema_editor.connection.alias)
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=GROUP)
    permissions = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="predictions", codename__in=MAY
    )
    group.permissions.add(*permissions)


def delete_reviewers(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name=GROUP).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("predictions", "0001_initial"),
        ("accounts", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(create_reviewers, delete_reviewers)]
