"""Check that each response of a load test names the version that made the prediction, while production moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Any

MODEL = "sums"
FACTORS = {1: 1, 2: 2}
"""Each version predicts the sum of the features times its factor. The sums are odd, so a value identifies the version."""


@dataclass(frozen=True, slots=True)
class Response:
    """A successful request. Times are those of `time.time()`, as in the database.

    Args:
        worker: process id of the worker that responded; 0 if unknown.
    """

    number: int
    reference: str
    sent_at: float
    received_at: float
    worker: int
    body: dict[str, Any]

    @property
    def uses_alias(self) -> bool:
        return ":" not in self.reference


@dataclass(frozen=True, slots=True)
class Promotion:
    """One change of the alias.

    Args:
        changed_at: the time that the database recorded, in the transaction of the change.
        confirmed_at: when `promote_model` printed its confirmation.
        reached_all_workers: whether each worker has responded to a request sent after the confirmation.
    """

    version: int
    changed_at: float
    confirmed_at: float
    reached_all_workers: bool = True


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The responses of a load test, and the rows that the API lists afterwards."""

    request_count: int
    seconds: float
    responses: list[Response]
    errors: list[str]
    promotions: list[Promotion]
    rows: list[dict[str, Any]]

    def count_problems(self) -> dict[str, int]:
        """Return the number of each problem. All must be 0."""
        stored = {row["id"]: row for row in self.rows}
        used_versions = {response.body["model_version"] for response in self.responses if response.uses_alias}
        return {
            "errors": len(self.errors),
            "inconsistent responses": sum(is_inconsistent(response.body, response.number) for response in self.responses),
            "inconsistent rows": sum(is_inconsistent(row, int(row["client_reference"])) for row in self.rows),
            "responses of a wrong version": sum(
                response.body["model_version"] not in list_valid_versions(response, self.promotions)
                for response in self.responses
            ),
            "responses that differ from the row": sum(
                stored.get(response.body["id"]) != response.body for response in self.responses
            ),
            "requests not stored exactly once": abs(self.request_count - len(self.rows)) + len(self.rows) - len(stored),
            "promotions that did not reach all workers": sum(
                not promotion.reached_all_workers for promotion in self.promotions[:-1]
            ),
            "versions without a response": len(FACTORS.keys() - used_versions),
        }

    def count_unambiguous(self) -> int:
        """Return the number of requests by alias with one valid version: no promotion was in progress."""
        return sum(
            response.uses_alias and len(list_valid_versions(response, self.promotions)) == 1 for response in self.responses
        )


def build_features(number: int) -> dict[str, float]:
    """Return the features of a request. Their sum, 2 n + 1, is unique and exact in float32."""
    return {"length": number + 0.25, "width": number + 0.75}


def is_inconsistent(body: dict[str, Any], number: int) -> bool:
    """Return whether a response or row belongs to another request, or its value is that of another version."""
    total = sum(build_features(number).values())
    version = next((version for version, factor in FACTORS.items() if body["value"] == factor * total), None)
    is_own = body["client_reference"] == str(number) and body["input"]["features"] == build_features(number)
    return not is_own or (body["model"], body["model_version"]) != (MODEL, version)


def list_valid_versions(response: Response, promotions: Sequence[Promotion]) -> set[int]:
    """Return the versions to which the reference pointed at some time between the request and its response.

    A promotion takes effect between its recorded time and its confirmation. A response received before must be from the
    old version. A request sent afterwards must use the new version.
    """
    if not response.uses_alias:
        return {int(response.reference.partition(":")[2])}
    ends = [*(later.confirmed_at for _, later in pairwise(promotions)), inf]
    return {
        promotion.version
        for promotion, end in zip(promotions, ends, strict=True)
        if promotion.changed_at <= response.received_at and response.sent_at <= end
    }
