"""Build API requests to copy, in curl, Python, and JavaScript."""

from __future__ import annotations

import json
import pprint
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from inference.preprocessing import make_sample_input, make_sample_row
from inference.signature import TEXT_KEY, Signature, TextInput, get_table_part
from predictions.models import Input

CURL_IMAGE = """curl -F image=@image.png -F model={reference}{features} \\
  -H "Authorization: Bearer $MLSITE_TOKEN" \\
  {url}"""
PYTHON_IMAGE = """{imports}import os
import requests

response = requests.post(
    "{url}",
    headers={{"Authorization": f"Bearer {{os.environ['MLSITE_TOKEN']}}"}},
    files={{"image": open("image.png", "rb")}},
    data={{"model": "{reference}"{features}}},
    timeout=30,
)
response.raise_for_status()
print(response.json()["output"])"""
JAVASCRIPT_IMAGE = """import {{ readFile }} from "node:fs/promises";

const body = new FormData();
body.append("image", new Blob([await readFile("image.png")]), "image.png");
body.append("model", "{reference}");{features}
const response = await fetch("{url}", {{
  method: "POST",
  headers: {{ Authorization: `Bearer ${{process.env.MLSITE_TOKEN}}` }},
  body,
}});
console.log((await response.json()).output);"""
CURL_ROW = """curl -H "Authorization: Bearer $MLSITE_TOKEN" -H "Content-Type: application/json" \\
  -d {body} \\
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


def build_snippets(signature: Signature, *, reference: str, site_url: str, row: Input | None = None) -> list[Snippet]:
    """Return requests that submit an input to a model. The file of an image is always called `image.png`.

    Args:
        reference: `name`, `name@alias` or `name:number`.
        site_url: see `core.urls.get_site_url`.
        row: the input to submit; None for the examples of the signature.
    """
    url = site_url + reverse("api:prediction-list")
    values = _get_values(signature, row)
    if "image" in signature.input.parts:
        return _build_multipart_snippets(url, reference, values.get("features"))
    return _build_json_snippets(url, {"model": reference, **values})


def _get_values(signature: Signature, row: Input | None) -> dict[str, Any]:
    """Return the text or the features of an input, in the order of the signature."""
    if isinstance(signature.input, TextInput):
        return {TEXT_KEY: make_sample_input(signature.input) if row is None else row.text}
    table = get_table_part(signature.input)
    if table is None:
        return {}
    stored = None if row is None else row.features
    return {"features": make_sample_row(table) if stored is None else {name: stored[name] for name in table.names}}


def _build_multipart_snippets(url: str, reference: str, features: Mapping[str, Any] | None) -> list[Snippet]:
    parts = {"curl": "", "Python": "", "JavaScript": ""}
    if features is not None:
        text = json.dumps(features, ensure_ascii=False)
        python_row = _indent_continuation(pprint.pformat(dict(features), sort_dicts=False, width=78), " " * 33)
        parts = {
            "curl": f" \\\n  --form-string {_quote_for_shell(f'features={text}')}",
            "Python": f', "features": json.dumps({python_row})',
            "JavaScript": f'\nbody.append("features", JSON.stringify({text}));',
        }
    templates = {"curl": CURL_IMAGE, "Python": PYTHON_IMAGE, "JavaScript": JAVASCRIPT_IMAGE}
    imports = "" if features is None else "import json\n"
    return [
        Snippet(name, template.format(url=url, reference=reference, features=parts[name], imports=imports))
        for name, template in templates.items()
    ]


def _build_json_snippets(url: str, body: Mapping[str, Any]) -> list[Snippet]:
    json_body = json.dumps(body, indent=2, ensure_ascii=False)
    shell_body = _quote_for_shell(json.dumps(body, ensure_ascii=False))
    python_body = pprint.pformat(dict(body), sort_dicts=False, width=88)
    return [
        Snippet("curl", CURL_ROW.format(url=url, body=shell_body)),
        Snippet("Python", PYTHON_ROW.format(url=url, body=_indent_continuation(python_body, "    "))),
        Snippet("JavaScript", JAVASCRIPT_ROW.format(url=url, body=_indent_continuation(json_body, "  "))),
    ]


def _quote_for_shell(text: str) -> str:
    """Return the text in single quotes."""
    return "'" + text.replace("'", "'\\''") + "'"


def _indent_continuation(text: str, indent: str) -> str:
    """Indent all lines except the first."""
    return text.replace("\n", f"\n{indent}")
