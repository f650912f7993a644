"""The same question asked by a program: a request to copy, in three languages."""

from __future__ import annotations

import json
import pprint
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

answer = requests.post(
    "{url}",
    headers={{"Authorization": f"Bearer {{os.environ['MLSITE_TOKEN']}}"}},
    files={{"image": open("image.png", "rb")}},
    data={{"model": "{reference}"}},
    timeout=30,
)
answer.raise_for_status()
print(answer.json()["output"])"""
JAVASCRIPT_IMAGE = """import {{ readFile }} from "node:fs/promises";

const body = new FormData();
body.append("image", new Blob([await readFile("image.png")]), "image.png");
body.append("model", "{reference}");
const answer = await fetch("{url}", {{
  method: "POST",
  headers: {{ Authorization: `Bearer ${{process.env.MLSITE_TOKEN}}` }},
  body,
}});
console.log((await answer.json()).output);"""
CURL_ROW = """curl -H "Authorization: Bearer $MLSITE_TOKEN" -H "Content-Type: application/json" \\
  -d '{body}' \\
  {url}"""
PYTHON_ROW = """import os
import requests

answer = requests.post(
    "{url}",
    headers={{"Authorization": f"Bearer {{os.environ['MLSITE_TOKEN']}}"}},
    json={body},
    timeout=30,
)
answer.raise_for_status()
print(answer.json()["output"])"""
JAVASCRIPT_ROW = """const answer = await fetch("{url}", {{
  method: "POST",
  headers: {{ Authorization: `Bearer ${{process.env.MLSITE_TOKEN}}`, "Content-Type": "application/json" }},
  body: JSON.stringify({body}),
}});
console.log((await answer.json()).output);"""


@dataclass(frozen=True, slots=True)
class Snippet:
    language: str
    code: str


def snippets_for(
    signature: Signature, *, reference: str, site: str, features: dict[str, Any] | None = None
) -> list[Snippet]:
    """Return requests that ask a model about a picture, or about a row.

    Args:
        reference: `name`, `name@alias` or `name:number`.
        site: the address that the page was asked at: `https://mlsite.example.org`.
        features: the row; None for one of examples.
    """
    url = site + reverse("api:prediction-list")
    if not isinstance(signature.input, TableInput):
        templates = {"curl": CURL_IMAGE, "Python": PYTHON_IMAGE, "JavaScript": JAVASCRIPT_IMAGE}
        return [Snippet(name, text.format(url=url, reference=reference)) for name, text in templates.items()]
    row = make_sample_row(signature.input) if features is None else {name: features[name] for name in signature.input.names}
    body = {"model": reference, "features": row}
    in_json = json.dumps(body, indent=2, ensure_ascii=False)
    in_shell = json.dumps(body, ensure_ascii=False).replace("'", "'\\''")
    return [
        Snippet("curl", CURL_ROW.format(url=url, body=in_shell)),
        Snippet("Python", PYTHON_ROW.format(url=url, body=_indented(pprint.pformat(body, sort_dicts=False, width=88)))),
        Snippet("JavaScript", JAVASCRIPT_ROW.format(url=url, body=_indented(in_json, "  "))),
    ]


def _indented(text: str, by: str = "    ") -> str:
    return text.replace("\n", f"\n{by}")
