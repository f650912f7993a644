"""Media types, the names of their parameters, and other names in headers are case-insensitive (RFC 9110)."""

import gzip
import json

import pytest

from core.tests.problems import assert_problem
from inference.tests.factories import make_image
from predictions.models import BatchJob, Input
from predictions.tests.batch_job_pages import make_table
from predictions.tests.factories import PREDICTIONS_URL

pytestmark = pytest.mark.django_db
BOUNDARY = "aBc"
BATCH_URL, V2_URL = f"{PREDICTIONS_URL}batch/", "/v2/models/flowers/infer"
FORM_TYPES = [
    "MULTIPART/FORM-DATA; boundary=aBc",
    "Multipart/Form-Data;BOUNDARY=aBc",
    'multipart/form-data ; Boundary = "aBc"',
    "multipart/FORM-DATA;  charset=Utf-8 ; boundary=aBc",
    'Multipart/Form-data; boundary="aBc"; CHARSET="UTF-8"; ',
]
JSON_TYPES = [
    "APPLICATION/JSON",
    "application/json;CHARSET=UTF-8",
    'Application/Json ; charset="utf-8"',
    "application/json; Charset=Utf8;",
]
IMAGE_TYPES = ["image/JPEG", "IMAGE/PNG", "Image/Webp; x=y", "APPLICATION/octet-stream"]
ROW = {"features": {"length": 4.5, "petals": 5, "colour": "white"}, "model": "flowers"}
BAD_BOUNDARY_TYPES = [
    "multipart/form-data",
    "MULTIPART/FORM-DATA",
    "multipart/form-data; boundary=",
    'multipart/form-data; boundary="a "',
    "multipart/form-data; boundary=a\xe9",
    "multipart/form-data; boundary*=none''a",
]


def build_form(name="image", *, data=None, file_name="a.png", boundary=BOUNDARY):
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n\r\n'
    return head.encode() + (data or make_image()) + f"\r\n--{boundary}--\r\n".encode()


@pytest.mark.parametrize("content_type", FORM_TYPES)
def test_forms_of_the_api(shades, api, content_type):
    assert api.generic("POST", PREDICTIONS_URL, build_form(), content_type=content_type).status_code == 201
    batch = api.generic("POST", BATCH_URL, build_form(), content_type=content_type)
    assert batch.status_code == 200, batch.content


@pytest.mark.parametrize("content_type", FORM_TYPES[:2])
def test_forms_of_pages(flowers, signed_in, content_type):
    job = make_table("length;petals;colour\n4,5;5;white\n").read()
    form = build_form("file", data=job, file_name="rows.csv")
    model = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="model"\r\n\r\nflowers\r\n'.encode()
    response = signed_in.generic("POST", "/batch-jobs/new/", model + form, content_type=content_type)  # written to disk
    assert response.url == BatchJob.objects.get().get_absolute_url()
    signed_in.generic("POST", "/accounts/", b"theme=dark", content_type="Application/X-WWW-Form-Urlencoded; Charset=Utf-8")
    assert signed_in.get("/accounts/").context["user"].theme == "dark"


@pytest.mark.parametrize("content_type", JSON_TYPES)
def test_media_types_of_json_are_accepted(flowers, api, content_type):
    body = json.dumps(ROW)
    assert api.generic("POST", PREDICTIONS_URL, body, content_type=content_type).status_code == 201
    assert api.generic("POST", f"{PREDICTIONS_URL}?store=true", body, content_type=content_type).status_code == 201
    assert api.generic("POST", V2_URL, "{}", content_type=content_type).status_code == 400  # not 415


@pytest.mark.parametrize("content_type", IMAGE_TYPES)
def test_images_as_bodies(shades, api, content_type):
    for url in (PREDICTIONS_URL, f"{PREDICTIONS_URL}?model=shades"):
        response = api.generic("POST", url, make_image(), content_type=content_type)
        assert response.status_code == 201, response.content


def test_a_media_type_that_is_not_supported_in_capitals(shades, api):
    response = api.generic("POST", PREDICTIONS_URL, build_form(), content_type="MULTIPART/MIXED; boundary=aBc")
    assert "Accepted media types: " in assert_problem(response, 415, "unsupported-media-type")["detail"]
    response = api.generic("POST", PREDICTIONS_URL, build_form(), content_type=f"{FORM_TYPES[0]}; CHARSET=Latin-1")
    assert_problem(response, 415, "unsupported-charset")


@pytest.mark.parametrize("content_type", BAD_BOUNDARY_TYPES)
def test_a_form_without_a_valid_boundary(shades, api, signed_in, content_type):
    response = api.generic("POST", PREDICTIONS_URL, build_form(), content_type=content_type)
    assert "no valid boundary" in assert_problem(response, 400, "malformed-request")["detail"]
    page = signed_in.generic("POST", "/", build_form(), content_type=content_type)
    assert (page.status_code, "no valid boundary" in page.content.decode()) == (400, True)
    assert not Input.objects.exists()


def test_a_request_without_a_body_needs_no_boundary(shades, api):
    assert api.generic("GET", PREDICTIONS_URL, content_type="multipart/form-data").status_code == 200


def test_case_and_spaces_of_other_headers_do_not_matter(flowers, user, client, token_headers):
    scheme, secret = token_headers(user)["authorization"].split()
    body, types = json.dumps(ROW).encode(), {"content_type": "APPLICATION/JSON"}
    for header in (f"{scheme.upper()} {secret}", f"{scheme.lower()}  {secret} "):
        headers = {"authorization": header}
        for more in ({}, {"accept": "APPLICATION/JSON"}, {"accept": "Text/Html;Q=0.5, Application/*"}):
            response = client.generic("POST", PREDICTIONS_URL, body, headers=headers | more, **types)
            assert response.status_code == 201, response.content
    compressed = {"content-encoding": " GZip"}
    response = client.generic("POST", PREDICTIONS_URL, gzip.compress(body), headers=headers | compressed, **types)
    assert response.status_code == 201
    response = client.generic("POST", PREDICTIONS_URL, body, headers=headers | {"prefer": "Respond-Async"}, **types)
    assert (response.status_code, response["Preference-Applied"]) == (202, "respond-async")
