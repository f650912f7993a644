"""Retention policies remove images and rows, and leave all statistics as they are."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from evaluation.report import evaluate_version
from evaluation.services.replays import create_replay, run_replay
from inference.tests.factories import make_image
from mlsite.tests.retention import SCHEDULE, count_all, verify
from monitoring.models import Rollup
from monitoring.services.rollup import delete_rollups, roll_up
from predictions.models import (
    Input,
    Prediction,
    PredictionCount,
    RemovedFile,
    RetentionPolicy,
    RetentionRun,
    Review,
    ReviewSummary,
)
from predictions.services import retention, retention_chunks, review_prediction, withdraw_review
from predictions.services.retention import Removed, apply_policies, apply_policy, preview_policy, set_retention
from predictions.services.summaries import update_summaries
from predictions.tests.factories import list_stored_files, make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def aged(shades, user, reviewer, client, later):
    """Return five predictions with thumbnails, 31 days before `later`, all of them counted. The first two are reviewed."""
    rows = [make_prediction(user, make_image(shade), name=f"{shade}.png") for shade in (0, 127, 255, 250, 3)]
    review_prediction(prediction=rows[0], reviewer=reviewer, verdict="correct", picked_by="random")
    review_prediction(prediction=rows[1], reviewer=reviewer, true_label="white", comment="hm")
    review_prediction(prediction=rows[1], reviewer=user, true_label="grey")
    client.force_login(user)
    for row in rows:
        client.get(reverse("predictions:thumbnail", args=[row.input_id]))
    count_all(later)
    return rows


def measure(version, reader):
    counts = list(Rollup.objects.order_by("period__start", "period__hours").values_list("counts", "users", "confidence_sum"))
    totals = sorted(PredictionCount.objects.values_list("day", "count"))
    return evaluate_version(version, reader=reader), counts, totals


def test_images_are_removed_and_predictions_stay(shades, aged, user, superuser, client, later, settings):
    policy = set_retention(model=shades.model, image_days=30, row_days=None)
    before = measure(shades, superuser)
    assert preview_policy(policy=policy, now=later) == Removed(images=3)
    assert apply_policy(policy=policy, trigger=SCHEDULE, now=later) == Removed(images=3)
    assert len(list_stored_files(settings)) == 4  # two images with thumbnails
    assert measure(shades, superuser) == before
    row = Prediction.objects.select_related("input").get(pk=aged[2].pk)
    assert (row.label, row.input.original_name, row.input.is_erased) == ("white", "255.png", False)
    assert "The image was removed" in client.get(row.get_absolute_url()).content.decode()
    problem = client.get(reverse("api:input-image", args=[row.input_id]))
    assert (problem.status_code, problem.json()["code"]) == (410, "data-removed")
    assert client.get(reverse("predictions:thumbnail", args=[row.input_id])).status_code == 410
    verify()
    assert apply_policy(policy=policy, trigger=SCHEDULE, now=later) == Removed()
    run = RetentionRun.objects.get()
    assert (run.trigger, run.removed_images, run.image_days, bool(run.completed_at)) == ("schedule", 3, 30, True)
    client.force_login(superuser)
    assert client.get(reverse("admin:predictions_retentionrun_changelist")).status_code == 200
    remaining = Input.objects.get(pk=aged[0].input_id)
    remaining.image.storage.delete(remaining.image.name)
    with pytest.raises(CommandError):
        verify()


def test_an_image_is_removed_when_nothing_keeps_it_any_longer(shades, aged, reviewer, later):
    policy = set_retention(model=shades.model, image_days=30, row_days=None)
    assert apply_policy(policy=policy, trigger=SCHEDULE, now=later) == Removed(images=3)
    withdraw_review(prediction=aged[0], reviewer=reviewer)
    for days, images in ((29, 0), (30, 1), (31, 0), (60, 0)):
        now = later + timedelta(days=days)
        assert preview_policy(policy=RetentionPolicy.objects.get(), now=now) == Removed(images=images)
        assert apply_policy(policy=RetentionPolicy.objects.get(), trigger=SCHEDULE, now=now) == Removed(images=images)


@pytest.mark.parametrize("keep_reviewed", [True, False])
def test_rows_are_removed_and_metrics_stay(shades, aged, superuser, later, settings, keep_reviewed):
    policy = set_retention(model=shades.model, image_days=None, row_days=30, keep_reviewed=keep_reviewed)
    before = measure(shades, superuser)
    count = 3 if keep_reviewed else 5
    assert preview_policy(policy=policy, now=later) == Removed(predictions=count)
    assert apply_policy(policy=policy, trigger=SCHEDULE, now=later) == Removed(predictions=count)
    assert (Prediction.objects.count(), Input.objects.count()) == (5 - count, 5 - count)
    assert (Review.objects.count(), ReviewSummary.objects.count()) == (3 if keep_reviewed else 0, 2)
    assert len(list_stored_files(settings)) == 2 * (5 - count)
    verify()
    assert measure(shades, superuser) == before
    delete_rollups(since=timezone.now() - timedelta(days=2))
    count_all(later)
    assert measure(shades, superuser) == before
    new = make_prediction(superuser)
    review_prediction(prediction=new, reviewer=superuser, verdict="correct")
    assert evaluate_version(shades, reader=superuser).reviewed == before[0].reviewed


def test_uncounted_and_replayed_predictions_stay(shades, user, reviewer, write_dummy, later):
    row = make_prediction(user)
    review_prediction(prediction=row, reviewer=reviewer, verdict="correct")
    policy = set_retention(model=shades.model, image_days=None, row_days=30, keep_reviewed=False)
    assert apply_policy(policy=policy, trigger=SCHEDULE, now=later) == Removed()  # no day is counted
    update_summaries(now=later)
    assert apply_policy(policy=policy, trigger=SCHEDULE, now=later) == Removed()  # no hour has a rollup
    roll_up(now=later)
    second = register_model(path=write_dummy(name="shades"))
    run_replay(str(create_replay(user=reviewer, version=second, baseline=shades).pk))
    assert apply_policy(policy=policy, trigger=SCHEDULE, now=later) == Removed()
    assert Prediction.objects.filter(pk=row.pk).exists()


def test_newer_data_and_other_models_stay(shades, flowers, aged, user, later):
    policy = set_retention(model=shades.model, image_days=32, row_days=40)
    assert apply_policy(policy=policy, trigger=SCHEDULE, now=later) == Removed()
    set_retention(model=flowers.model, image_days=1, row_days=1)
    apply_policies()
    assert Prediction.objects.count() == 5 and not RetentionRun.objects.exists()


def test_an_interrupted_run_continues(shades, aged, later, settings, monkeypatch):
    monkeypatch.setattr(retention_chunks, "ROWS_PER_TRANSACTION", 2)
    policy = set_retention(model=shades.model, image_days=None, row_days=30, keep_reviewed=False)
    with monkeypatch.context() as patch:
        patch.setattr(retention, "delete_removed_files", interrupt)
        with pytest.raises(KeyboardInterrupt):
            apply_policy(policy=policy, trigger=SCHEDULE, now=later)
    assert (Prediction.objects.count(), RemovedFile.objects.count()) == (0, 10)
    assert len(list_stored_files(settings)) == 10
    assert RetentionRun.objects.get().removed_predictions == 5
    apply_policies()
    assert not list_stored_files(settings) and not RemovedFile.objects.exists()


def interrupt():
    raise KeyboardInterrupt


def test_commands_set_and_apply_policies(shades, aged, later):
    out = io.StringIO()
    with pytest.raises(CommandError, match="no retention policy"):
        call_command("apply_retention")
    call_command("set_retention", "shades", "--image-days", "30", stdout=out)
    call_command("set_retention", "shades", "--row-days", "90", "--no-keep-reviewed", stdout=out)
    assert "images are removed after 30 days, predictions after 90 days" in out.getvalue()
    assert RetentionPolicy.objects.get().keep_reviewed is False
    call_command("set_retention", "shades", "--row-days", "never", stdout=out)
    assert RetentionPolicy.objects.values_list("image_days", "row_days").get() == (30, None)
    call_command("apply_retention", "--model", "shades", "--dry-run", stdout=out)
    call_command("apply_retention", stdout=out)
    assert "shades: 0 predictions, 0 images, 0 files of batch jobs removed" in out.getvalue()
    for arguments in (("none",), ("shades", "--image-days", "0"), ("shades", "--image-days", "soon")):
        with pytest.raises(CommandError):
            call_command("set_retention", *arguments)


def test_the_admin_sets_policies(shades, superuser, client):
    client.force_login(superuser)
    fields = {"model": shades.model.pk, "image_days": 7, "row_days": "", "keep_reviewed": "on"}
    assert client.post(reverse("admin:predictions_retentionpolicy_add"), fields).status_code == 302
    policy = RetentionPolicy.objects.get()
    assert (policy.model, policy.image_days, policy.row_days) == (shades.model, 7, None)
    url = reverse("admin:predictions_retentionpolicy_change", args=[policy.pk])
    assert client.post(url, {**fields, "image_days": 0}).status_code == 200
    assert client.post(url, {**fields, "row_days": 9}).status_code == 302
    assert RetentionPolicy.objects.get().row_days == 9
    assert client.get(reverse("admin:predictions_retentionpolicy_changelist")).status_code == 200


def test_unreviewed_images_that_were_removed_are_not_in_the_queue(shades, user, later):
    row = make_prediction(user)
    policy = set_retention(model=shades.model, image_days=30, row_days=None)
    assert Prediction.objects.awaiting_review().count() == 1
    apply_policy(policy=policy, trigger=SCHEDULE, now=later)
    assert Prediction.objects.awaiting_review().count() == 0
    review_prediction(prediction=Prediction.objects.get(pk=row.pk), reviewer=user, verdict="correct")


def test_a_run_ends_if_somebody_changes_the_policy(aged, shades, later):
    outdated = set_retention(model=shades.model, image_days=None, row_days=30)
    set_retention(model=shades.model, image_days=None, row_days=300)
    assert apply_policy(policy=outdated, trigger=SCHEDULE, now=later) == Removed()
    assert Prediction.objects.count() == len(aged)
