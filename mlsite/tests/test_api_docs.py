"""The page of the API reference, which is Swagger UI."""

import re

import pytest
from django.urls import reverse


@pytest.mark.django_db
def test_the_page_links_the_schema_without_scripts(signed_in):
    page = signed_in.get("/api/docs/").content.decode()
    notice = re.search(r"<noscript>(.*?)</noscript>", page, re.DOTALL)[1]
    assert "This page requires JavaScript." in notice
    assert f'href="{reverse("schema")}"' in notice
