"""Add comments and tags to predictions, and remove tags. Callers look the prediction up with `visible_to`."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services.submissions import DOUBLE_CLICK_PERIOD
from core.validators import remove_control_characters
from inference.errors import InvalidInput
from predictions.models import Prediction, PredictionComment, PredictionTag
from predictions.models.annotations import MAX_COMMENT_CHARACTERS, MAX_TAG_CHARACTERS, normalize_tag_name
from predictions.services.reviews import check_predictions, lock_predictions

MAX_TAGS = 20  # of a prediction


class InvalidAnnotation(InvalidInput):
    """The comment or the tag cannot be stored."""

    code = "invalid-annotation"


def add_comment(*, prediction: Prediction, author: User, text: str) -> PredictionComment:
    """Store a comment. The second click of a double click returns the comment of the first one.

    Raises:
        InvalidAnnotation: the comment is empty or too long.
        RowDeleted: the prediction was removed meanwhile.
    """
    text = remove_control_characters(text, keep="\n\t").strip()
    if not text:
        raise InvalidAnnotation(_("Enter a comment."), code="required", field="text")
    if len(text) > MAX_COMMENT_CHARACTERS:
        message = _("The comment is too long (%(count)d characters). The limit is %(limit)d characters.")
        values = {"count": len(text), "limit": MAX_COMMENT_CHARACTERS}
        raise InvalidAnnotation(message % values, code="too-long", field="text")
    with transaction.atomic():
        check_predictions(lock_predictions([prediction.pk]), [prediction.pk])
        same = PredictionComment.objects.filter(prediction=prediction, author=author, text=text)
        first = same.filter(created_at__gte=timezone.now() - DOUBLE_CLICK_PERIOD).first()
        return first or PredictionComment.objects.create(prediction=prediction, author=author, text=text)


def add_tag(*, prediction: Prediction, user: User, name: str) -> PredictionTag:
    """Add a tag. A prediction that already has the tag does not change.

    Raises:
        InvalidAnnotation: the name is empty or too long, contains a comma, or the prediction has too many tags.
        RowDeleted: the prediction was removed meanwhile.
    """
    name = clean_tag_name(name)
    with transaction.atomic():
        check_predictions(lock_predictions([prediction.pk]), [prediction.pk])
        tags = list(PredictionTag.objects.filter(prediction=prediction))
        existing = next((tag for tag in tags if tag.name == name), None)
        if existing:
            return existing
        if len(tags) >= MAX_TAGS:
            message = _("A prediction can have up to %(limit)d tags. Remove one first.") % {"limit": MAX_TAGS}
            raise InvalidAnnotation(message, code="too-many", field="tag")
        tag: PredictionTag = PredictionTag.objects.create(prediction=prediction, user=user, name=name)
    return tag


def remove_tag(*, prediction: Prediction, name: str) -> bool:
    """Remove a tag; return whether the prediction had it."""
    deleted, _by_model = PredictionTag.objects.filter(prediction=prediction, name=normalize_tag_name(name)).delete()
    return deleted > 0


def clean_tag_name(name: str) -> str:
    """Return the name of a tag as it is stored.

    Raises:
        InvalidAnnotation: the name is empty or too long, or contains a comma.
    """
    name = normalize_tag_name(name)
    if not name:
        raise InvalidAnnotation(_("Enter a tag."), code="required", field="tag")
    if len(name) > MAX_TAG_CHARACTERS:
        message = _("The tag is too long (%(count)d characters). The limit is %(limit)d characters.")
        values = {"count": len(name), "limit": MAX_TAG_CHARACTERS}
        raise InvalidAnnotation(message % values, code="too-long", field="tag")
    if "," in name:
        raise InvalidAnnotation(_("A tag cannot contain a comma. Add several tags one by one."), field="tag")
    return name
