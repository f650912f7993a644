"""Objects that the client returns. Each keeps the whole JSON object in `raw`, including fields of newer servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

FINAL_STATUSES = frozenset({"succeeded", "failed", "canceled"})


@dataclass(frozen=True)
class Problem:
    """Why an input was rejected or a prediction failed."""

    code: str
    detail: str
    field: str = ""


@dataclass(frozen=True)
class Prediction:
    """One output of one model version for one input. The fields are those of the REST API.

    Exactly one of `label`, `labels`, and `value` is set if the model has that kind of output. `confidence` is from 0 to 1.
    """

    id: str
    url: str
    status: str
    model: str
    model_version: int
    label: str | None
    labels: list[str] | None
    confidence: float | None
    value: float | None
    output: Any
    error: Problem | None
    client_reference: str
    created_at: datetime
    completed_at: datetime | None
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def is_final(self) -> bool:
        """Whether the status can no longer change."""
        return self.status in FINAL_STATUSES

    @property
    def scores(self) -> dict[str, float]:
        """The score of each label, highest first; empty if the model returns none."""
        scores: dict[str, float] = (self.output or {}).get("scores") or {} if isinstance(self.output, Mapping) else {}
        return dict(sorted(scores.items(), key=lambda pair: -pair[1]))

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Prediction:
        error = body.get("error")
        return cls(
            id=body["id"],
            url=body["url"],
            status=body["status"],
            model=body["model"],
            model_version=body["model_version"],
            label=body.get("label"),
            labels=body.get("labels"),
            confidence=body.get("confidence"),
            value=body.get("value"),
            output=body.get("output"),
            error=Problem(error["code"], error["message"]) if error else None,
            client_reference=body.get("client_reference", ""),
            created_at=_parse_time(body["created_at"]),
            completed_at=_parse_time(body["completed_at"]) if body.get("completed_at") else None,
            raw=body,
        )


@dataclass(frozen=True)
class BatchJob:
    """A file of inputs that is processed in the background. `total` is None until the file has been counted."""

    id: str
    url: str
    status: str
    total: int | None
    succeeded: int
    failed: int
    error: Problem | None
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def is_final(self) -> bool:
        """Whether the status can no longer change."""
        return self.status in FINAL_STATUSES

    @property
    def done(self) -> int:
        """The number of items that were processed."""
        return self.succeeded + self.failed

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> BatchJob:
        error, progress = body.get("error"), body["progress"]
        return cls(
            id=body["id"],
            url=body["url"],
            status=body["status"],
            total=progress["total"],
            succeeded=progress["succeeded"],
            failed=progress["failed"],
            error=Problem(error["code"], error["message"]) if error else None,
            raw=body,
        )


Waitable = TypeVar("Waitable", Prediction, BatchJob)
"""What has a status that becomes final later."""


@dataclass(frozen=True)
class Review:
    """A person's or program's review of a prediction."""

    id: str
    verdict: str
    true_label: str
    true_value: float | None
    true_labels: list[str] | None
    comment: str
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Review:
        return cls(
            id=str(body["id"]),
            verdict=body["verdict"],
            true_label=body.get("true_label") or "",
            true_value=body.get("true_value"),
            true_labels=body.get("true_labels"),
            comment=body.get("comment", ""),
            raw=body,
        )


def _parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
