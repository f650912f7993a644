"""The review queue: orders, claims, undo, and two people at once."""

import re
import threading
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from accounts.services import add_reviewer
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Prediction, Review, ReviewClaim
from predictions.review_strategies import ORDERS, get_review_queue, get_strategies
from predictions.services import predict, review_prediction
from predictions.services.review_queue import (
    CLAIMED_FOR,
    SKIPPED_FOR,
    AlreadyReviewed,
    ClaimedByAnother,
    claim_next,
    review_claimed,
    skip,
    undo,
)
from predictions.services.reviews import InvalidReview
from predictions.tests.factories import make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def other_reviewer(make_user):
    person = make_user("otto")
    add_reviewer(user=person)
    return person


@pytest.fixture
def asked(shades, user):
    """Nine answers with scores that differ."""
    return [make_prediction(user, make_image(shade)) for shade in (0, 30, 60, 90, 120, 150, 180, 210, 255)]


def take(reviewer, version, order="newest", label=""):
    return [one.pk for one in claim_next(reviewer=reviewer, version=version, order=order, label=label)]


def judge(pk, reviewer, verdict="correct", **opinion):
    prediction = Prediction.objects.with_related().get(pk=pk)
    return review_claimed(prediction=prediction, reviewer=reviewer, verdict=verdict, **opinion)


def take_back(reviewer, version, order="newest", label=""):
    return undo(reviewer=reviewer, version=version, order=order, label=label)


def run_out(claims=None):
    (claims or ReviewClaim.objects).update(until=timezone.now() - timedelta(seconds=1))


def test_each_order_walks_as_it_says(asked, shades):
    by_id = {one.pk: one for one in asked}
    walked = {order: [by_id[one.pk] for one in get_review_queue(shades, order=order, label="grey")] for order in ORDERS}
    assert [len(rows) for rows in walked.values()] == [9, 9, 9, len([1 for one in asked if one.label == "grey"]), 9]
    assert walked["newest"] == asked[::-1]
    confidences = [one.confidence for one in walked["uncertain"]]
    assert confidences == sorted(confidences)
    assert confidences != [one.confidence for one in asked]
    margins = [one.compute_margin() for one in walked["margin"]]
    assert margins == sorted(margins)
    assert {one.label for one in walked["label"]} == {"grey"}
    assert [one.pk.hex[-8:] for one in walked["random"]] == sorted(one.pk.hex[-8:] for one in asked)


@pytest.mark.parametrize("order", ORDERS)
def test_an_index_serves_each_order_so_that_nothing_is_sorted(asked, shades, order):
    plan = get_review_queue(shades, order=order, label="grey")[:1]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
    assert not re.search(r"TEMP B-TREE|Sort Key", plan.explain()), plan.explain()


def test_what_has_no_scores_knows_no_doubt(shades, flowers):
    assert get_strategies(shades) == list(ORDERS)
    assert get_strategies(flowers) == ["random", "newest"]


def test_what_failed_and_what_is_judged_does_not_wait(asked, shades, user, reviewer):
    review_prediction(prediction=asked[8], reviewer=user, verdict="unsure")
    Prediction.objects.filter(pk=asked[7].pk).update(status="failed", output=None, error_code="model-failed")
    assert take(reviewer, shades) == [asked[6].pk, asked[5].pk]


def test_the_first_and_the_next_are_given_and_stay_till_judged(asked, shades, reviewer):
    first = take(reviewer, shades)
    assert first == [asked[8].pk, asked[7].pk]
    assert take(reviewer, shades) == first
    judge(first[0], reviewer)
    assert take(reviewer, shades) == [asked[7].pk, asked[6].pk]


def test_two_reviewers_are_not_given_the_same(asked, shades, reviewer, other_reviewer):
    walked = [take(person, shades) for person in (reviewer, other_reviewer)]
    assert walked == [[asked[8].pk, asked[7].pk], [asked[6].pk, asked[5].pk]]


def test_what_was_abandoned_comes_back_to_others(asked, shades, reviewer, other_reviewer):
    take(reviewer, shades)
    run_out()
    assert take(other_reviewer, shades) == [asked[8].pk, asked[7].pk]
    assert take(reviewer, shades) == [asked[6].pk, asked[5].pk]


def test_looking_again_holds_the_claim(asked, shades, reviewer):
    take(reviewer, shades)
    ReviewClaim.objects.update(until=timezone.now() + timedelta(seconds=5))
    take(reviewer, shades)
    assert all(one.until > timezone.now() + CLAIMED_FOR / 2 for one in ReviewClaim.objects.all())


def test_the_order_is_kept_with_the_review_and_not_the_one_changed_to(asked, shades, reviewer):
    take(reviewer, shades, "newest")
    assert take(reviewer, shades, "random") == [one.pk for one in get_review_queue(shades, order="random")[:2]]
    assert set(ReviewClaim.objects.values_list("picked_by", flat=True)) == {"random"}
    judge(take(reviewer, shades, "random")[0], reviewer)
    assert Review.objects.get().picked_by == "random"


def test_a_verdict_said_twice_is_stored_once(asked, shades, reviewer):
    first, _ = take(reviewer, shades)
    assert judge(first, reviewer) == judge(first, reviewer)
    assert Review.objects.count() == 1


def test_another_verdict_on_the_same_is_told_and_not_stored(asked, shades, reviewer):
    first, _ = take(reviewer, shades)
    judge(first, reviewer)
    with pytest.raises(AlreadyReviewed, match="You said of it before: correct, it is white"):
        judge(first, reviewer, verdict="incorrect", true_label="grey")
    assert Review.objects.get().verdict == "correct"


def test_nobody_gets_a_prediction_into_the_fair_sample_by_saying_so(asked, shades, reviewer):
    judge(asked[0].pk, reviewer)
    assert Review.objects.get().picked_by == "manual"


def test_undo_stays_in_its_order_and_label(asked, shades, reviewer):
    for order, label in (("uncertain", ""), ("label", "grey")):
        pk = take(reviewer, shades, order, label)[0]
        judge(pk, reviewer)
    take(reviewer, shades, "newest")
    assert take_back(reviewer, shades) is None
    assert take_back(reviewer, shades, "label", "white") is None
    assert Review.objects.active().count() == 2
    assert take_back(reviewer, shades, "label", "grey").pk == pk
    assert take(reviewer, shades, "label", "grey")[0] == pk


def test_what_another_has_taken_over_is_refused_and_not_stored(asked, shades, reviewer, other_reviewer):
    first, _ = take(reviewer, shades)
    run_out()
    assert take(other_reviewer, shades)[0] == first
    with pytest.raises(ClaimedByAnother, match="somebody else now"):
        judge(first, reviewer)
    judge(first, other_reviewer)
    with pytest.raises(ClaimedByAnother, match="otto judged it meanwhile"):
        judge(first, reviewer)
    assert Review.objects.get().reviewer == other_reviewer


def test_what_ran_out_and_nobody_took_is_kept(asked, shades, reviewer):
    first, _ = take(reviewer, shades)
    run_out()
    judge(first, reviewer)
    assert Review.objects.get().prediction_id == first


def test_a_wrong_opinion_leaves_the_claim(asked, shades, reviewer):
    first, _ = take(reviewer, shades)
    with pytest.raises(InvalidReview):
        judge(first, reviewer, verdict="incorrect")
    assert take(reviewer, shades)[0] == first


def test_what_one_skips_goes_to_others_and_comes_back_later(asked, shades, reviewer, other_reviewer):
    first, second = take(reviewer, shades)
    skip(prediction=asked[8], reviewer=reviewer, order="newest")
    assert take(reviewer, shades) == [second, asked[6].pk]
    assert take(other_reviewer, shades)[0] == first
    skipped = ReviewClaim.objects.filter(skipped=True)
    assert skipped.get().until > timezone.now() + SKIPPED_FOR / 2
    run_out(skipped)
    ReviewClaim.objects.filter(skipped=False).delete()
    assert take(reviewer, shades)[0] == first


def test_undo_takes_back_verdicts_and_skips_the_last_one_first(asked, shades, reviewer):
    first, second = take(reviewer, shades)
    judge(first, reviewer)
    skip(prediction=asked[7], reviewer=reviewer, order="newest")
    third, fourth = take(reviewer, shades)
    assert take_back(reviewer, shades).pk == second
    assert take(reviewer, shades) == [second, third, fourth]
    assert take_back(reviewer, shades).pk == first
    assert take(reviewer, shades) == [first, second, third, fourth]
    assert not Review.objects.active().exists()
    assert Review.objects.count() == 1
    assert take_back(reviewer, shades) is None


def test_undo_leaves_others_and_yesterday_and_what_was_judged_elsewhere(asked, shades, reviewer, other_reviewer):
    judge(take(other_reviewer, shades)[0], other_reviewer)
    review_prediction(prediction=asked[1], reviewer=reviewer, verdict="unsure")
    yesterday = take(reviewer, shades)[0]
    judge(yesterday, reviewer)
    Review.objects.filter(prediction=yesterday).update(created_at=timezone.now() - timedelta(hours=2))
    assert take_back(reviewer, shades) is None
    assert Review.objects.active().count() == 3


def test_by_label_gives_that_label_only(asked, shades, reviewer):
    found = Prediction.objects.in_bulk(take(reviewer, shades, "label", "black"))
    assert {one.label for one in found.values()} == {"black"}
    assert take(reviewer, shades, "label", "white")
    assert {one.prediction.label for one in ReviewClaim.objects.all()} == {"white"}


def test_another_version_has_a_queue_of_its_own(asked, shades, reviewer, user, write_dummy):
    second = register_model(path=write_dummy(), promote=True)
    newer = make_prediction(user, make_noise_image(1))
    assert take(reviewer, second) == [newer.pk]
    assert len(take(reviewer, shades)) == 2


def test_rows_of_values_are_walked_too(flowers, user, reviewer):
    row = predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")
    assert take(reviewer, flowers, "random") == [row.pk]
    judge(row.pk, reviewer, verdict="", true_value=9.5)
    assert Review.objects.get().verdict == "incorrect"


@pytest.mark.django_db(transaction=True)
def test_many_at_once_never_hold_the_same(shades, user, make_user, request):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets one writer in at a time")
    pks = {make_prediction(user, make_noise_image(number)).pk for number in range(12)}
    people = [make_user(f"r{number}") for number in range(6)]
    given = {person.pk: [] for person in people}
    barrier = threading.Barrier(len(people))

    def walk(person):
        try:
            barrier.wait()
            while rows := claim_next(reviewer=person, version=shades, order="random"):
                given[person.pk].append(rows[0].pk)
                judge(rows[0].pk, person)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=walk, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    judged = [pk for rows in given.values() for pk in rows]
    assert sorted(judged) == sorted(pks)
    assert Review.objects.count() == Review.objects.active().count() == len(pks)
