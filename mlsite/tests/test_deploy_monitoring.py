"""The alerts and the dashboard in deploy/ use metrics that exist, and each alert is described."""

import json
import re
import shutil
import subprocess

import pytest
import yaml

from inference.tests.factories import make_image
from mlsite.tests.site import ROOT
from predictions.metrics import OVERLOADED, observe_stages
from predictions.tests.factories import make_prediction

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboard.json"
NAME = re.compile(r"\bmlsite_[a-z_]+\b")
SELECTOR = re.compile(r"\b(mlsite_[a-z_]+)\{([^}]*)\}")
SAMPLE = re.compile(r"^(mlsite_[a-z_]+)(?:\{([^}]*)\})? ", re.MULTILINE)


def list_alerts():
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def list_expressions():
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [rule["expr"] for rule in list_alerts()] + [target["expr"] for panel in panels for target in panel["targets"]]


@pytest.fixture
def labels_by_metric(shades, superuser, client):
    """Return the labels of each metric of a site that has made a prediction."""
    client.force_login(superuser)
    observe_stages([make_prediction(superuser, make_image(0))])
    OVERLOADED.labels("shades", 1)
    client.get("/")
    found = {}
    for name, labels in SAMPLE.findall(client.get("/metrics").content.decode()):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


@pytest.mark.django_db
def test_expressions_use_metrics_and_labels_that_exist(labels_by_metric):
    expressions = list_expressions()
    used = {name for expression in expressions for name in NAME.findall(expression)}
    assert len(used) >= 8
    assert used - labels_by_metric.keys() == set()
    for expression in expressions:
        for name, selector in SELECTOR.findall(expression):
            assert set(re.findall(r"(\w+)(?:=|!=|=~|!~)\"", selector)) <= labels_by_metric[name], expression
    assert {"model", "version", "stage", "le"} <= labels_by_metric["mlsite_prediction_stage_seconds_bucket"]


@pytest.mark.once
def test_each_alert_is_in_the_runbook():
    headings = {
        line.strip("# `") for line in (ROOT / "docs" / "runbook.md").read_text().splitlines() if line.startswith("### ")
    }
    for rule in list_alerts():
        assert rule["alert"] in headings
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in ("critical", "warning")


@pytest.mark.once
def test_the_dashboard_has_a_description_for_each_panel():
    dashboard = json.loads(DASHBOARD.read_text())
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids)) > 10
    assert all(panel["title"] and panel["description"] and panel["targets"] for panel in dashboard["panels"])
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]]
    assert len(set(places)) == len(places)


@pytest.mark.once
@pytest.mark.parametrize("arguments", [("check", "rules", ALERTS.name), ("test", "rules", "alerts_test.yaml")])
def test_prometheus_accepts_the_alerts(arguments):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is missing (Debian: apt-get install prometheus)")
    process = subprocess.run([promtool, *arguments], cwd=ALERTS.parent, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
