"""The predictions of batch jobs, page by page."""

from types import SimpleNamespace

import pytest
from django.db import connection
from django.http import QueryDict

from predictions.filters import PredictionFilter
from predictions.models import Prediction
from predictions.sorting import get_sorted_page, sort_rows, start_after
from predictions.tests.batch_jobs import make_job, make_rows, run_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def jobs(flowers, user):
    return run_job(make_job(user, make_rows(6))), run_job(make_job(user, make_rows(3)))


def filter_jobs(*jobs):
    query = "&".join(f"batch_job={job.pk}" for job in jobs)
    request = SimpleNamespace(user=jobs[0].user)
    rows = Prediction.objects.visible_to(request.user)
    return PredictionFilter(QueryDict(query), rows, request=request).qs.with_related().with_reviews()


def list_pages(rows, sort):
    ids, older = [], ""
    while True:
        page = get_sorted_page(rows, sort=sort, older_than=older, size=2)
        ids += [row.pk for row in page.rows]
        if page.older_than is None:
            return ids
        older = str(page.older_than)


@pytest.mark.parametrize("count", [1, 2])
def test_pages_are_in_the_order_of_time(jobs, count):
    rows = filter_jobs(*jobs[:count])
    expected = sorted(pk for job in jobs[:count] for pk in job.items.values_list("prediction", flat=True))
    assert len(expected) == (6 if count == 1 else 9)
    assert list_pages(rows, "time") == expected
    assert list_pages(rows, "-time") == expected[::-1]
    assert rows.order_by("id").first().pk == rows.order_by("-pk").last().pk == expected[0]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL knows that both IDs are equal")
@pytest.mark.parametrize("sort", ["time", "-time"])
def test_no_page_sorts_all_predictions_of_a_job(jobs, sort):
    rows = sort_rows(filter_jobs(jobs[0]), sort)
    middle = rows[2].pk
    for page in (rows[:2], start_after(rows, sort, middle, None)[:2]):
        plan = page.explain()
        assert "INDEX batchjobitem_job_prediction" in plan, plan
        assert "FOR ORDER BY" not in plan, plan
