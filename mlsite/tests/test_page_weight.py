"""The CSS and JavaScript of each page, without libraries, and the manifest of the site."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse
from PIL import Image

from predictions.models import BatchJob
from predictions.services.predict import predict
from predictions.tests.factories import make_prediction

pytestmark = [pytest.mark.django_db, pytest.mark.once]
MAX_BYTES = 60_000
MAX_LINES = 250  # of a file
ROW = {"petals": 5, "length": 4, "colour": "white"}
SOURCE = re.compile(r'<(?:link rel="stylesheet" href|script[^>]* src)="/static/([^"]+)"')
TEMPLATE = re.compile(r"<template\b.*?</template>", re.DOTALL)  # the browser loads its files when a script inserts it
IMPORT = re.compile(r'^(?:import|export)\b[^;]*?"(\.[^"]+)"', re.MULTILINE)  # import() loads a module when it is needed


def find_own_files(html):
    """Return the CSS files and modules of a page, with all that they import."""
    names = SOURCE.findall(TEMPLATE.sub("", html))
    found, waiting = set(), {Path(finders.find(name)) for name in names if "vendor/" not in name}
    while waiting:
        path = waiting.pop()
        found.add(path)
        names = IMPORT.findall(path.read_text()) if path.suffix == ".js" else []
        waiting |= {(path.parent / name).resolve() for name in names if "vendor/" not in name} - found
    root = Path(__file__).resolve().parents[2] / "static"
    return {path for path in found if path.resolve().is_relative_to(root)}


def test_each_page_has_little_css_and_javascript_of_its_own(shades, flowers, client, make_user):
    user = make_user("ada", is_staff=True, is_superuser=True)
    prediction, row = make_prediction(user), predict(user=user, source="api", features=ROW, model="flowers")
    job = BatchJob.objects.create(user=user, model_version=shades, kind="images", reference="shades", total_items=0)
    public = ["/accounts/login/", "/accounts/signup/", "/accounts/reset/", "/tour/", "/nowhere/"]
    pages = [
        *("/?model=shades", "/?model=flowers", "/predictions/", prediction.get_absolute_url(), row.get_absolute_url()),
        *("/batch-jobs/", "/batch-jobs/new/?model=flowers", job.get_absolute_url(), "/models/", "/models/shades/"),
        *(
            "/models/shades/evaluation/",
            "/models/flowers/evaluation/",
            "/operations/",
            "/operations/drift/?model=shades&version=1",
            "/operations/alerts/",
            "/accounts/",
            "/accounts/email/",
        ),
        *(
            "/accounts/tokens/",
            "/accounts/second-factor/",
            "/admin/accounts/auditentry/",
            "/api/docs/",
            "/admin/",
            "/admin/predictions/review/queue/",
            "/admin/predictions/prediction/",
        ),
        *(
            "/admin/accounts/user/",
            "/admin/registry/modelversion/",
            f"/admin/predictions/prediction/{prediction.pk}/change/",
        ),
    ]
    sizes = {}
    for url in (*public, *pages):
        if url == pages[0]:
            client.force_login(user)
        response = client.get(url)
        assert response.status_code == (404 if url == "/nowhere/" or url == "/tour/" else 200), url
        files = find_own_files(response.content.decode())
        assert files or url == "/tour/", url
        sizes[url] = sum(path.stat().st_size for path in files)
    assert max(sizes.values()) > 30_000  # imports are found
    assert {url: size for url, size in sizes.items() if size >= MAX_BYTES} == {}


def test_files_of_pages_are_short():
    folder = Path(__file__).resolve().parents[2] / "static"
    paths = [path for path in folder.glob("*/*.*") if path.suffix in (".css", ".js")]
    assert len(paths) > 50
    assert [path.name for path in paths if len(path.read_text().splitlines()) > MAX_LINES] == []


def test_the_manifest_lets_phones_install_the_site(client):
    page = client.get(reverse("accounts:login")).content.decode()
    url = reverse("manifest")
    assert f'<link rel="manifest" href="{url}">' in page
    response = client.get(url, headers={"accept-language": "de"})
    assert response["Content-Type"] == "application/manifest+json"
    content = response.json()
    assert (content["display"], content["start_url"], content["lang"]) == ("standalone", "/", "de")
    sizes = set()
    for icon in content["icons"]:
        data = Path(finders.find(icon["src"].removeprefix("/static/"))).read_bytes()
        assert icon["sizes"] == "{}x{}".format(*Image.open(BytesIO(data)).size)
        sizes.add((icon["sizes"], icon["purpose"]))
    assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")} <= sizes
