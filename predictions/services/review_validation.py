"""Validate reviews before they are stored. All entry points use `validate_review`."""

from __future__ import annotations

from dataclasses import dataclass
from math import isclose, isfinite

from django.utils.translation import gettext

from core.formatting import format_count, localize_number
from inference.errors import InferenceError, InvalidInput
from inference.messages import find_closest, quote_value
from inference.numbers import MAX_FLOAT
from predictions.models import Prediction, Review
from predictions.models.review import MAX_COMMENT_CHARACTERS
from predictions.presentation import format_labels, format_output
from predictions.services.review_messages import describe_contradiction, describe_not_reviewable, format_label_choices

Verdict = Review.Verdict
TRUE_VALUE_TOLERANCE = 1e-6  # relative difference up to which a true value agrees with the predicted value


class InvalidReview(InvalidInput):
    """The review contradicts itself, or does not fit the output of the prediction."""

    code = "invalid-review"


class NotReviewable(InferenceError):
    """The prediction has no output to review."""

    code = "not-reviewable"


@dataclass(frozen=True, slots=True)
class ReviewInput:
    """A verdict, the true output, and a comment.

    Args:
        true_labels: all true labels, for a multi-label model; empty if none applies.
        has_no_label: none of the labels of the model is the true one. The review is then incorrect, without a true label.
    """

    verdict: str
    true_label: str = ""
    true_value: float | None = None
    comment: str = ""
    true_labels: tuple[str, ...] | None = None
    has_no_label: bool = False

    @property
    def true_output_field(self) -> str:
        """Return the name of the first field that contains a true output; empty if there is none."""
        if self.true_label:
            return "true_label"
        if self.true_value is not None:
            return "true_value"
        return "" if self.true_labels is None else "true_labels"


def validate_review(prediction: Prediction, review: ReviewInput, *, hints: bool = True) -> ReviewInput:
    """Return the review with the missing part inferred: the verdict from the true output, or vice versa.

    Args:
        hints: suggest the closest label in errors, which takes time.

    Raises:
        NotReviewable: the prediction did not succeed, or it was erased.
        InvalidReview: with the code `required`, `unknown-verdict`, `unknown-label`, `contradiction`, `not-finite`,
            `out-of-range`, `wrong-truth` or `too-long`.
    """
    if prediction.status != Prediction.Status.SUCCEEDED or prediction.is_erased:
        raise NotReviewable(describe_not_reviewable(prediction))
    if review.verdict and review.verdict not in Verdict.values:
        raise _build_error("verdict", "unknown-verdict", gettext("Expected correct, incorrect, or unsure."), review.verdict)
    if len(review.comment) > MAX_COMMENT_CHARACTERS:
        raise InvalidReview(
            gettext("The comment is too long (%(count)s characters). The limit is %(limit)s characters.")
            % {"count": format_count(len(review.comment)), "limit": format_count(MAX_COMMENT_CHARACTERS)},
            code="too-long",
            field="comment",
        )
    if review.verdict == Verdict.UNSURE and (field := review.true_output_field):
        raise InvalidReview(
            gettext('Leave %(field)s empty when verdict is "unsure".') % {"field": field},
            code="contradiction",
            field="verdict",
        )
    if prediction.predicted_labels is not None:
        return _validate_labels_review(prediction, prediction.predicted_labels, review, hints=hints)
    if review.true_labels is not None:
        raise _build_error(
            "true_labels",
            "wrong-truth",
            gettext("Expected no true_labels: the model is not a multi-label model."),
            [*review.true_labels],
        )
    if prediction.label:
        return _validate_label_review(prediction, review, hints=hints)
    return _validate_value_review(prediction, review) if prediction.value is not None else _validate_raw_review(review)


def _validate_label_review(prediction: Prediction, review: ReviewInput, *, hints: bool) -> ReviewInput:
    labels: list[str] = prediction.model_version.labels
    if review.has_no_label:
        return ReviewInput(Verdict.INCORRECT, comment=review.comment)
    if review.true_value is not None:
        raise _build_error(
            "true_value", "wrong-truth", gettext("Expected true_label: the output is a label."), review.true_value
        )
    if review.true_label:
        _check_label(review.true_label, labels, "true_label", hints=hints)
    agrees = review.true_label == prediction.label
    verdict = review.verdict or (_infer_verdict(agrees=agrees) if review.true_label else "")
    if verdict == Verdict.UNSURE:
        return ReviewInput(verdict, comment=review.comment)
    true_label = review.true_label or _infer_true_label(verdict, prediction.label, labels)
    agrees = true_label == prediction.label
    _check_agreement(verdict, agrees=agrees, field="true_label", predicted=prediction.label)
    return ReviewInput(verdict, true_label, comment=review.comment)


def _check_label(label: str, labels: list[str], field: str, *, hints: bool) -> None:
    if label not in labels:
        closest = find_closest(label, labels) if hints else None
        hint = " " + gettext("Did you mean %(closest)s?") % {"closest": quote_value(closest)} if closest else ""
        raise _build_error(
            field,
            "unknown-label",
            gettext("Expected one of %(labels)s.") % {"labels": format_label_choices(labels)},
            label,
            hint,
        )


def _infer_true_label(verdict: str, label: str, labels: list[str]) -> str:
    """Return the predicted label if it is correct; if it is incorrect and there are two labels, the other one."""
    if verdict == Verdict.CORRECT:
        return label
    other_labels = [other for other in labels if other != label]
    if verdict == Verdict.INCORRECT and len(other_labels) == 1:
        return other_labels[0]
    if verdict == Verdict.INCORRECT:
        raise InvalidReview(
            gettext("Choose the true label: one of %(labels)s.") % {"labels": format_label_choices(other_labels)},
            code="required",
            field="true_label",
        )
    raise _build_missing_verdict_error()


def _validate_labels_review(
    prediction: Prediction, predicted: list[str], review: ReviewInput, *, hints: bool
) -> ReviewInput:
    """Return the review with unique true labels in the order of the version."""
    labels: list[str] = prediction.model_version.labels
    field = review.true_output_field
    if field not in ("", "true_labels"):
        expected = gettext("Expected true_labels: the output is a list of labels.")
        raise _build_error(field, "wrong-truth", expected, getattr(review, field))
    known = set(labels)
    if unknown := [label for label in review.true_labels or () if label not in known]:
        _check_label(unknown[0], labels, "true_labels", hints=hints)
    agrees = review.true_labels is not None and set(review.true_labels) == set(predicted)
    verdict = review.verdict or (_infer_verdict(agrees=agrees) if review.true_labels is not None else "")
    if not verdict:
        raise _build_missing_verdict_error()
    if verdict == Verdict.UNSURE:
        return ReviewInput(verdict, comment=review.comment)
    if review.true_labels is not None:
        _check_agreement(verdict, agrees=agrees, field="true_labels", predicted=format_labels(predicted))
    chosen = set(_infer_true_labels(verdict, predicted, labels) if review.true_labels is None else review.true_labels)
    true_labels = tuple(label for label in labels if label in chosen)
    return ReviewInput(verdict, comment=review.comment, true_labels=true_labels)


def _infer_true_labels(verdict: str, predicted: list[str], labels: list[str]) -> list[str]:
    """Return the predicted labels if they are correct; if they are incorrect and there is only one label, the opposite."""
    if verdict == Verdict.CORRECT:
        return predicted
    if len(labels) == 1:
        return [label for label in labels if label not in predicted]
    raise InvalidReview(
        gettext("Choose all true labels: any of %(labels)s, or none.") % {"labels": format_label_choices(labels)},
        code="required",
        field="true_labels",
    )


def _validate_value_review(prediction: Prediction, review: ReviewInput) -> ReviewInput:
    if review.true_label:
        raise _build_error(
            "true_label", "wrong-truth", gettext("Expected true_value: the output is a number."), review.true_label
        )
    true_value = review.true_value
    if true_value is not None and not isfinite(true_value):
        raise _build_error("true_value", "not-finite", gettext("Expected a finite number."), true_value)
    if true_value is not None and abs(true_value) > MAX_FLOAT:
        raise _build_error(
            "true_value",
            "out-of-range",
            gettext("Expected a number up to %(limit)s.") % {"limit": localize_number(f"{MAX_FLOAT:.4g}")},
            true_value,
        )
    agrees = true_value is not None and isclose(true_value, prediction.value or 0.0, rel_tol=TRUE_VALUE_TOLERANCE)
    verdict = review.verdict or (_infer_verdict(agrees=agrees) if true_value is not None else "")
    if not verdict:
        raise _build_missing_verdict_error()
    if verdict == Verdict.INCORRECT and true_value is None:
        raise InvalidReview(gettext("Enter the true value."), code="required", field="true_value")
    if verdict == Verdict.INCORRECT:  # a correct prediction may differ slightly from the true value
        _check_agreement(verdict, agrees=agrees, field="true_value", predicted=format_output(prediction))
    return ReviewInput(verdict, true_value=true_value, comment=review.comment)


def _validate_raw_review(review: ReviewInput) -> ReviewInput:
    if review.true_label or review.true_value is not None:
        raise InvalidReview(
            gettext("Expected only a verdict: the output is neither a label nor a number."),
            code="wrong-truth",
            field="verdict",
        )
    if not review.verdict:
        raise _build_missing_verdict_error()
    return review


def _infer_verdict(*, agrees: bool) -> str:
    return Verdict.CORRECT if agrees else Verdict.INCORRECT


def _check_agreement(verdict: str, *, agrees: bool, field: str, predicted: str) -> None:
    if (verdict == Verdict.CORRECT) != agrees:
        raise InvalidReview(
            describe_contradiction(verdict, agrees=agrees, field=field, predicted=predicted),
            code="contradiction",
            field="verdict",
        )


def _build_missing_verdict_error() -> InvalidReview:
    message = gettext("Expected a verdict (correct, incorrect, or unsure), or the true label, labels, or value.")
    return InvalidReview(message, code="required", field="verdict")


def _build_error(field: str, code: str, expected: str, received: object, hint: str = "") -> InvalidReview:
    message = gettext("%(expected)s Received: %(value)s.") % {"expected": expected, "value": quote_value(received)}
    return InvalidReview(message + hint, code=code, field=field)
