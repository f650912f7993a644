"""The list of batch jobs, and where the pages offer them."""

import re

import pytest

from core.tests.pages import get_text
from predictions.services.batch_jobs import run_batch_job
from predictions.tests.batch_job_pages import make_table
from predictions.views.batch_jobs import detail

pytestmark = pytest.mark.django_db
LIST_URL = "/batch-jobs/"


def test_list_has_pages(flowers, signed_in, make_job, monkeypatch):
    monkeypatch.setattr(detail, "PAGE_SIZE", 2)
    for number in range(3):
        make_job(make_table(name=f"n{number}.csv"), "flowers")

    def list_names(response):
        return re.findall(r"n\d\.csv(?=</a>)", response.content.decode())

    first = signed_in.get(LIST_URL)
    assert list_names(first) == ["n2.csv", "n1.csv"]
    (url,) = re.findall(r'rel="next"\s+href="([^"]+)"', first.content.decode())
    assert list_names(signed_in.get(LIST_URL + url)) == ["n0.csv"]


def test_list_polls_until_all_batch_jobs_are_final(flowers, signed_in, make_job):
    draft = make_job(make_table(name="draft.csv"), "flowers", start=False)
    job = make_job(make_table(), "flowers")
    page = signed_in.get(LIST_URL).content.decode()
    assert f'hx-get="{LIST_URL}"' in page
    (targets,) = re.findall(r'hx-select-oob="([^"]+)"', page)
    assert str(draft.pk) not in targets
    for target in targets.split(","):
        assert f'id="{target.removeprefix("#").removesuffix(":innerHTML")}"' in page
    run_batch_job(str(job.pk))
    assert "hx-get" not in signed_in.get(LIST_URL).content.decode()


def test_empty_list_explains_batch_jobs(signed_in):
    page = get_text(signed_in.get(LIST_URL))
    assert "No batch jobs yet" in page
    assert "Start a batch job" in page


# --- the Predict page


def test_forms_offer_batch_jobs_for_the_inputs_they_take(shades, flowers, reviews, parcels, signed_in):
    pages = {
        name: signed_in.get("/", {"model": name}).content.decode() for name in ("shades", "flowers", "reviews", "parcels")
    }
    assert "choose a folder" in pages["shades"]
    for name, noun in (("flowers", "rows"), ("reviews", "texts")):
        assert "Choose a CSV file" in pages[name]
        assert "data-table-file" in pages[name]
        assert f"Preview all {noun}" in pages[name]
        assert f"/batch-jobs/new/?model={name}" in pages[name]
    assert "/batch-jobs/new/?model=parcels" in pages["parcels"]
    assert "data-table-file" not in pages["parcels"]


def test_models_with_many_features_offer_the_preview_of_pasted_rows(flowers, signed_in, monkeypatch):
    monkeypatch.setattr("predictions.forms.MAX_FORM_FEATURES", 2)
    page = signed_in.get("/", {"model": "flowers"}).content.decode()
    assert "too many for a form" in page
    assert "Preview all rows" in page
