"""Let reviewers keep the operations page, which has a permission of its own now, and create the group Operators."""

from django.apps import apps as installed_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

OPERATORS = "Operators"
VIEW_OPERATIONS = ("monitoring", "view_rollup")
OPERATOR_PERMISSIONS = {
    "monitoring": ("view_rollup",),
    "predictions": ("change_batchjob", "view_batchjob", "change_prediction", "view_prediction"),
}


def create_operators(apps, schema_editor):
    permissions = apps.get_model("auth", "Permission").objects
    for app in OPERATOR_PERMISSIONS:
        create_permissions(installed_apps.get_app_config(app), verbosity=0, using=schema_editor.connection.alias)
    app, codename = VIEW_OPERATIONS
    view_operations = permissions.get(content_type__app_label=app, codename=codename)
    reviewing = permissions.filter(content_type__app_label="predictions", codename="review_prediction")
    for group in apps.get_model("auth", "Group").objects.filter(permissions__in=reviewing):
        group.permissions.add(view_operations)
    for user in apps.get_model("accounts", "User").objects.filter(user_permissions__in=reviewing, is_staff=True):
        user.user_permissions.add(view_operations)
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=OPERATORS)
    for app, codenames in OPERATOR_PERMISSIONS.items():
        group.permissions.add(*permissions.filter(content_type__app_label=app, codename__in=codenames))


def delete_operators(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name=OPERATORS).delete()


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0001_initial"), ("predictions", "0019_permissions")]
    operations = [migrations.RunPython(create_operators, delete_operators)]
