"""Access to images in a bucket: through the site, or with a signed URL."""

import hashlib
import hmac
from urllib.error import HTTPError
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from urllib.request import urlopen

import pytest

from accounts.services.erasure import resume_erasures, start_erasure
from core.tests.problems import assert_problem
from inference.tests.factories import make_noise_image
from predictions.tests.factories import PREDICTIONS_URL, make_upload

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("objects"), pytest.mark.once]
DATA = make_noise_image(1)


def send_image(client):
    return client.post(PREDICTIONS_URL, {"image": make_upload(DATA), "model": "shades"})


def get_image(client, response):
    return client.get(response.json()["input"]["image_url"])


def test_other_users_get_no_image_and_no_url(shades, api, other, client, bucket, settings, token_headers):
    response = send_image(api)
    for settings.S3_URL_SECONDS in (0, 60):
        denied = client.get(response.json()["input"]["image_url"], headers=token_headers(other))
        assert_problem(denied, 404, "not-found")
        assert client.get(response.json()["input"]["image_url"]).status_code == 401


def test_only_programs_are_redirected_to_a_signed_url(
    shades, api, reviewer, client, bucket, settings, token_headers, caplog
):
    settings.S3_URL_SECONDS = 60
    response = send_image(api)
    client.force_login(reviewer)
    assert get_image(client, response).content == DATA
    caplog.clear()
    redirect = client.get(response.json()["input"]["image_url"], headers=token_headers(reviewer))
    assert redirect.status_code == 302
    assert redirect["Cache-Control"] == "private, no-store"
    assert [record.message for record in caplog.records if "reviewer" in record.message] == ["image viewed by a reviewer"]
    assert is_signed(redirect["Location"])
    assert client.head(response.json()["input"]["image_url"], headers=token_headers(reviewer)).status_code == 200
    with urlopen(redirect["Location"]) as file:
        assert file.read() == DATA
        assert (file.headers["Content-Type"], file.headers["Cache-Control"]) == ("image/png", "private, no-store")
        assert file.headers["Content-Disposition"].startswith("attachment; filename=")


CHANGES = [
    {"response-content-type": "text/html"},
    {"response-content-disposition": "inline"},
    {"X-Amz-Expires": "604800"},
    {"X-Amz-Date": "20991231T000000Z"},
    {"path": "/other.png"},
]


def test_a_signed_url_cannot_be_altered(shades, api, bucket, settings):
    settings.S3_URL_SECONDS = 60
    url = get_image(api, send_image(api))["Location"]
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    assert (query["X-Amz-Expires"], is_signed(url)) == ("60", True)
    for changes in CHANGES:
        changed = dict(changes)
        path = parts.path.rpartition("/")[0] + changed.pop("path") if "path" in changed else parts.path
        assert not is_signed(parts._replace(path=path, query=urlencode(query | changed)).geturl()), changes


def is_signed(url):
    """Return whether an S3 server accepts the signature of a URL: AWS Signature Version 4 with query parameters.

    The server of the tests does not compare it. See docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    signature, scope = query.pop("X-Amz-Signature"), query["X-Amz-Credential"].partition("/")[2]
    canonical_query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(query.items()))
    request = f"GET\n{parts.path}\n{canonical_query}\nhost:{parts.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
    text = f"AWS4-HMAC-SHA256\n{query['X-Amz-Date']}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = b"AWS4test-secret"
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.compare_digest(key.hex(), signature)


def test_an_erased_image_leaves_the_bucket(shades, api, user, reviewer, client, bucket, settings, token_headers):
    settings.S3_URL_SECONDS = 60
    url = send_image(api).json()["input"]["image_url"]
    assert len(bucket.list_names()) == 1
    start_erasure(user=user)
    resume_erasures()
    assert bucket.list_names() == []
    assert_problem(client.get(url, headers=token_headers(reviewer)), 410, "data-removed")


def test_objects_are_private(shades, api, bucket, s3_server):
    send_image(api)
    (name,) = bucket.list_names()
    with pytest.raises(HTTPError, match="403"):
        urlopen(f"{s3_server}/{bucket.name}/{name}")
