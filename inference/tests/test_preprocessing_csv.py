"""CSV rows, in the variants that spreadsheets and data libraries write."""

from io import StringIO

import pytest

from inference.errors import InvalidFeatures, InvalidInput
from inference.preprocessing import CsvReader, parse_csv_line, parse_strings, read_features
from inference.signature import Feature, TableInput

TABLE = TableInput(
    (
        Feature("petal_length", unit="cm", min=0, max=30, example=1.4),
        Feature("petals", type="integer", min=0),
        Feature("color", type="category", values=("white", "red"), default="white"),
        Feature("wild", type="boolean", default=False),
        Feature("note", type="text", required=False),
        Feature("age", required=False),
        Feature("sex", type="integer", values=(1, 2)),
    )
)
COMPLETE = {"petal_length": 1.5, "petals": 5, "color": "white", "wild": False, "note": None, "age": None, "sex": 1}
PAIR = TableInput((Feature("a"), Feature("b", required=False)))


def read_file(text, table=PAIR):
    """Return the rows of a CSV file as validated rows, or the errors of invalid ones."""
    rows = [row for _, row in CsvReader(StringIO(text, newline=""), table)]
    return [row if isinstance(row, InvalidInput) else read_features(parse_strings(row, table), table) for row in rows]


def test_line_with_the_delimiter_for_excel_is_not_the_header():
    assert read_file("sep=;\na;b\n1,5;2\n") == [{"a": 1.5, "b": 2.0}]
    assert [line for line, _ in CsvReader(StringIO("sep=,\na,b\n1,2\n", newline=""), PAIR)] == [3]


def test_quoted_csv_cells_keep_delimiters_and_line_breaks():
    table = TableInput((Feature("a", type="text"), Feature("b", type="integer")))
    assert parse_csv_line('"x;y",3', table) == {"a": "x;y", "b": "3"}
    assert parse_csv_line('"one\ntwo";3', table) == {"a": "one\ntwo", "b": "3"}
    assert parse_csv_line("\ufeffb,a\n3,x", table) == {"a": "x", "b": "3"}
    with pytest.raises(InvalidInput, match="must be unique"):
        parse_csv_line("a,a\n1,2", table)


@pytest.mark.parametrize(
    "line",
    [
        "1.5,5,,,,,1",
        "1.5;5;;;;;1",
        "1.5\t5\t\t\t\t\t1\n",
        "sex,petals,petal_length\n1,5,1.5",
        '"1.5", "5", "", "", "", "", "1"'.replace(", ", ","),
    ],
)
def test_csv_line_is_parsed_to_a_row(line):
    assert read_features(parse_strings(parse_csv_line(line, TABLE), TABLE), TABLE) == COMPLETE


@pytest.mark.parametrize(("line", "code"), [("1,2", "wrong-count"), ("", "malformed-csv"), ("a\nb\nc", "malformed-csv")])
def test_invalid_csv_lines_are_rejected(line, code):
    with pytest.raises(InvalidInput) as caught:
        parse_csv_line(line, TABLE)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1.5,2\n-2,\n",
        "a;b\n1,5;2\n-2;\n",
        "a;b\n1.5;2\n-2;NA\n",
        "b\ta\n2\t1,5\nnull\t-2\n",
        'x;a;b\n"1;2,3";1,5;2\n;-2;NaN\n',
        "x,y,a,b\n1;2;3,0,1.5,2\n,,-2,None\n",
        " a , b \r\n 1.5 , 2 \r\n\r\n-2, n/a\r\n",
    ],
)
def test_delimiters_decimal_commas_and_missing_values_are_recognized(text):
    assert read_file(text) == [{"a": 1.5, "b": 2.0}, {"a": -2.0, "b": None}]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("a;b\n1,234;1", 1.234),
        ("a\tb\n0,123\t1", 0.123),
        ("a\tb\n1,2345\t1", 1.2345),
        ("a;b\n,5;1", 0.5),
        ("a;b\n-1,5e-3;1", -0.0015),
    ],
)
def test_decimal_commas_are_converted(line, value):
    assert read_file(line)[0]["a"] == value


@pytest.mark.parametrize(
    "line",
    [
        "a\tb\n1,234\t1",
        "a;b\n1.234,5;1",
        "a;b\n1,234,567;1",
        'a,b\n"1,234.5",1',
        "a,b\n1 234,1",
        'a,b\n"1,5",1',
        "a,b\n1'234,1",
    ],
)
def test_thousands_separators_are_rejected_with_a_hint(line):
    with pytest.raises(InvalidFeatures, match="Write the number without thousands separators and with a decimal point"):
        read_file(line)


def test_decimal_commas_and_points_cannot_be_mixed():
    first, second, third = read_file("a;b\n1,5;2\n1.234;2\n2,5;2")
    assert "Use one of them in the whole file." in second.message
    assert (first["a"], third["a"]) == (1.5, 2.5)


@pytest.mark.parametrize("marker", ["", "NA", "n/a", "NaN", "null", "None", "#N/A", "<NA>", " na "])
def test_missing_values_depend_on_the_type(marker):
    features = (
        Feature("x"), Feature("n", type="integer"), Feature("flag", type="boolean"), Feature("note", type="text"),
        Feature("kind", type="category", values=("a", "b")), Feature("roof", type="category", values=("None", "NA", "tile")),
    )  # fmt: skip
    line = ",".join([marker] * len(features))
    row = parse_strings(parse_csv_line(line, TableInput(features)), TableInput(features))
    expected = {"note": marker.strip()} if marker else {}
    expected |= {"roof": marker.strip()} if marker.strip() in ("None", "NA") else {}
    assert row == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "No rows. Expected a header"),
        ("b,c\n1,2", "Missing columns: a. The file has b, c."),
        ("A,b\n1,2", "Rename 'A' to 'a'."),
        ("1,2\n3,4", "Expected a header with the feature names in the first line: a, b."),
        ("a,a\n1,2", "Duplicates: a."),
    ],
)
def test_an_invalid_header_is_rejected(text, message):
    with pytest.raises(InvalidInput) as caught:
        read_file(text)
    assert message in caught.value.message


def test_unused_columns_are_ignored_and_named():
    reader = CsvReader(StringIO("id,a,id,,b\n1,2,3,4,5\n"), PAIR)
    assert list(reader) == [(2, {"a": "2", "b": "5"})]
    assert reader.unused == ["id", ""]


def test_a_row_with_another_number_of_cells_does_not_stop_the_others():
    first, second = read_file("a,b\n1\n2,3\n")
    assert first.message == "Expected 2 values: a, b. Received: 1."
    assert second == {"a": 2.0, "b": 3.0}


def test_a_file_is_read_line_by_line():
    class Lines(StringIO):
        count = 0

        def __next__(self):
            self.count += 1
            return super().__next__()

    file = Lines("a,b\n" + "1,2\n" * 1000)
    rows = iter(CsvReader(file, PAIR))
    next(rows)
    assert file.count == 2
