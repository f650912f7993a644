"""The outputs of a model for a few sample inputs. They show what the metadata of an artifact does not contain."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from functools import cached_property
from time import monotonic
from typing import Any

import numpy as np
import numpy.typing as npt

from inference.errors import InferenceError
from inference.postprocessing import format_class, select_output
from inference.preprocessing import collate_items, make_sample_inputs, prepare_input
from inference.signature import AnyInput
from inference.types import BatchFunction, BatchOutput, Tensor

logger = logging.getLogger(__name__)

SAMPLE_COUNT = 7
MIN_ROWS, BUDGET_SECONDS = 2, 1.0  # a slow model runs on fewer inputs


class SampleOutputs:
    """The rows of output for some sample inputs. The model runs when they are first read.

    Args:
        run: the runtime's function. None: there are no rows.
    """

    def __init__(self, run: BatchFunction | None, signature: AnyInput) -> None:
        self._run = run
        self._signature = signature

    @cached_property
    def rows(self) -> list[Any]:
        """The output of each input that the model accepts: an array, or several by name."""
        return [] if self._run is None else list(self._iterate_rows(self._run))

    def select(self, name: str) -> list[Any]:
        """Return the output with this name for each input; the only output if the name is empty."""
        try:
            return [select_output(row, name) for row in self.rows]
        except InferenceError:  # the output does not exist, which the warm-up reports
            return []

    def describe_outputs(self) -> tuple[Tensor, ...]:
        """Return the named outputs of a row; empty if there is one output, or one number per class."""
        first = next(iter(self.rows), None)
        if not isinstance(first, Mapping) or len(first) < 2 or all(np.ndim(part) == 0 for part in first.values()):
            return ()
        return tuple(_describe_part(str(name), part) for name, part in first.items())

    def get_numbers(self, name: str) -> npt.NDArray[np.float64] | None:
        """Return an output as finite numbers of shape `(inputs, width)`; None if there are none."""
        selected = [list(row.values()) if isinstance(row, Mapping) else row for row in self.select(name)]
        try:
            numbers = np.array([np.asarray(row, np.float64).ravel() for row in selected])
        except (TypeError, ValueError):  # texts, or rows of different widths
            return None
        if numbers.ndim != 2 or not numbers.size:
            return None
        finite = numbers[np.isfinite(numbers).all(axis=1)]
        return finite if len(finite) else None

    def are_texts(self, name: str) -> bool:
        """Return whether an output is one text for each input."""
        selected = [np.asarray(row) for row in self.select(name)]
        return bool(selected) and all(row.dtype.kind == "U" and row.size == 1 for row in selected)

    def get_classes(self, name: str) -> tuple[str, ...]:
        """Return the keys of an output that maps classes to scores (ONNX ZipMap); empty for other outputs."""
        first = next(iter(self.select(name)), None)
        return tuple(map(format_class, first)) if isinstance(first, Mapping) else ()

    def _iterate_rows(self, run: BatchFunction) -> Iterator[Any]:
        deadline, count = monotonic() + BUDGET_SECONDS, 0
        for model_input in make_sample_inputs(self._signature, SAMPLE_COUNT):
            if count >= MIN_ROWS and monotonic() > deadline:
                return
            item = prepare_input(self._signature, model_input)
            try:
                row = _get_first_row(run(collate_items(self._signature, [item])))
            # The model can reject some of the values with any exception. If it rejects all inputs, the warm-up reports it.
            except Exception as error:
                logger.info("the model does not accept a sample input", exc_info=error)
            else:
                count += 1
                yield row


def _get_first_row(output: BatchOutput) -> Any:
    return {name: array[0] for name, array in output.items()} if isinstance(output, Mapping) else output[0]


def _describe_part(name: str, part: Any) -> Tensor:
    array = np.asarray(part)
    return Tensor(name, "str" if array.dtype.kind == "U" else array.dtype.name, array.shape)
