"""Create the group Reviewers, whose members may view everyone's predictions and the model registry, and change none."""

from django.apps import apps as installed_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

GROUP = "Reviewers"
VIEWABLE_MODELS = {
    "predictions": ("input", "prediction", "review"),
    "registry": ("registeredmodel", "modelversion", "alias", "aliaschange"),
}


def create_reviewers(apps, schema_editor):
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=GROUP)
    for app, models in VIEWABLE_MODELS.items():
        # Django creates permissions after the last migration; creating them earlier does no harm.
        create_permissions(installed_apps.get_app_config(app), verbosity=0, using=schema_editor.connection.alias)
        permissions = apps.get_model("auth", "Permission").objects.filter(
            content_type__app_label=app, codename__in=[f"view_{model}" for model in models]
        )
        group.permissions.add(*permissions)


def delete_reviewers(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name=GROUP).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("predictions", "0003_reviews"),
        ("registry", "0001_initial"),
        ("accounts", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(create_reviewers, delete_reviewers)]
