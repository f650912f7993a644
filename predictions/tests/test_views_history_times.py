"""Times and ranges of the History page, in the reader's time zone."""

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from predictions.history.date_ranges import resolve_range
from predictions.models import Prediction
from predictions.tests.factories import change_predictions, make_prediction

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true"}
URL = "/predictions/"


def test_chips_of_ranges_select_days_of_the_reader(shades, signed_in, user):
    user.time_zone = "Pacific/Auckland"
    user.save()
    today = timezone.localdate(timezone=ZoneInfo("Pacific/Auckland"))
    midnight = datetime.combine(today, time.min, ZoneInfo("Pacific/Auckland"))
    month = midnight.replace(day=1)
    moments = {"a": midnight, "b": midnight - timedelta(seconds=1), "c": midnight - timedelta(days=7, hours=2)}
    moments |= {"d": month - timedelta(seconds=1), "e": (month - timedelta(days=40)).replace(day=1)}
    for name, moment in moments.items():
        row = make_prediction(user, name=f"{name}.png")
        change_predictions(Prediction.objects.filter(pk=row.pk), created_at=moment)
    start_of_last_month = (month - timedelta(days=1)).replace(day=1)
    expected = {
        "Today": [name for name, moment in moments.items() if moment >= midnight],
        "Yesterday": [name for name, moment in moments.items() if midnight - timedelta(hours=24.5) <= moment < midnight],
        "7 days": [name for name, moment in moments.items() if moment >= midnight - timedelta(days=6, hours=0.5)],
        "Last month": [name for name, moment in moments.items() if start_of_last_month <= moment < month],
    }
    chips = {str(chip.name): chip.url for chip in signed_in.get(URL).context["chips"]}
    for title, names in expected.items():
        found = re.findall(r">([a-e])\.png<", signed_in.get(chips[title]).content.decode())
        assert sorted(found) == names, title


def test_typed_times_are_in_the_time_zone_of_the_reader(shades, signed_in, user):
    query = {"created_after": "2026-01-31T12:00"}
    signed_in.cookies["time_zone"] = "America/New_York"
    page = signed_in.get(URL, query)
    (chip,) = [chip for chip in page.context["chips"] if chip.time]
    assert chip.time == datetime(2026, 1, 31, 17, tzinfo=UTC)
    assert page.context["times"] == {"created_after": "2026-01-31T12:00"}
    user.time_zone = "Asia/Tokyo"
    user.save()
    page = signed_in.get(URL, query)
    assert page.context["filter"].form.cleaned_data["created_after"] == datetime(2026, 1, 31, 3, tzinfo=UTC)
    page = signed_in.get(URL, {"created_after": "2026-01-31T12:00:00Z"})
    assert page.context["times"] == {"created_after": "2026-01-31T21:00"}
    page = signed_in.get(URL, {"created_after": "2026-01-31T12:00:07Z", "created_before": "2026-01-31T12:00:07.5Z"})
    assert page.context["times"] == {"created_after": "2026-01-31T21:00:07", "created_before": "2026-01-31T21:00:07.500"}
    make_prediction(user)
    url = "/api/v1/predictions/"  # in UTC
    now = timezone.now().replace(tzinfo=None)
    assert len(signed_in.get(url, {"created_after": (now - timedelta(hours=1)).isoformat()}).json()["results"]) == 1
    assert signed_in.get(url, {"created_after": (now + timedelta(hours=1)).isoformat()}).json()["results"] == []


def test_a_named_range_stays_when_the_form_is_submitted(shades, signed_in):
    page = signed_in.get(URL, {"range": "last-month"})
    assert page.context["times"] == {}
    assert '<input type="hidden" name="range" value="last-month">' in page.content.decode()
    page = signed_in.get(URL, {"range": "today", "created_after": "2026-01-31T12:00"}, headers=HTMX)
    assert page["HX-Push-Url"] == "/predictions/?created_after=2026-01-31T12%3A00"


def test_ranges_are_days_of_the_current_time_zone():
    with timezone.override("America/New_York"):
        start, end = resolve_range("last-month")
        today, _ = resolve_range("today")
    assert (start.day, end.day, start.hour, end.month - start.month) in [(1, 1, 0, 1), (1, 1, 0, -11)]
    assert today.utcoffset() == timezone.localtime(today, today.tzinfo).utcoffset() != timedelta(0)
