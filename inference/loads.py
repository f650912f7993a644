"""The state of a loaded version in a pool of predictors, and of one that is being loaded."""

from __future__ import annotations

from dataclasses import dataclass

from inference.errors import InferenceError
from inference.predictor import Predictor


@dataclass(slots=True)
class Entry:
    """A loaded predictor, the number of its callers, and when it was last used."""

    predictor: Predictor
    users: int = 0
    used_at: float = float("-inf")

    def is_busy(self) -> bool:
        return self.users > 0 or self.predictor.get_running_seconds() > 0


@dataclass(slots=True)
class Load:
    """A load in progress. It continues when no caller waits for it any more."""

    started: float
    waiting: int = 0  # callers, who all use the predictor when it is loaded
    outcome: Entry | BaseException | None = None


def copy_error(error: BaseException) -> BaseException:
    """Return an error to raise in another thread. Raising the same object again would extend its traceback each time."""
    if not isinstance(error, InferenceError):
        return error
    copy = type(error)(error.message, code=error.code)
    copy.__cause__ = error.__cause__
    return copy
