"""Custom periods, promotions and deployments, and the links from alarms to predictions."""

import html
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from monitoring.models import Deployment
from monitoring.services.deployments import read_commit, record_deployment
from monitoring.tests.factories import make_outcomes
from monitoring.tests.pages import PAGE, read_chart_data, read_drift, read_notable_changes, read_page
from monitoring.windows import DAY, HOUR, get_custom_window
from registry.models import AliasChange
from registry.services import promote_model, register_model

pytestmark = [pytest.mark.django_db, pytest.mark.once]
NOW = datetime(2026, 3, 5, 14, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "last", "step", "count", "end"),
    [
        (date(2026, 3, 1), date(2026, 3, 3), DAY, 3, datetime(2026, 3, 4, tzinfo=UTC)),
        (date(2026, 3, 1), date(2026, 3, 2), HOUR, 48, datetime(2026, 3, 3, tzinfo=UTC)),
        (date(2026, 3, 5), date(2026, 3, 5), HOUR, 15, NOW),
        (date(2026, 2, 1), date(2026, 3, 5), DAY, 33, NOW),
    ],
)
def test_a_custom_window_has_whole_days(first, last, step, count, end):
    window = get_custom_window(first, last, now=NOW)
    assert (window.start.date(), window.end, window.step, window.count) == (first, end, step, count)
    assert window.buckets[-1] < window.end <= window.buckets[-1] + step
    assert window.previous.start == window.start - step * count


def test_a_custom_period_selects_its_days(reviewer_client, shades, user):
    now = timezone.now()
    make_outcomes(shades, user, now - 40 * DAY, succeeded=40, failed=10)
    day = f"{now - 40 * DAY:%Y-%m-%d}"
    page = read_page(reviewer_client, window="custom", start=day, end=day, model="shades")
    assert sum(map(sum, read_chart_data(page)["charts"][0]["values"])) == 50
    assert f'<input type="date" name="start" value="{day}"' in page
    (url,) = {html.unescape(url) for url in re.findall(r'href="(/predictions/\?status=failed[^"]*)"', page)}
    listed = reviewer_client.get(url.replace("/predictions/", "/api/v1/predictions/", 1)).json()["results"]
    assert len(listed) == 10
    make_outcomes(shades, user, now - 38 * DAY, failed=5)  # after the period
    assert len(reviewer_client.get(url.replace("/predictions/", "/api/v1/predictions/", 1)).json()["results"]) == 10


def test_invalid_custom_periods_are_reported(reviewer_client):
    tomorrow = f"{timezone.now() + DAY:%Y-%m-%d}"
    for parameters, text in (
        ({"start": "2026-03-05", "end": "2026-03-01"}, "Select a first day that is not after the last day"),
        ({"start": tomorrow}, "Select a first day that is not after the last day, and not in the future."),
        ({"start": "2020-01-01", "end": "2022-01-01"}, "Select at most 366 days."),
    ):
        assert text in read_page(reviewer_client, window="custom", **parameters)
    page = read_page(reviewer_client, window="custom")  # a custom period that has just been selected: the last 7 days
    assert re.search(r'name="start" value="\d{4}-\d\d-\d\d"', page)


def test_promotions_and_deployments_are_marked(reviewer_client, shades, user, superuser, write_dummy, settings):
    make_outcomes(shades, user, timezone.now() - HOUR, succeeded=5)
    second = register_model(path=write_dummy())
    AliasChange.objects.all().delete()
    promote_model(name="shades", number=second.number, user=superuser)
    settings.COMMIT = "0123456789abcdef"
    assert record_deployment() == record_deployment()
    Deployment.objects.create(version="0.0.1", started_at=timezone.now() - timedelta(days=20))
    page = read_page(reviewer_client)
    markers = [(marker["kind"], marker["label"]) for marker in read_chart_data(page)["markers"]]
    assert markers == [("promotion", "shades:2"), ("deployment", f"mlsite {settings.VERSION}")]
    assert all(f">{label}</strong>" in page for _, label in markers)
    text = " ".join(page.split())
    assert f"{superuser} pointed shades@production to version 2, previously version 1." in text
    assert f"mlsite {settings.VERSION} (commit 01234567) was started for the first time." in text
    assert "0.0.1" not in text
    assert read_chart_data(read_page(reviewer_client, window="30d"))["markers"][0]["kind"] == "deployment"


@pytest.mark.once
def test_the_commit_is_read_without_git(tmp_path):
    assert read_commit(tmp_path) == ""
    (tmp_path / "HEAD").write_text("ref: refs/heads/main\n")
    assert read_commit(tmp_path) == ""
    (tmp_path / "packed-refs").write_text("# pack-refs\nabc refs/heads/main\n")
    assert read_commit(tmp_path) == "abc"
    (tmp_path / "refs/heads").mkdir(parents=True)
    (tmp_path / "refs/heads/main").write_text("def\n")
    assert read_commit(tmp_path) == "def"


def test_each_alarm_links_to_its_predictions(reviewer_client, shades, user):
    now = timezone.now()
    make_outcomes(shades, user, now - HOUR, succeeded=40, failed=40)
    make_outcomes(shades, user, now - 8 * DAY, succeeded=40)
    changes = read_notable_changes(read_page(reviewer_client, model="shades"))
    alarms = re.findall(r"<li>.*?</li>", changes)
    assert len(alarms) >= 2
    assert all('href="/predictions/?' in alarm for alarm in alarms)
    failed = next(alarm for alarm in alarms if "Failed" in alarm)
    assert "The most frequent error code is model-failed (40 of 40)." in failed
    assert "status=failed&amp;model=shades&amp;created_after=" in failed


def test_links_keep_the_period(reviewer_client, shades, flowers, user):
    make_outcomes(shades, user, timezone.now() - HOUR, succeeded=5)
    make_outcomes(flowers, user, timezone.now() - HOUR, succeeded=5)
    today = f"{timezone.now():%Y-%m-%d}"
    page = html.unescape(read_page(reviewer_client, window="custom", start="2026-01-01", end=today).replace("\n", ""))
    assert f'href="?window=custom&start=2026-01-01&end={today}&model=flowers&version=1"' in page
    assert reverse("monitoring:operations") == PAGE


@pytest.mark.parametrize(("days", "weeks"), [(1, 4), (28, 4), (29, 8), (366, 56)])
def test_the_choice_of_an_earlier_window_names_its_distance(shades, reviewer_client, user, days, weeks):
    make_outcomes(shades, user, timezone.now(), succeeded=1)
    today = timezone.now()
    parameters = {"window": "custom", "start": f"{today - (days - 1) * DAY:%Y-%m-%d}", "end": f"{today:%Y-%m-%d}"}
    html = read_page(reviewer_client, **parameters, against="earlier")
    page = " ".join(html.split())
    assert f'<option value="earlier" selected>the same period {weeks} weeks earlier</option>' in page
    assert f"predictions in the same period {weeks} weeks earlier." in " ".join(read_drift(reviewer_client, html).split())
