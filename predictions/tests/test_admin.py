import pytest
from django.urls import reverse
from django.utils.html import escape

from core.formatting import format_percent
from core.tests.admin_urls import get_change_url, get_list_url
from inference.tests.factories import make_noise_image
from predictions.models import Input, Prediction
from predictions.tests.factories import make_prediction

pytestmark = pytest.mark.django_db
MODELS = ("input", "prediction", "registeredmodel", "modelversion", "alias", "aliaschange")


@pytest.fixture
def admin(client, superuser):
    client.force_login(superuser)
    return client


@pytest.mark.parametrize("name", MODELS)
def test_lists_open_for_superusers_and_reviewers_and_not_for_others(
    shades, client, superuser, reviewer, user, make_user, name
):
    make_prediction(user)
    staff = make_user(is_staff=True)
    for person, status in ((superuser, 200), (reviewer, 200), (staff, 403), (user, 302)):
        client.force_login(person)
        assert client.get(get_list_url(name)).status_code == status


def test_a_prediction_shows_label_confidence_version_user_and_json(shades, admin, user):
    prediction = make_prediction(user)
    html = admin.get(get_list_url("prediction")).content.decode()
    for shown in (prediction.label, escape(format_percent(prediction.confidence)), "shades:1", "ada", "Succeeded"):
        assert shown in html
    detail = admin.get(get_change_url(prediction)).content.decode()
    assert "&quot;scores&quot;: {" in detail
    assert get_change_url(prediction.input) in detail
    assert get_change_url(shades) in detail
    assert get_change_url(prediction) in admin.get(get_change_url(prediction.input)).content.decode()


@pytest.mark.parametrize("what", ["id", "input", "reference", "user"])
def test_search_finds_by(shades, admin, user, other, what):
    prediction = make_prediction(user, client_reference="job-77")
    make_prediction(other)
    term = {"id": prediction.id, "input": prediction.input_id, "reference": "job-77", "user": "ada"}[what]
    found = admin.get(get_list_url("prediction"), {"q": str(term)}).context["cl"].result_list
    assert list(found) == [prediction]


@pytest.mark.parametrize(
    "query", ["q=%00", "q=' OR 1=1", "id__exact=abc", "o=99", "p=1000000000", "status__exact=x", "label=zzz"]
)
def test_a_strange_query_breaks_nothing(shades, admin, user, query):
    make_prediction(user)
    assert admin.get(f"{get_list_url('prediction')}?{query}").status_code in (200, 302)


@pytest.mark.parametrize("query", ["user__password__startswith=a", "user__password=a", "input__user__password=x"])
def test_a_lookup_into_passwords_is_refused(shades, admin, query):
    assert admin.get(f"{get_list_url('prediction')}?{query}").status_code == 400


def test_what_the_ledger_says_cannot_be_edited(shades, client, superuser, reviewer, user):
    prediction = make_prediction(user)
    for person in (superuser, reviewer):
        client.force_login(person)
        for row in (prediction, prediction.input, shades, shades.model, shades.aliases.get()):
            assert client.post(get_change_url(row), {"label": "evil", "sha256": "0" * 64}).status_code == 403
            delete = reverse(f"admin:predictions_{row._meta.model_name}_delete", args=[row.pk])
            assert client.post(delete, {"post": "yes"}).status_code == 403
        for name in MODELS:
            assert client.get(reverse(f"admin:predictions_{name}_add")).status_code == 403
    assert Prediction.objects.get().label == prediction.label


def test_the_shortcut_by_content_type_is_closed_and_the_link_is_direct(shades, admin, user):
    prediction = make_prediction(user)
    for rest in ("1/abc/", f"9/{prediction.id}/"):
        assert admin.get(f"/admin/r/{rest}").status_code == 404
    assert f'href="{prediction.get_absolute_url()}"' in admin.get(get_change_url(prediction)).content.decode()


def test_names_are_escaped(shades, admin, user):
    evil = "<img src=x onerror=alert(1)>.png"
    prediction = make_prediction(user, name=evil, client_reference="</script><script>alert(1)")
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
def test_a_list_takes_a_bounded_number_of_queries_counts_no_table_and_opens_no_file(
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


def test_filters_and_dates_narrow_the_list(shades, admin, user):
    prediction = make_prediction(user)
    day = prediction.created_at
    query = {
        "status__exact": "succeeded",
        "label": prediction.label,
        "created_at__year": day.year,
        "created_at__month": day.month,
    }
    assert list(admin.get(get_list_url("prediction"), query).context["cl"].result_list) == [prediction]
    assert not admin.get(get_list_url("prediction"), {"status__exact": "failed"}).context["cl"].result_list
