"""Read class names from the metadata of ONNX files, where Ultralytics stores them."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence

from inference.runtimes.onnx_outputs import OnnxOutput
from inference.signature.infer.labels import number_repeated_labels
from inference.tensors import get_width
from inference.types import Tensor

# The names are a Python dictionary, such as {0: 'cat', 1: "cow's"}, https://docs.ultralytics.com/modes/export/
NAMES_KEY, TASK_KEY, CLASSIFICATION = "names", "task", "classify"
NAME_PATTERN = re.compile(r"""(\d{1,6})["']?\s*:\s*('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")""")


def describe_metadata(properties: Mapping[str, str], outputs: Sequence[Tensor]) -> OnnxOutput:
    """Return the names of the classes, if the model is a classifier with one output and one name per number."""
    names = _read_names(properties.get(NAMES_KEY, ""))
    is_classifier = properties.get(TASK_KEY, CLASSIFICATION) == CLASSIFICATION and len(outputs) == 1
    if len(names) < 2 or not is_classifier or len(outputs[0].shape) != 1 or get_width(outputs[0]) != len(names):
        return OnnxOutput()
    labels, notices = number_repeated_labels(names)
    return OnnxOutput({}, tuple(labels), (f"classes: {', '.join(labels)[:200]}, from the metadata of the file.", *notices))


def _read_names(text: str) -> list[str]:
    """Return the names in the order of their numbers; empty if the numbers are not 0, 1, and so on."""
    pairs = {int(number): name for number, name in NAME_PATTERN.findall(text)}
    if sorted(pairs) != list(range(len(pairs))):
        return []
    try:
        return [ast.literal_eval(pairs[number]) for number in range(len(pairs))]
    except (SyntaxError, ValueError):  # such as an unknown escape sequence
        return []
