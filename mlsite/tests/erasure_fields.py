"""What an erasure does with each column that can contain a text, and with each relation to a user.

`test_erasure_fields.py` fails for a column that is not listed here. Before you list one, make the erasure remove it, and
write a marker into it in `test_erasure.py`.
"""

from __future__ import annotations

from django.apps import apps
from django.db.models import BinaryField, CharField, FileField, GenericIPAddressField, JSONField, TextField

from accounts.models import User

TEXT_FIELDS = (CharField, TextField, JSONField, BinaryField, FileField, GenericIPAddressField)
# Rows of these models are deleted if they belong to the user.
DELETED = {
    "admin.LogEntry", "sessions.Session", "axes.AccessFailureLog", "axes.AccessAttempt", "axes.AccessLog",
    "accounts.User_groups", "accounts.User_user_permissions", "accounts.ApiToken", "accounts.AttemptCount", "accounts.Usage",
    "predictions.PredictionTag", "predictions.PredictionComment", "predictions.BatchJob", "predictions.BatchJobItem",
    "predictions.BatchJobImage", "accounts.IdempotencyKey", "predictions.QueuedPrediction", "predictions.ReviewClaim",
    "predictions.ReviewAssignment", "predictions.ReviewGoal", "predictions.SavedFilter", "accounts.ExternalIdentity",
    "otp_static.StaticDevice", "otp_static.StaticToken", "otp_totp.TOTPDevice", "events.Webhook",
    "predictions.ShownPrediction",
}  # fmt: skip
# These columns are emptied, or are set to null or to a value that does not depend on the user.
EMPTIED = {
    "accounts.User": {"password", "username", "first_name", "last_name", "email", "language", "time_zone"},
    "accounts.AuditEntry": {"address", "object_name"},
    "predictions.Input": {"user", "features", "sha256", "original_name"},
    "predictions.Prediction": {"user", "output", "label", "warnings", "error_message", "client_reference"},
    "predictions.Review": {"comment"},
    "predictions.ReviewSummary": {"user", "sha256"},
    "predictions.PredictionCount": {"user"},
    "monitoring.CountedUser": {"user"},
    "predictions.RemovedFile": {"name"},
    "evaluation.Replay": {"user"},
    "evaluation.ReplayResult": {"error_message"},
}
# These columns stay. They contain no text of the user, and belong to nobody or to an account without a name.
UNCHANGED = {
    "accounts.Erasure": {"user", "requested_by", "counts"},
    "accounts.AuditEntry": {"actor", "object_type", "object_id", "details"},  # IDs; `record_action` forbids personal details
    "events.Event": {"user", "type", "subject", "key", "data"},  # IDs and names of models; no type with texts stores data
    "events.Delivery": {
        "target",
        "key",
        "error",
        "error_code",
        "error_values",
        "details",
    },  # of sinks of the site; those of webhooks are deleted
    "registry.RegisteredModel": {"created_by"},
    "registry.ModelVersion": {"created_by"},
    "registry.AliasChange": {"changed_by"},
    "predictions.Input": {"image", "content_type"},  # the path of the deleted file, which contains the ID
    "predictions.Prediction": {"error_code"},
    "predictions.Review": {"reviewer", "true_label", "true_labels"},  # labels of the model
    "predictions.ReviewSummary": {"label", "true_label", "ratings"},  # labels of the model, and IDs of accounts
    "evaluation.Replay": {"error_code", "error_message"},  # of the models
    "evaluation.ReplayResult": {"true_label", "label", "baseline_label", "error_code"},
    "monitoring.Alert": {"acknowledged_by"},
    "monitoring.Rollup": {"counts", "users", "latencies"},  # numbers by label, and by the number of a `CountedUser`
}
# These models contain no data of users. The texts of models and groups are those of the organization.
WITHOUT_USERS = {
    "auth.Permission", "auth.Group", "contenttypes.ContentType", "registry.RegisteredModel", "registry.ModelVersion",
    "registry.ModelCard", "registry.Alias", "registry.AliasChange", "predictions.SummaryProgress",
    "predictions.RetentionPolicy", "predictions.RetentionRun", "monitoring.Deployment",
    "monitoring.AlertState", "monitoring.AlertNotification", "monitoring.AlertRule", "events.TargetStatus",
}  # fmt: skip


def list_columns():
    """Yield the label of each model, and the names of its columns that can contain texts or that refer to a user."""
    for model in apps.get_models(include_auto_created=True):
        fields = model._meta.concrete_fields
        texts = {field.name for field in fields if isinstance(field, TEXT_FIELDS) and not field.choices}
        relations = {field.name for field in fields if field.remote_field and field.remote_field.model is User}
        yield model._meta.label, texts, relations
