"""The results of a small table: sorted, with unusual values and errors, and the rows that people paste."""

import re
from io import BytesIO

import pytest
from django.utils import translation
from openpyxl import load_workbook

from core.tests.pages import get_text
from inference.signature import Feature, TableInput
from inference.signature.reference_range import get_deviation
from predictions.batch_jobs.result_cells import build_feature_cells
from predictions.batch_jobs.result_table import build_results_table
from predictions.models import BatchJob
from predictions.services.batch_jobs import run_batch_job
from predictions.tables.paste import add_missing_header, build_pasted_file
from predictions.tests.batch_job_pages import make_table

NEW_URL = "/batch-jobs/new/"
TABLE = TableInput((Feature("length", observed=(1, 9), quartiles=(4, 5, 6)), Feature("petals", type="integer")))
ROWS = "length;petals;colour;plant\n4,5;2;white;b\n1,25;9;white;a\nx;3;white;c\n"


@pytest.mark.once
@pytest.mark.parametrize(("value", "deviation"), [(5, ""), (9, ""), (8.9, ""), (9.01, "outside"), (True, ""), ("9", "")])
def test_deviation_from_the_training_data(value, deviation):
    assert get_deviation(TABLE.features[0], value) == deviation


@pytest.mark.once
def test_values_far_from_the_quartiles_are_unusual():
    feature = Feature("length", quartiles=(4, 5, 6))
    assert [get_deviation(feature, value) for value in (0.9, 1, 9, 9.1)] == ["unusual", "", "", "unusual"]
    assert get_deviation(Feature("length", quartiles=(4, 4, 4)), 5) == ""


@pytest.mark.once
@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("1,5\t2\n2\t3\n", "length\tpetals"),
        ("1.5,2,x\n", "length,petals,column 3"),
        ("Length,Petals\n1,2\n", "Length,Petals"),
        ("a;b\n1;2\n", "a;b"),
    ],
)
def test_a_missing_header_is_added(text, header):
    file, _ = add_missing_header(build_pasted_file(text, TABLE), TABLE)
    file.seek(0)
    assert file.read().decode().splitlines()[0] == header


@pytest.mark.once
def test_numbers_have_the_decimals_of_their_column():
    cells = build_feature_cells(TABLE.features[0], [5.0, None, 4.0, 1234.0], ["5.0", "x", "4.00", "1,234"])
    assert [(cell.text, cell.exact) for cell in cells] == [("5.00", ""), ("x", ""), ("4.00", ""), ("1234.00", "")]
    with translation.override("de"):
        cells = build_feature_cells(TABLE.features[0], [5.123456, 4.0], ["5,123456", "4"])
    assert [(cell.text, cell.exact) for cell in cells] == [("5,123", "5,123456"), ("4,000", "")]
    cells = build_feature_cells(TABLE.features[1], [5, 1234], ["5", "1,234"])
    assert [cell.text for cell in cells] == ["5", "1234"]


@pytest.mark.django_db
def test_pasted_rows_are_previewed_run_and_sorted(flowers, signed_in, client, other, django_assert_max_num_queries):
    page = signed_in.post(NEW_URL, {"model": "flowers", "csv": ROWS}, follow=True)
    job = BatchJob.objects.get()
    assert "Predict 3 rows" in get_text(page)
    fields = {field.name: field.value() for field in page.context["form"]}
    page = signed_in.post(f"{job.get_absolute_url()}start/", fields, follow=True)
    text = get_text(page)
    assert ("Errors and unusual values first" in text, "Lowest confidence first" in text) == (True, False)
    assert "plant" in text
    rows_url = f"{job.get_absolute_url()}rows/"
    job.refresh_from_db()
    table = build_results_table(job)
    assert table.columns[0].title == "Row"
    keys = {column.title: column.key for column in table.columns}
    orders = {"": [3, 1, 2], "nothing": [3, 1, 2], keys["plant"]: [2, 1, 3], f"-{keys['length']}": [3, 1, 2]}
    for sort, numbers in orders.items():
        assert [row.number for row in build_results_table(job, sort=sort).page] == numbers, sort
    with django_assert_max_num_queries(6):
        fragment = signed_in.get(rows_url, {"sort": "-row"}, headers={"hx-request": "true"}).content.decode()
    assert re.findall(r'aria-sort="(\w+)"', fragment) == ["descending"]
    german = signed_in.get(rows_url, headers={"hx-request": "true", "accept-language": "de"}).content.decode()
    assert re.findall(r">\s*(\d+[.,]\d+)\s*<", german) == ["6,50", "4,50", "10,25", "1,25"]
    assert signed_in.get(rows_url).url == job.get_absolute_url()
    client.force_login(other)
    assert client.get(rows_url).status_code == 404


@pytest.mark.django_db
def test_pasted_texts_are_one_per_line(reviews, signed_in):
    signed_in.post(NEW_URL, {"model": "reviews", "csv": "good, really\nbad\n"})
    job = BatchJob.objects.get()
    assert job.total_items == 2
    with job.file.open() as file:
        assert file.read().decode().splitlines()[1] == '"good, really"'


@pytest.mark.django_db
def test_a_table_without_a_header_is_completed(flowers, signed_in):
    response = signed_in.post(NEW_URL, {"model": "flowers", "file": make_table("5;4,5;white\n3;x;white\n")}, follow=True)
    assert "The table has no header." in get_text(response)
    job = BatchJob.objects.get()
    assert job.total_items == 2
    fields = {field.name: field.value() for field in response.context["form"]}
    signed_in.post(f"{job.get_absolute_url()}start/", fields)
    assert list(job.items.values_list("name", flat=True)) == ["Line 1", "Line 2"]  # of the file of the user


@pytest.mark.django_db
def test_results_are_downloaded_as_a_workbook(flowers, signed_in, client, other, make_job, monkeypatch):
    job = make_job(make_table("length;petals;colour;plant;=code\n4,5;2;white;007;=1+1\nx;3;white;;c\n"), "flowers")
    run_batch_job(str(job.pk))
    url = f"{job.get_absolute_url()}results.xlsx"
    assert url in signed_in.get(job.get_absolute_url()).content.decode()
    sheet = load_workbook(BytesIO(b"".join(signed_in.get(url).streaming_content))).active
    header, first, second = sheet.iter_rows(values_only=True)
    assert header[:5] == ("length", "petals", "colour", "plant", "=code")
    assert first[:5] == (4.5, 2, "white", "007", "=1+1")
    assert sheet["E2"].data_type == "s"
    assert first[-1] == str(job.items.get(number=1).prediction_id)
    assert second[0] == "x"
    assert "Expected a number" in second[-2]
    monkeypatch.setattr("predictions.batch_jobs.workbook.MAX_ROWS", 1)
    assert "A sheet has at most 1 rows." in get_text(signed_in.get(url, follow=True))
    client.force_login(other)
    assert client.get(url).status_code == 404
