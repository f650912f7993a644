"""Queued, running, and canceled predictions on the pages and in the admin."""

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

import core.tasks
from inference.tests.factories import make_image
from predictions.models import Prediction
from predictions.services.background import cancel_prediction, queue_prediction, run_queued_prediction
from predictions.services.background.transitions import claim_prediction
from predictions.tests.factories import make_prediction

pytestmark = pytest.mark.django_db
HISTORY = "/predictions/"
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch):
    monkeypatch.setattr(core.tasks, "_enqueue", lambda name, row_id: None)


@pytest.fixture
def queued(shades, user):
    return queue_prediction(user=user, source="api", image=ContentFile(make_image(255), name="late.png"))


def get_text(response):
    return " ".join(response.content.decode().split())


def get_poll_url(response):
    return get_text(response).partition('hx-get="/predictions/open/?')[2].partition('"')[0].replace("&amp;", "&")


def test_the_detail_page_polls_until_the_status_is_final(queued, signed_in):
    page = signed_in.get(queued.get_absolute_url())
    url = f"/predictions/{queued.pk}/open/?shown=queued"
    assert f'hx-get="{url}"' in get_text(page) and "Queued" in get_text(page) and "Mark correct" not in get_text(page)
    assert signed_in.get(url, **HTMX).status_code == 204
    claim_prediction(queued.pk)
    fragment = signed_in.get(url, **HTMX)
    assert "shown=running" in get_text(fragment) and "The model is running." in get_text(fragment)
    assert "<html" not in get_text(fragment)
    cancel_prediction(prediction=queued)
    assert signed_in.get(url.replace("queued", "running"), **HTMX)["HX-Refresh"] == "true"
    page = get_text(signed_in.get(queued.get_absolute_url()))
    assert "Canceled" in page and "/open/" not in page and f"{queued.pk}/cancel/" not in page


def test_the_fragment_without_htmx_is_the_page(queued, signed_in):
    response = signed_in.get(f"/predictions/{queued.pk}/open/")
    assert response.status_code == 302 and response["Location"] == queued.get_absolute_url()


def test_the_button_cancels(queued, signed_in, client):
    page = get_text(signed_in.get(queued.get_absolute_url()))
    url = reverse("predictions:cancel", args=[queued.pk])
    assert f'<form method="post" action="{url}"' in page and "csrfmiddlewaretoken" in page
    response = signed_in.post(url, follow=True)
    assert "The prediction is canceled." in get_text(response) and response.request["PATH_INFO"] == queued.get_absolute_url()
    assert Prediction.objects.get().status == "canceled"
    assert "was final before" in get_text(signed_in.post(url, follow=True))
    assert signed_in.get(url).status_code == 405


def test_the_button_requires_the_csrf_token(queued, user):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    assert client.post(reverse("predictions:cancel", args=[queued.pk])).status_code == 403
    assert Prediction.objects.get().status == "queued"


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_the_button_does_not_lead_to_other_sites(queued, signed_in, url):
    response = signed_in.post(reverse("predictions:cancel", args=[queued.pk]), {"next": url})
    assert response["Location"] == queued.get_absolute_url()


def test_others_cannot_see_or_cancel(queued, client, other, reviewer):
    urls = [f"/predictions/{queued.pk}/open/", f"/predictions/open/?shown={queued.pk}.running"]
    client.force_login(other)
    assert client.get(urls[0], **HTMX).status_code == 404
    assert "late.png" not in get_text(client.get(urls[1], **HTMX))
    assert client.post(reverse("predictions:cancel", args=[queued.pk])).status_code == 404
    client.force_login(reviewer)
    assert "late.png" in get_text(client.get(urls[1], **HTMX))
    assert client.post(reverse("predictions:cancel", args=[queued.pk])).status_code == 403
    assert "/cancel/" not in get_text(client.get(queued.get_absolute_url()))
    assert Prediction.objects.get().status == "queued"


def test_the_history_polls_open_rows_until_all_are_final(queued, signed_in, user):
    running = queue_prediction(user=user, source="api", image=ContentFile(make_image(1), name="now.png"))
    claim_prediction(running.pk)
    make_prediction(user)
    page = signed_in.get(HISTORY)
    assert '<span class="badge queued">Queued</span>' in get_text(page)
    assert '<span class="badge running">Running</span>' in get_text(page)
    query = get_poll_url(page)
    assert query == f"shown={running.pk}.running&shown={queued.pk}.queued"
    assert signed_in.get(f"/predictions/open/?{query}", **HTMX).status_code == 204
    run_queued_prediction(str(queued.pk))
    part = signed_in.get(f"/predictions/open/?{query}", **HTMX)
    assert f'<tr id="prediction-{queued.pk}" hx-swap-oob="true">' in get_text(part) and "now.png" not in get_text(part)
    assert get_poll_url(part) == f"shown={running.pk}.running"
    cancel_prediction(prediction=running)
    part = signed_in.get(f"/predictions/open/?shown={running.pk}.running", **HTMX)
    assert '<span class="badge canceled">Canceled</span>' in get_text(part) and get_poll_url(part) == ""
    assert get_poll_url(signed_in.get(HISTORY)) == ""


@pytest.mark.parametrize("query", ["", "shown=x", "shown=%00", "shown=x.y.z", "other=1"])
def test_invalid_polls_end(shades, signed_in, query):
    response = signed_in.get(f"/predictions/open/?{query}", **HTMX)
    assert response.status_code == 200 and get_text(response) == ""


def test_a_poll_after_signing_out_opens_the_sign_in_page(queued, client):
    for url in (f"/predictions/{queued.pk}/open/", "/predictions/open/"):
        assert "/accounts/login/" in client.get(url, **HTMX)["HX-Redirect"]


@pytest.mark.parametrize("status", ["queued", "running", "canceled"])
def test_all_pages_show_the_status(queued, signed_in, status):
    if status == "running":
        claim_prediction(queued.pk)
    if status == "canceled":
        cancel_prediction(prediction=queued)
    for url in (queued.get_absolute_url(), f"{HISTORY}?status={status}", f"/?model=shades&shown={queued.pk}"):
        page = get_text(signed_in.get(url))
        assert status.title() in page, url
        assert "Failed</" not in page.replace('<option value="failed">Failed</option>', ""), url


def test_the_admin_shows_and_cancels(queued, client, superuser, reviewer):
    url = reverse("admin:predictions_prediction_change", args=[queued.pk])
    client.force_login(reviewer)
    page = get_text(client.get(url))
    assert "queued" in page.lower() and f"{queued.pk}/cancel/" not in page
    client.force_login(superuser)
    assert "queued" in get_text(client.get(reverse("admin:predictions_prediction_changelist"))).lower()
    assert f"{queued.pk}/cancel/" in get_text(client.get(url))
    response = client.post(reverse("predictions:cancel", args=[queued.pk]), {"next": url})
    assert response["Location"] == url and Prediction.objects.get().status == "canceled"
    assert f"{queued.pk}/cancel/" not in get_text(client.get(url))
