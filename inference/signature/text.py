"""The input of a model that takes one text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from inference.errors import InvalidInput, InvalidSignature
from inference.signature.base import SignaturePart, check_strings
from inference.signature.feature import Feature
from inference.signature.values import MAX_TEXT_LENGTH, check_text

TEXT_KEY = "text"
"""The key of the text in requests, examples, and stored inputs."""
MAX_ALLOWED_LENGTH = 100_000  # characters; a longer text could exceed the size limit of a JSON request


@dataclass(frozen=True, slots=True)
class TextInput(SignaturePart):
    """One text. The model receives it unchanged.

    Args:
        name: the name of the artifact's input or column. Requests always use the key `text`.
        title, description: name and explanation for people.
        max_length: in characters.
        example: a value for the form, the documentation, and the warm-up of the model.
        placeholder: shown in the empty field of the form.
    """

    kind: ClassVar[str] = "text"
    section: ClassVar[str] = "input"
    parts: ClassVar[tuple[str, ...]] = (TEXT_KEY,)
    name: str = TEXT_KEY
    title: str = ""
    description: str = ""
    max_length: int = MAX_TEXT_LENGTH
    example: str = ""
    placeholder: str = ""

    def __post_init__(self) -> None:
        check_strings(self, self.name, self.title, self.description, self.example, self.placeholder)
        length = self.max_length
        if isinstance(length, bool) or not isinstance(length, int) or not 1 <= length <= MAX_ALLOWED_LENGTH:
            raise InvalidSignature(f"Expected max_length from 1 to {MAX_ALLOWED_LENGTH:,} in [input]. Received: {length!r}")
        try:
            self.read(self.example)
        except InvalidInput as error:
            raise InvalidSignature(f"example in [input]: {error.message}") from error

    @property
    def features(self) -> tuple[Feature, ...]:
        """Return the text as one feature, as it is stored."""
        return (Feature(TEXT_KEY, "text", title=self.title, description=self.description),)

    @property
    def column(self) -> Feature:
        """Return the text as the column of a table that the artifact takes."""
        return Feature(self.name, "text")

    def read(self, value: Any) -> str:
        """Return a validated text.

        Raises:
            InvalidInput: with the code `wrong-type` or `too-long`.
        """
        if not isinstance(value, str):
            raise InvalidInput(f"Expected text. Received: {value!r:.100}", code="wrong-type", field=TEXT_KEY)
        return check_text(value, field=TEXT_KEY, max_length=self.max_length)
