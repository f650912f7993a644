"""Made-up predictions obey all rules of real ones, and quality can be measured on them."""

import hashlib
from io import BytesIO, StringIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from PIL import Image

from accounts.models import User
from demo.services.seed import seed_predictions
from demo.services.seed.outputs import draw_answers
from demo.services.seed.timestamps import draw_moments, moment_of, this_moment
from inference.errors import InvalidInput
from inference.preprocessing import read_features, to_canonical_json
from predictions.models import Input, Prediction, Review
from predictions.presentation import format_true_output
from predictions.services.review_validation import ReviewInput, validate_review
from predictions.services.stored_files import read_stored_file
from predictions.services.sweep import sweep_media
from predictions.tests.factories import list_stored_files
from registry.models import ModelVersion
from registry.services import register_model
from registry.serving import get_spec
from registry.tests.factories import FEATURES_TOML

pytestmark = pytest.mark.django_db

COUNT, FILES, DAYS, REVIEWED = 400, 7, 3, 0.4
TRUTHS = [Review.Verdict.CORRECT, Review.Verdict.INCORRECT]


@pytest.fixture
def species(db, write_rows):
    """Return a registered model version that takes rows and answers with one of three labels."""
    folder = write_rows(name="species")
    (folder / "species.dummy.json").write_text('{"classes": 3}')
    head = 'name = "species"\nartifact = "species.dummy.json"\nlabels = ["a", "b", "blüte"]\n[input]\nkind = "tabular"\n'
    (folder / "model.toml").write_text(head + FEATURES_TOML)
    return register_model(path=folder)


@pytest.fixture(params=["shades", "flowers", "species"])
def version(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["shades", "species"])
def classifier(request):
    return request.getfixturevalue(request.param)


def seed(version, **options):
    chosen = {"count": COUNT, "files": FILES, "days": DAYS, "reviewed": REVIEWED} | options
    seed_predictions(version=version, **chosen)
    rows = list(Prediction.objects.with_related().order_by("id"))
    assert len(rows) == Input.objects.count() == chosen["count"]
    return rows


def answered(rows):
    found = [row for row in rows if row.status == "succeeded"]
    assert 0.9 * len(rows) < len(found) < len(rows)
    return found


def test_the_rows_are_like_real_ones_and_known_as_made_up(version):
    reports = []
    for row in seed(version, report=reports.append):
        row.clean_fields(exclude=["user", "input", "model_version"])
        row.input.clean_fields(exclude=["user"])
        assert (row.model_version, row.client_reference, row.user_id) == (version, "seed", row.input.user_id)
        assert (row.status == "failed") == bool(row.error_code) == (row.output is None)
        assert all(value > 0 for value in (row.queue_ms, row.preprocess_ms, row.inference_ms))
    assert reports == [COUNT]
    rows = Prediction.objects.all()
    assert set(rows.values_list("source", flat=True)) == {"web", "api", "batch"}
    assert set(rows.values_list("user__username", flat=True)) == {f"(seed-{number})" for number in range(1, 6)}


def test_nobody_can_sign_in_as_the_made_up_people(version):
    seed(version)
    people = list(User.objects.filter(username__startswith="(seed-"))
    assert len(people) == 5 + 2
    assert not any(one.is_active or one.has_usable_password() or one.is_staff for one in people)


def test_ids_and_times_agree(version):
    rows = seed(version)
    now = timezone.now()
    for model in (Input, Prediction, Review):
        assert all(row.id.int >> 80 == moment_of(row.created_at) for row in model.objects.all())
    for found in (rows, [row.input for row in rows]):
        assert all(earlier.created_at < later.created_at for earlier, later in pairwise(found))
        assert all(earlier.id < later.id for earlier, later in pairwise(found))
    assert all(row.input.created_at < row.created_at <= row.started_at < row.completed_at < now for row in rows)
    assert DAYS - 1 < (rows[-1].created_at - rows[0].created_at).total_seconds() / 86400 < DAYS
    reviews = Review.objects.select_related("prediction")
    assert len(reviews) > 100
    assert all(row.prediction.completed_at < row.created_at < now for row in reviews)


def test_more_is_asked_by_day_and_never_two_in_one_millisecond():
    moments = draw_moments(count=200_000, days=1, rng=np.random.default_rng(0))
    assert (np.diff(moments) > 0).all()
    assert this_moment() - 25 * 3_600_000 < moments[0] < moments[-1] < this_moment()
    hours = np.bincount(moments // 3_600_000 % 24, minlength=24)
    assert hours[12:16].sum() > 5 * hours[0:4].sum() > 0


def test_scores_add_up_and_the_columns_follow_from_them(classifier):
    for row in answered(seed(classifier)):
        assert list(row.output) == ["scores"]
        assert set(row.output["scores"]) == set(classifier.labels)
        assert sum(row.output["scores"].values()) == pytest.approx(1, abs=1e-6)
        assert (row.label, row.confidence) == row.ranked_scores[0]
        assert row.margin == row.compute_margin()
        assert row.value is None


def test_values_are_kept_as_a_regression_keeps_them(flowers):
    rows = answered(seed(flowers))
    assert all(row.output == {"value": row.value} for row in rows)
    assert {(row.label, row.confidence, row.margin) for row in rows} == {("", None, None)}
    assert len({row.value for row in rows}) == len(rows)


def test_the_model_is_too_sure_of_itself_and_gets_worse(classifier):
    made = draw_answers(classifier, np.linspace(0, 1, 30_000), np.random.default_rng(0))
    right = np.array([one.columns["label"] == one.truth for one in made])
    sure = np.array([one.columns["confidence"] for one in made])
    early, late = right[:10_000].mean(), right[-10_000:].mean()
    assert 0.85 < right.mean() < sure.mean() - 0.01
    assert early > late + 0.02
    assert right[sure > 0.99].mean() > right[sure < 0.9].mean() + 0.1


def test_labels_without_scores_are_made_up_too(shades):
    kept = {name: getattr(shades, name) for name in ("model", "runtime", "artifact", "sha256", "size", "labels")}
    signature = shades.signature | {"output": {"kind": "label"}}
    rows = answered(seed(ModelVersion.objects.create(number=2, signature=signature, **kept)))
    assert all(row.output == {"label": row.label} for row in rows)
    assert {row.label for row in rows} == set(shades.labels)
    assert {(row.confidence, row.margin, row.value) for row in rows} == {(None, None, None)}
    assert set(Review.objects.values_list("picked_by", flat=True)) == {"random", "manual"}


def test_values_get_further_from_the_truth(flowers):
    made = draw_answers(flowers, np.linspace(0, 1, 30_000), np.random.default_rng(0))
    off = np.array([abs(one.columns["value"] - one.truth) for one in made])
    assert 0 < 1.5 * off[:10_000].mean() < off[-10_000:].mean()


def test_a_few_pictures_are_stored_and_shared(shades, settings):
    rows = seed(shades)
    files = list_stored_files(settings)
    assert len(files) == FILES == len({row.input.sha256 for row in rows})
    assert {row.input.image.name for row in rows} == {str(path.relative_to(settings.MEDIA_ROOT)) for path in files}
    for row in {row.input.image.name: row.input for row in rows}.values():
        data = read_stored_file(row)
        image = Image.open(BytesIO(data))
        assert (image.size, image.mode, len(data)) == ((row.width, row.height), "L", row.size)
        assert (row.width, row.height, row.content_type) == (8, 8, "image/png")
    assert sweep_media(older_than=0) == []


def test_rows_are_what_the_signature_takes(flowers):
    rows = [row.input for row in seed(flowers)]
    table = get_spec(flowers).signature.input
    for row in rows:
        assert read_features(row.features, table) == row.features
        data = to_canonical_json(row.features)
        assert (row.sha256, row.size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert len({row.sha256 for row in rows}) > 0.99 * COUNT
    assert {row.features["colour"] for row in rows} == {"white", "red", "blue"}
    lengths = [row.features["length"] for row in rows]
    assert np.mean(lengths[-100:]) > np.mean(lengths[:100]) + 0.3
    petals = [row.features["petals"] for row in rows]
    assert abs(np.mean(petals[-100:]) - np.mean(petals[:100])) < 0.5


def test_reviews_are_what_the_service_would_have_kept(version):
    rows = answered(seed(version))
    reviews = list(Review.objects.select_related("prediction__model_version"))
    assert len({review.prediction_id for review in reviews}) == round(REVIEWED * len(rows)) < len(reviews)
    for review in reviews:
        review.clean_fields(exclude=["prediction", "reviewer"])
        opinion = ReviewInput(review.verdict, review.true_label, review.true_value)
        assert validate_review(review.prediction, opinion) == opinion
    assert {review.verdict for review in reviews} == {"correct", "incorrect", "unsure"}
    assert {review.reviewer.username for review in reviews} == {"(seed-reviewer-1)", "(seed-reviewer-2)"}
    assert all(format_true_output(review) for review in reviews if review.verdict in TRUTHS)


def test_reviewers_sometimes_disagree(shades):
    seed(shades, count=3000)
    assert 0 < Prediction.objects.with_conflicting_reviews().count() < 60


def test_some_are_picked_at_random_and_some_because_the_model_was_not_sure(shades):
    rows = answered(seed(shades, count=2000, reviewed=0.1))
    picked = {review.prediction_id: review.picked_by for review in Review.objects.all()}
    sure = {way: [row.confidence for row in rows if picked.get(row.id) == way] for way in set(picked.values())}
    wanted = round(0.1 * len(rows))
    assert [len(sure[way]) for way in ("random", "uncertain")] == [round(0.6 * wanted), round(0.3 * wanted)]
    assert sure.keys() == {"random", "uncertain", "manual"}
    assert max(sure["uncertain"]) < np.median([row.confidence for row in rows])
    assert np.mean(sure["random"]) == pytest.approx(np.mean([row.confidence for row in rows]), abs=0.05)


def test_the_same_seed_makes_the_same_rows(version):
    def everything(number):
        rows = seed(version, seed=number)
        features = [(row.input.features, row.input.sha256) for row in rows]
        answers = [(row.output, row.error_code, row.source, row.user_id, row.inference_ms) for row in rows]
        # By what was judged: two made within one millisecond may swap their places.
        place = {row.id: number for number, row in enumerate(rows)}
        reviews = {
            (place[one.prediction_id], one.reviewer_id, one.verdict, format_true_output(one)) for one in Review.objects.all()
        }
        for model in (Review, Prediction, Input):
            model.objects.all().delete()
        return features, answers, reviews

    first, second, third = everything(1), everything(1), everything(2)
    assert first == second
    assert all(ours != theirs for ours, theirs in zip(first, third, strict=True))


def run(*arguments):
    out = StringIO()
    call_command("seed_predictions", *map(str, arguments), "--files", "3", stdout=out)
    return out.getvalue()


def test_the_command_tells_what_it_does_and_asks_before_it_mixes(shades):
    out = run("shades", "--count", 50)
    assert "Making up 50 predictions of shades:1. None of them was ever asked for." in out
    assert "\n50 made up, " in out
    with pytest.raises(CommandError, match="--yes"):
        run("shades", "--count", 50)
    assert Prediction.objects.count() == 50
    run("shades", "--count", 50, "--yes")
    assert Prediction.objects.count() == 100


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nope"], "There is no model 'nope'"),
        (["shades", "--count", 0], "Expected --count of at least 1. Received: 0"),
        (["shades", "--reviewed", 1.5], "Expected --reviewed from 0 to 1. Received: 1.5"),
        (["shades", "--days", -1], "Expected --days of at least 1. Received: -1"),
    ],
)
def test_a_refusal_is_one_sentence(shades, arguments, says):
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert says in str(caught.value)
    assert not Input.objects.exists()


def test_answers_without_a_meaning_are_not_made_up(write_rows):
    folder = write_rows(name="stuff")
    manifest = Path(folder, "model.toml")
    manifest.write_text(manifest.read_text().replace('kind = "value"\nunit = "cm²"', 'kind = "raw"'))
    with pytest.raises(InvalidInput, match="stuff:1, which answers raw"):
        seed(register_model(path=folder))
    assert not User.objects.exists()
