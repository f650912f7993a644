"""Read the operations page."""

import json
import re

PAGE = "/operations/"


def read_page(client, **parameters):
    return client.get(PAGE, parameters).content.decode()


def read_drift(client, page, **headers):
    """Return the drift that htmx loads for an operations page."""
    url = re.search(r'hx-get="(/operations/drift/[^"]*)"', page)[1].replace("&amp;", "&")
    return client.get(url, headers={"hx-request": "true"} | headers).content.decode()


def read_chart_data(page, name="operations"):
    match = re.search(rf'<script id="{name}-data" type="application/json">(.*?)</script>', page, re.DOTALL)
    return json.loads(match[1])


def read_notable_changes(page):
    return " ".join(page.split('aria-label="Notable changes"')[1].split("</section>")[0].split())
