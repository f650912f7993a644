"""Read the operations page."""

import json
import re

PAGE = "/operations/"


def read_page(client, **parameters):
    return client.get(PAGE, parameters).content.decode()


def read_chart_data(page):
    match = re.search(r'<script id="operations-data" type="application/json">(.*?)</script>', page, re.DOTALL)
    return json.loads(match[1])


def read_notable_changes(page):
    return " ".join(page.split('aria-label="Notable changes"')[1].split("</section>")[0].split())
