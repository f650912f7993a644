"""The export as an Excel workbook."""

import io
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from openpyxl import load_workbook

from inference.tests.factories import make_image
from predictions.exports import excel, stream
from predictions.exports.names import build_export_name
from predictions.models import Prediction
from predictions.services import predict
from predictions.tests.factories import make_prediction

pytestmark = pytest.mark.django_db


def test_a_workbook_has_typed_cells_and_a_column_for_each_feature_and_score(shades, flowers, signed_in, user, monkeypatch):
    image = make_prediction(user, make_image(255), name="=1+1.png", model="shades", client_reference="@x")
    predict(user=user, source="api", features={"length": 4.5, "petals": 5}, model="flowers")
    response = signed_in.get("/predictions/export/", {"format": "xlsx"})
    assert response["Content-Disposition"].endswith(f'"predictions-{timezone.now():%Y-%m-%d}.xlsx"')
    sheet = load_workbook(io.BytesIO(b"".join(response.streaming_content))).active
    header = [cell.value for cell in sheet[1]]
    row = dict(zip(header, sheet[3], strict=True))
    assert (sheet.freeze_panes, sheet.auto_filter.ref.startswith("A1:"), sheet.max_row) == ("A2", True, 3)
    assert row["original_name"].value == "=1+1.png"
    assert {row["original_name"].data_type, row["client_reference"].data_type} == {"s"}
    assert row["created_at (UTC)"].value == image.created_at.replace(
        tzinfo=None, microsecond=row["created_at (UTC)"].value.microsecond
    )
    assert row["scores.white"].value == image.confidence
    assert row["link"].hyperlink.target == f"http://testserver/predictions/{image.pk}/"
    assert dict(zip(header, sheet[2], strict=True))["features.length"].value == 4.5
    query = {"format": "xlsx", "model": "shades", "export": "shown", "column": ["none", "reference"]}
    response = signed_in.get("/predictions/export/", query)
    sheet = load_workbook(io.BytesIO(b"".join(response.streaming_content))).active
    row = dict(zip([cell.value for cell in sheet[1]], sheet[2], strict=True))
    names = ["input", "prediction", "confidence", "status", "verdict", "true_output"]
    assert list(row) == [*names, "client_reference", "created_at (UTC)", "link"]
    assert [row[name].value for name in ("prediction", "confidence", "client_reference")] == [
        "white",
        image.confidence,
        "@x",
    ]
    assert row["link"].hyperlink.target == f"http://testserver/predictions/{image.pk}/"
    monkeypatch.setattr(excel, "MAX_ROWS", 1)
    page = signed_in.get("/predictions/export/", {"format": "xlsx"}, follow=True)
    assert "A sheet has at most 1 rows" in page.content.decode()


def test_a_workbook_is_sent_while_predictions_are_read(shades, flowers, signed_in, user, monkeypatch):
    """Predictions that are stored meanwhile are not part of it. Their model can have other columns."""
    monkeypatch.setattr(stream, "ROWS_PER_FETCH", 1)
    monkeypatch.setattr("core.workbooks.PART_BYTES", 1)
    for grey in range(0, 256, 20):  # more than openpyxl buffers
        make_prediction(user, make_image(grey), model="shades")
    response = signed_in.get("/predictions/export/", {"format": "xlsx", "sort": "time"})
    predict(user=user, source="api", features={"length": 4.5, "petals": 5}, model="flowers")
    with CaptureQueriesContext(connection) as queries:
        content = b"".join(response.streaming_content)
    assert any(Prediction._meta.db_table in query["sql"] for query in queries)
    sheet = load_workbook(io.BytesIO(content)).active
    header = [cell.value for cell in sheet[1]]
    assert [name for name in header if "." in name] == [f"scores.{label}" for label in shades.labels]
    assert {cell.value for cell in sheet["B"]} == {"model", "shades"}


def test_names_contain_the_model_and_the_days():
    start, end = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 27, tzinfo=UTC)
    assert build_export_name(models=["digits"], start=start, end=end) == "digits-2026-11-01-to-2026-11-26"
    assert (
        build_export_name(models=["a", "b"], start=start, end=datetime(2026, 11, 2, tzinfo=UTC)) == "predictions-2026-11-01"
    )
