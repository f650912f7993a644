"""Filters return exactly the rows that match, newest first, although they read only a range of IDs."""

import random
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.http import QueryDict
from django.utils import timezone

from core.fields import get_first_id
from predictions import search
from predictions.filters import PredictionFilter
from predictions.models import Prediction, Review
from predictions.tests.factories import change_predictions, make_prediction
from registry.services import register_model

ROW_COUNT = 60
QUERIES = [
    "", "model=shades", "model=shades:1", "model=shades@production", "model=shades:2", "model=shades:3", "version=1",
    "version=2", "version=3", "model=shades&version=2", "label=black", "label=white", "label=none", "status=succeeded",
    "status=failed",
    "status=queued", "source=web", "source=api", "source=cli", "source=v2", "error_code=model-failed", "error_code=none",
    "client_reference=a", "client_reference=none", "verdict=correct", "verdict=incorrect", "verdict=unsure", "reviewed=true",
    "reviewed=false", "true_label=white", "true_label=grey", "picked_by=random", "picked_by=newest", "user=ada", "user=eve",
    "user=nobody", "label=black&status=succeeded&source=web", "verdict=incorrect&label=black", "max_confidence=0.3",
    "label=black&label=white", "label=none&label=white", "status=failed&status=succeeded", "status=failed&status=queued",
    "status=failed&label=black", "status=failed&status=queued&max_confidence=0.9", "status=failed&reviewed=true",
    "status=failed&status=succeeded&label=black",
    "model=shades&label=black", "model=shades:1&label=grey", "version=2&label=white&label=grey",
    "verdict=correct&verdict=unsure", "true_label=white&true_label=grey", "picked_by=random&picked_by=manual",
    "user=ada&user=eve", "model=shades:1&model=shades:2", "version=1&version=2", "client_reference=a&client_reference=b",
    "source=web&source=cli&label=black", "search=a", "search=ada", "search=nothing",
]  # fmt: skip


@pytest.fixture
def mixed(shades, write_dummy, user, other, reviewer):
    """Return predictions of two versions with random values, newest first."""
    rng = random.Random(1)
    first = make_prediction(user)
    second = register_model(path=write_dummy())
    rows, start = [], timezone.now() - timedelta(days=ROW_COUNT)
    for number in range(ROW_COUNT):
        failed = rng.random() < 0.2
        created_at = start + timedelta(days=number)
        rows.append(
            Prediction(
                id=get_first_id(created_at),
                input=first.input,
                model_version=second if number < ROW_COUNT // 3 else shades,
                user=rng.choice([user, other, None]),
                status="failed" if failed else "succeeded",
                error_code="model-failed" if failed else "",
                output=None if failed else {},
                label="" if failed else rng.choice(["black", "white"]),
                confidence=None if failed else rng.random(),
                source=rng.choice(["web", "api", "cli"]),
                client_reference=rng.choice(["", "", "a", "b"]),
                created_at=created_at,
                completed_at=created_at,
            )
        )
    Prediction.objects.bulk_create(rows)
    reviews = [
        Review(
            prediction=row,
            reviewer=person,
            verdict=(verdict := rng.choice(["correct", "incorrect", "unsure"])),
            true_label="" if verdict == "unsure" else rng.choice(["white", "grey"]),
            picked_by=rng.choice(["random", "manual"]),
            withdrawn_at=rng.choice([None, None, timezone.now()]),
        )
        for row in rows[: ROW_COUNT // 2]
        for person in (user, reviewer)
        if row.status == "succeeded" and rng.random() < 0.6
    ]
    Review.objects.bulk_create(reviews)
    return list(Prediction.objects.select_related("user", "model_version", "input").order_by("-id"))


def list_references(version):
    """Return the references of a version. Version 1 is in production."""
    return ["shades", f"shades:{version.number}", *(["shades@production"] if version.number == 1 else [])]


def select_rows(rows, query):
    """Return the rows that match, without the database's help."""
    reviews = {row.pk: [] for row in rows}
    for review in Review.objects.order_by("-id"):
        reviews[review.prediction_id].append(review)

    def matches(row, name, value):
        every = reviews[row.pk]
        active = [review for review in every if review.withdrawn_at is None]
        decided = [review for review in active if review.verdict != "unsure"]
        return {
            "model": lambda: value in list_references(row.model_version),
            "version": lambda: row.model_version.number == int(value),
            "user": lambda: row.user is not None and row.user.username == value,
            "max_confidence": lambda: row.confidence is not None and row.confidence <= float(value),
            "reviewed": lambda: bool(active) if value == "true" else row.status == "succeeded" and not active,
            "verdict": lambda: any(review.verdict == value for review in active),
            "true_label": lambda: bool(decided) and decided[0].true_label == value,
            "picked_by": lambda: bool(active) and any(review.picked_by == value for review in every),
        }.get(name, lambda: getattr(row, name) == value)()

    def finds(row, text):
        return text in (row.client_reference, row.user and row.user.username) or row.input.original_name.startswith(text)

    values = dict(QueryDict(query).lists())
    texts = values.pop("search", [])
    found = [row for row in rows if all(any(matches(row, name, value) for value in values[name]) for name in values)]
    return [row for row in found if not texts or finds(row, texts[0])]


def filter_rows(person, query):
    rows = Prediction.objects.visible_to(person)
    filterset = PredictionFilter(QueryDict(query), rows, request=SimpleNamespace(user=person))
    assert filterset.is_valid(), filterset.errors
    return list(filterset.qs.order_by("-id"))


def test_each_filter_returns_the_matching_rows(mixed, reviewer, user):
    for query in QUERIES:
        expected = select_rows(mixed, query)
        assert filter_rows(reviewer, query) == expected, query
        if "user=" not in query and query != "search=ada":
            assert filter_rows(user, query) == [row for row in expected if row.user == user], query
    assert any(select_rows(mixed, query) for query in QUERIES)


@pytest.mark.parametrize(("number", "days"), [(0, 0), (10, -30), (40, 30)])
def test_times_select_the_matching_rows_even_if_an_id_has_another_time(mixed, reviewer, number, days):
    mixed[number].created_at += timedelta(days=days, minutes=days / 30)
    change_predictions(Prediction.objects.filter(pk=mixed[number].pk), created_at=mixed[number].created_at)
    for start, end in ((5, 8), (8, 12), (25, 45), (0, 100), (70, 80), (10, 10)):
        after, before = (mixed[0].created_at - timedelta(days=days) for days in (end, start))
        query = QueryDict(mutable=True)
        query.update({"created_after": after.isoformat(), "created_before": before.isoformat()})
        expected = [row for row in mixed if after <= row.created_at < before]
        assert filter_rows(reviewer, query.urlencode()) == expected


def test_a_search_that_finds_too_many_file_names_is_an_error(shades, user, api, signed_in, monkeypatch):
    for name in ("scan-1.png", "scan-2.png", "other.png"):
        make_prediction(user, name=name)
    monkeypatch.setattr(search, "MAX_FOUND_INPUTS", 1)
    response = api.get("/api/v1/predictions/?search=scan&status=succeeded")
    assert response.status_code == 400 and "Enter more characters." in response.json()["detail"]
    page = signed_in.get("/predictions/?search=scan&status=succeeded").content.decode()
    assert "More than 10,000 file names start with “scan”. Enter more characters." in page
    assert len(api.get("/api/v1/predictions/?search=scan-1").json()["results"]) == 1
