"""Separate the permissions to review, export, and send ground truth from the permission to view.

Until now, staff with the permission `view_prediction` could do all of this. All groups with this permission, and all staff
who have it directly, get the new permissions. The new group Model owners can move aliases.
"""

from django.apps import apps as installed_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

OLD_PERMISSION = ("predictions", "view_prediction")
NEW_PERMISSIONS = {
    "predictions": ("review_prediction", "send_ground_truth", "export_prediction", "view_batchjob"),
    "registry": ("view_registeredmodel",),
}
MODEL_OWNERS = "Model owners"
OWNER_PERMISSIONS = {
    "registry": ("change_alias", "view_alias", "view_aliaschange", "view_modelversion", "view_registeredmodel"),
}


def find_permissions(apps, schema_editor, codenames_by_app):
    """Return permissions, which Django would create only after the last migration."""
    permissions = []
    for app, codenames in codenames_by_app.items():
        create_permissions(installed_apps.get_app_config(app), verbosity=0, using=schema_editor.connection.alias)
        rows = apps.get_model("auth", "Permission").objects.filter(content_type__app_label=app, codename__in=codenames)
        permissions += rows
    return permissions


def extend_reviewers(apps, schema_editor):
    app, codename = OLD_PERMISSION
    had_permission = {"content_type__app_label": app, "codename": codename}
    permissions = find_permissions(apps, schema_editor, NEW_PERMISSIONS)
    old = apps.get_model("auth", "Permission").objects.filter(**had_permission)
    for group in apps.get_model("auth", "Group").objects.filter(permissions__in=old).distinct():
        group.permissions.add(*permissions)
    for user in apps.get_model("accounts", "User").objects.filter(user_permissions__in=old, is_staff=True).distinct():
        user.user_permissions.add(*permissions)
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=MODEL_OWNERS)
    group.permissions.add(*find_permissions(apps, schema_editor, OWNER_PERMISSIONS))


def delete_model_owners(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name=MODEL_OWNERS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("predictions", "0018_decode_time"),
        ("registry", "0005_converted_networks"),
        ("accounts", "0002_token_scopes"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [
        migrations.AlterModelOptions(
            name="prediction",
            options={
                "permissions": [
                    ("review_prediction", "Can review the predictions of all users"),
                    ("send_ground_truth", "Can send ground truth for the predictions of all users"),
                    ("export_prediction", "Can export the predictions of all users"),
                ]
            },
        ),
        migrations.RunPython(extend_reviewers, delete_model_owners),
    ]
