"""Verify that each reference from a row to another one leads to a row that exists."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db.models import Exists, ForeignKey, Model, OuterRef

from predictions.services.verification.report import Report

CHECKED_ELSEWHERE = ("predictions_prediction", "input_id")  # by `check_predictions`


def check_references(report: Report) -> None:
    """Check the foreign keys that the database enforces, unless it is damaged (I12)."""
    for model, field in _list_foreign_keys():
        report.checked["foreign_keys"] += 1
        target = field.target_field
        found = target.model._base_manager.filter(**{target.attname: OuterRef(field.attname)})
        rows = model._base_manager.filter(~Exists(found), **{f"{field.attname}__isnull": False}).order_by()
        for key, value in rows.values_list("pk", field.attname).iterator():
            report.add("I12", f"{model._meta.label}.{field.name} refers to {value}, which does not exist.", id=key)


def _list_foreign_keys() -> Iterator[tuple[type[Model], ForeignKey[Model, Model]]]:
    for model in apps.get_models():
        for field in model._meta.local_fields:
            is_enforced = getattr(field, "db_constraint", False)
            if is_enforced and isinstance(field, ForeignKey) and (model._meta.db_table, field.column) != CHECKED_ELSEWHERE:
                yield model, field
