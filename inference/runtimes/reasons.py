"""Shorten the error messages of libraries."""

from __future__ import annotations

import re

MAX_REASON_LENGTH = 200  # characters
WRAPPED_REASON = re.compile(r".*Exception encountered(?: when calling [^\n]*)?[:.]\s*(.+)", re.DOTALL)
FORMULA_REASON = re.compile(r".*The original error message returned by \w+ is:\s*(.+)", re.DOTALL)  # of statsmodels
GRAPH_REASON = re.compile(r"Graph execution error:.*\n([^\n]+)\n\s*\[\[\{\{node", re.DOTALL)  # of TensorFlow
ESCAPE_SEQUENCE = re.compile(r"\x1b\[\d*m")
CONFIGURATION = re.compile(
    r"\s*(?:using config=|config=|Full object config:|\[?\{'(?:module|class_name|name)').*", re.DOTALL
)
SENTENCE_END = re.compile(r"(?<=[^.\d\s])\.(?:\s|$)|\n")


def shorten_reason(text: str) -> str:
    """Return the first useful sentence of an error message, without configurations and stack traces."""
    wrapped = GRAPH_REASON.search(text) or WRAPPED_REASON.search(text) or FORMULA_REASON.search(text)
    reason = CONFIGURATION.sub("", ESCAPE_SEQUENCE.sub("", wrapped[1] if wrapped else text).strip())
    sentence = SENTENCE_END.split(reason, maxsplit=1)[0].strip().rstrip(".:,")
    return sentence[:MAX_REASON_LENGTH] + "." if sentence else ""
