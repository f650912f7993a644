"""The admin of inputs and predictions."""

import re
from copy import copy
from datetime import UTC, datetime

import pytest
from django.urls import reverse
from django.utils.html import escape

from core.fields import get_first_id
from core.formatting import format_percent
from core.tests.admin_urls import get_change_url, get_list_url
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Input, Prediction
from predictions.services import review_prediction
from predictions.tests.factories import make_prediction

pytestmark = pytest.mark.django_db
MODEL_NAMES = ("input", "prediction", "registeredmodel", "modelversion", "alias", "aliaschange")


@pytest.fixture
def admin(client, superuser):
    client.force_login(superuser)
    return client


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_superusers_and_reviewers_can_open_lists(shades, client, superuser, reviewer, user, make_user, name):
    make_prediction(user)
    staff = make_user(is_staff=True)
    for person, status in ((superuser, 200), (reviewer, 200), (staff, 403), (user, 302)):
        client.force_login(person)
        assert client.get(get_list_url(name)).status_code == status


def test_pages_show_label_confidence_version_user_and_output(shades, admin, user):
    prediction = make_prediction(user)
    html = admin.get(get_list_url("prediction")).content.decode()
    for text in (prediction.label, escape(format_percent(prediction.confidence)), "shades:1", "ada", "Succeeded"):
        assert text in html
    detail = admin.get(get_change_url(prediction)).content.decode()
    assert "&quot;scores&quot;: {" in detail
    assert get_change_url(prediction.input) in detail
    assert get_change_url(shades) in detail
    assert get_change_url(prediction) in admin.get(get_change_url(prediction.input)).content.decode()


@pytest.mark.parametrize("field", ["id", "input", "reference", "user"])
def test_search_finds_exact_values(shades, admin, user, other, field):
    prediction = make_prediction(user, client_reference="job-77")
    make_prediction(other)
    term = {"id": prediction.id, "input": prediction.input_id, "reference": "job-77", "user": "ada"}[field]
    results = admin.get(get_list_url("prediction"), {"q": str(term)}).context["cl"].result_list
    assert list(results) == [prediction]


def test_search_finds_the_rows_of_a_user_and_those_with_the_same_reference(shades, admin, user, other):
    rows = [make_prediction(user), make_prediction(other, client_reference=user.username)]
    make_prediction(other)
    results = admin.get(get_list_url("prediction"), {"q": user.username}).context["cl"].result_list
    assert list(results) == rows[::-1]


@pytest.mark.parametrize(
    "query", ["q=%00", "q=' OR 1=1", "id__exact=abc", "o=99", "p=1000000000", "status__exact=x", "label=zzz"]
)
def test_invalid_queries_do_not_fail(shades, admin, user, query):
    make_prediction(user)
    assert admin.get(f"{get_list_url('prediction')}?{query}").status_code in (200, 302)


@pytest.mark.parametrize("query", ["user__password__startswith=a", "user__password=a", "input__user__password=x"])
def test_lookups_into_passwords_are_rejected(shades, admin, query):
    assert admin.get(f"{get_list_url('prediction')}?{query}").status_code == 400


def test_rows_cannot_be_changed_or_deleted(shades, client, superuser, reviewer, user):
    prediction = make_prediction(user)
    for person in (superuser, reviewer):
        client.force_login(person)
        for row in (prediction, prediction.input, shades, shades.model, shades.aliases.get()):
            assert client.post(get_change_url(row), {"label": "evil", "sha256": "0" * 64}).status_code == 403
            delete = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_delete", args=[row.pk])
            assert client.post(delete, {"post": "yes"}).status_code == 403
        for name in MODEL_NAMES:
            assert client.get(f"{get_list_url(name)}add/").status_code == 403
    assert Prediction.objects.get().label == prediction.label


def test_view_on_site_links_to_the_page_without_a_redirect_by_content_type(shades, admin, user):
    prediction = make_prediction(user)
    for path in ("1/abc/", f"9/{prediction.id}/"):
        assert admin.get(f"/admin/r/{path}").status_code == 404
    assert f'href="{prediction.get_absolute_url()}"' in admin.get(get_change_url(prediction)).content.decode()


def test_user_texts_are_escaped(shades, admin, user):
    script_name = "<img src=x onerror=alert(1)>.png"
    prediction = make_prediction(user, name=script_name, client_reference="</script><script>alert(1)")
    for address in (
        get_list_url("prediction"),
        get_list_url("input"),
        get_change_url(prediction),
        get_change_url(prediction.input),
    ):
        html = admin.get(address).content.decode()
        assert "<img src=x" not in html
        assert "<script>alert" not in html


@pytest.mark.parametrize("name", ["prediction", "input"])
@pytest.mark.parametrize("count", [2, 50])
def test_lists_use_few_queries_count_no_table_and_open_no_file(
    shades, admin, user, name, count, django_assert_max_num_queries, monkeypatch
):
    for number in range(count):
        make_prediction(user, make_noise_image(number))
    monkeypatch.setattr("core.storage.DurableFileSystemStorage.open", None)
    with django_assert_max_num_queries(10) as captured:
        assert len(admin.get(get_list_url(name)).context["cl"].result_list) == count
    counts = [query["sql"] for query in captured if "COUNT(" in query["sql"].upper()]
    assert all("LIMIT" in sql for sql in counts), counts
    assert Input.objects.count() == count


def test_filters_and_date_hierarchy(shades, flowers, admin, user):
    prediction = make_prediction(user)
    day = prediction.created_at
    query = {
        "status__exact": "succeeded",
        "label": prediction.label,
        "created_at__year": day.year,
        "created_at__month": day.month,
        "model_version__model__id__exact": str(shades.model_id),
    }
    assert list(admin.get(get_list_url("prediction"), query).context["cl"].result_list) == [prediction]
    other_label = next(label for label in shades.labels if label != prediction.label)
    for name, value in (
        ("status__exact", "failed"),
        ("label", other_label),
        ("model_version__model__id__exact", str(flowers.model_id)),
    ):
        assert not admin.get(get_list_url("prediction"), {name: value}).context["cl"].result_list


@pytest.mark.parametrize("name", ["prediction", "input"])
def test_dates_select_rows_and_only_periods_with_rows_are_offered(shades, admin, user, name):
    row = make_prediction(user)
    row = row if name == "prediction" else row.input
    times = [datetime(year, month, day, 12, tzinfo=UTC) for year, month, day in ((2021, 3, 5), (2021, 3, 7), (2021, 5, 7))]
    for moment in times:
        copied = copy(row)
        copied.pk, copied.created_at = get_first_id(moment), moment
        type(row).objects.bulk_create([copied])
    query = {}
    for part, values, offered in (
        ("year", range(2020, row.created_at.year + 2), {2021, row.created_at.year}),
        ("month", range(1, 13), {3, 5}),
        ("day", range(1, 32), {5, 7}),
    ):
        html = admin.get(get_list_url(name), query).content.decode()
        assert {value for value in values if re.search(rf"created_at__{part}={value}\b", html)} == offered
        query[f"created_at__{part}"] = min(offered)
        rows = admin.get(get_list_url(name), query).context["cl"].result_list
        expected = [moment for moment in reversed(times) if all(getattr(moment, key[12:]) == query[key] for key in query)]
        assert [row.created_at for row in rows] == expected


def test_review_pages_show_escaped_comments(shades, client, reviewer, user):
    prediction = make_prediction(user, make_image(255))
    review = review_prediction(prediction=prediction, reviewer=user, true_label="grey", comment="<b>no</b>")
    client.force_login(reviewer)
    assert "grey" in client.get(get_list_url("review")).content.decode()
    assert "&lt;b&gt;no" in client.get(get_change_url(review)).content.decode()
