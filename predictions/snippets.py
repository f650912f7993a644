"""Build API requests to copy, in curl, Python, and JavaScript."""

from __future__ import annotations

import json
import pprint
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from inference.preprocessing import make_sample_row
from inference.signature import Signature, TableInput

CURL_IMAGE = """curl -F image=@image.png -F model={reference} \\
  -H "Authorization: Bearer $MLSITE_TOKEN" \\
  {url}"""
PYTHON_IMAGE = """import os
import requests

response = requests.post(
    "{url}",
    headers={{"Authorization": f"Bearer {{os.environ['MLSITE_TOKEN']}}"}},
    files={{"image": open("image.png", "rb")}},
    data={{"model": "{reference}"}},
    timeout=30,
)
response.raise_for_status()
print(response.json()["output"])"""
JAVASCRIPT_IMAGE = """import {{ readFile }} from "node:fs/promises";

const body = new FormData();
body.append("image", new Blob([await readFile("image.png")]), "image.png");
body.append("model", "{reference}");
const response = await fetch("{url}", {{
  method: "POST",
  headers: {{ Authorization: `Bearer ${{process.env.MLSITE_TOKEN}}` }},
  body,
}});
console.log((await response.json()).output);"""
CURL_ROW = """curl -H "Authorization: Bearer $MLSITE_TOKEN" -H "Content-Type: application/json" \\
  -d '{body}' \\
  {url}"""
PYTHON_ROW = """import os
import requests

response = requests.post(
    "{url}",
    headers={{"Authorization": f"Bearer {{os.environ['MLSITE_TOKEN']}}"}},
    json={body},
    timeout=30,
)
response.raise_for_status()
print(response.json()["output"])"""
JAVASCRIPT_ROW = """const response = await fetch("{url}", {{
  method: "POST",
  headers: {{ Authorization: `Bearer ${{process.env.MLSITE_TOKEN}}`, "Content-Type": "application/json" }},
  body: JSON.stringify({body}),
}});
console.log((await response.json()).output);"""


@dataclass(frozen=True, slots=True)
class Snippet:
    """A request in one language."""

    language: str
    code: str


def build_snippets(
    signature: Signature, *, reference: str, site_url: str, features: Mapping[str, Any] | None = None
) -> list[Snippet]:
    """Return requests that submit an image or a row of features to a model.

    Args:
        reference: `name`, `name@alias` or `name:number`.
        site_url: see `core.urls.get_site_url`.
        features: the row to submit; None for the examples of the features.
    """
    url = site_url + reverse("api:prediction-list")
    if not isinstance(signature.input, TableInput):
        templates = {"curl": CURL_IMAGE, "Python": PYTHON_IMAGE, "JavaScript": JAVASCRIPT_IMAGE}
        return [Snippet(name, text.format(url=url, reference=reference)) for name, text in templates.items()]
    row = make_sample_row(signature.input) if features is None else {name: features[name] for name in signature.input.names}
    body = {"model": reference, "features": row}
    json_body = json.dumps(body, indent=2, ensure_ascii=False)
    shell_body = json.dumps(body, ensure_ascii=False).replace("'", "'\\''")
    python_body = pprint.pformat(body, sort_dicts=False, width=88)
    return [
        Snippet("curl", CURL_ROW.format(url=url, body=shell_body)),
        Snippet("Python", PYTHON_ROW.format(url=url, body=_indent_continuation(python_body, "    "))),
        Snippet("JavaScript", JAVASCRIPT_ROW.format(url=url, body=_indent_continuation(json_body, "  "))),
    ]


def _indent_continuation(text: str, indent: str) -> str:
    """Indent all lines except the first."""
    return text.replace("\n", f"\n{indent}")
