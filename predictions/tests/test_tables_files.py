"""Tables are read row by row, and a row that cannot be read costs only itself."""

import io

import pytest

from inference.errors import InvalidInput
from inference.signature import Feature, TableInput
from predictions.tables.columns import RowConverter, find_missing, match_columns
from predictions.tables.encodings import detect_encoding
from predictions.tables.files import TableFile
from predictions.tables.lines import MAX_ROW_CHARACTERS

pytestmark = pytest.mark.once
PAIR = TableInput((Feature("a"), Feature("b", "text")))


def read_table(data):
    data = data.encode() if isinstance(data, str) else data
    file = io.BytesIO(data)
    table = TableFile(file, PAIR)
    rows = [(row.line, row.error.message if row.error else row.cells) for row in table]
    del table
    assert not file.closed
    return rows


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        ("a,b\n1,x\n2,y", [(2, ["1", "x"]), (3, ["2", "y"])]),
        ("a;b\r\n1;x\r\n\r\n2;y\r\n", [(2, ["1", "x"]), (4, ["2", "y"])]),
        ("a\tb\r1\tx\r", [(2, ["1", "x"])]),
        ("\ufeffa,b\n1,é\n", [(2, ["1", "é"])]),
        ("a,b\n1,ü€\n".encode("cp1252"), [(2, ["1", "ü€"])]),
        ("a,b\n1,ü\n".encode("utf-16"), [(2, ["1", "ü"])]),
        ('a,b\n1,"x\ny"\n2,"say ""hi"""\n', [(2, ["1", "x\ny"]), (4, ["2", 'say "hi"'])]),
        ("A;B\n1;x\n", [(2, ["1", "x"])]),
        ("\ufeffsep=;\r\na;b\r\n1,5;x\r\n", [(3, ["1,5", "x"])]),
        ('"sep=,"\na,b\n1,x\n', [(3, ["1", "x"])]),
    ],
)
def test_variants_of_csv_are_read(data, rows):
    assert read_table(data) == rows


UNCLOSED = "A quotation mark is not closed."
INVALID = "The row is not valid CSV"
WRONG_COUNT = "Expected 2 values, as in the header. Received: "


@pytest.mark.parametrize(
    ("data", "messages"),
    [
        ('a,b\n1,"x\n2,y\n3,z\n', {2: UNCLOSED}),
        ('a,b\n1,x\n2,"y', {3: UNCLOSED}),
        ('a,b\n1,"x"y\n2,y\n', {2: INVALID}),
        ('a,b\n1,"x\n2,"y\n3,z\n4,w\n', {2: INVALID, 3: UNCLOSED}),
        ('a,b\n1,"' + "x\n" * 70_000 + "2,y\n", {2: "A value is longer than 131,072 characters, or a quotation mark"}),
        ("a,b\n" + "x" * (MAX_ROW_CHARACTERS + 9) + "\n2,y\n", {2: "The row is longer than 1,048,576 characters"}),
        ("a,b\n1" + ",x" * 11 + "\n2,y\n", {2: WRONG_COUNT + "12."}),
        ("a,b\n1\n2,y\n", {2: WRONG_COUNT + "1."}),
        ("a,b\n1,x\0\n2,y\n", {2: "The row contains a NUL character."}),
        ("a,b\n1,é\n2,".encode() + b"\xe9\n3,z\n", {3: "The row contains bytes that are not valid UTF-8 text."}),
        (b"a,b\n1,\xe9\n2,\x81\n3,z\n", {3: "The row contains bytes that are not valid CP1252 text."}),
        ("a,b\n1,é\n".encode("utf-16") + b"\x00\xdc\n\x00", {3: "The row contains bytes that are not valid UTF-16 text."}),
    ],
    ids=range(12),
)
def test_a_bad_row_does_not_stop_the_others(data, messages):
    rows = read_table(data)
    errors = {line: row for line, row in rows if isinstance(row, str)}
    known = {line: errors.get(line, "") for line in messages}
    assert all(known[line].startswith(message) for line, message in messages.items()), rows[:5]
    if "x\n" * 9 not in str(data):
        assert errors.keys() == messages.keys()
    text = data.decode("latin-1") if isinstance(data, bytes) else data
    assert "2,y" not in text or rows[-1][1] in (["2", "y"], ["3", "z"], ["4", "w"], UNCLOSED)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "The file is empty."),
        ("\n\n", "The file is empty."),
        (",,\n1,2,3", "The file is empty."),
        ('"a,b\n1,2\n', "Line 1: A quotation mark is not closed."),
        ("a" * (MAX_ROW_CHARACTERS + 1), "Line 1: The row is longer"),
        ("x," * 20_001, "The header has 20,002 columns. The limit is 20,000."),
        (b"PK\x03\x04rest", "The file is a ZIP archive or an Excel workbook. Save the table as CSV"),
        (b"\x89PNG\r\n\x1a\n", "The file is an image."),
        (b"\x1f\x8b\x08", "The file is compressed with gzip."),
        ("a,b\n".encode("utf-16-le"), "The file is in UTF-16, or is not a CSV file."),
        (b"a\x01\x02b,c\n", "The file is not a CSV file: its first line contains control characters."),
    ],
)
def test_what_is_not_a_table_is_rejected(data, message):
    with pytest.raises(InvalidInput) as caught:
        read_table(data)
    assert caught.value.message.startswith(message), caught.value.message


def test_quotation_marks_cannot_make_reading_slow(monkeypatch):
    """Each line closes the quotation mark of the line before and opens another one: no row ends."""
    monkeypatch.setattr("predictions.tables.lines.MAX_ROW_CHARACTERS", 2**14)
    monkeypatch.setattr("predictions.tables.lines.REPEATED_CHARACTERS_ALLOWANCE", 2**17)
    with pytest.raises(InvalidInput, match=r"^Line \d+: Too many rows up to here have a quotation mark"):
        read_table("a,b\n" + '",x","\n' * 9000)
    assert len(read_table("a,b\n" + '"1,x\n2,y\n3,"z"\n' * 2000)) == 6000  # many errors with little to read again


def test_the_encoding_is_found_far_into_the_file():
    start = b"a,b\n" + b"1,x\n" * 300_000
    assert detect_encoding(io.BytesIO(start + "1,ü\n".encode())) == "utf-8"
    assert detect_encoding(io.BytesIO(start + "1,ü\n".encode("latin-1"))) == "cp1252"
    for padding in range(4):  # the character is at the end of a part of the file that is read at once
        data = b"x" * (2**20 - padding) + "€".encode()
        assert detect_encoding(io.BytesIO(data)) == "utf-8"


@pytest.mark.parametrize(
    ("columns", "chosen", "mapped"),
    [
        (["b", "a"], None, {"a": "a", "b": "b"}),
        (["A ", " b"], None, {"a": "A ", "b": " b"}),
        (["a", "A", "B"], None, {"a": "a", "b": "B"}),
        (["A", "a ", "b"], None, {"a": None, "b": "b"}),
        (["x", "b"], {"a": "x"}, {"a": "x", "b": "b"}),
        (["a", "b"], {"a": "b", "b": "a"}, {"a": "b", "b": "a"}),
        (["a", "b"], {"b": ""}, {"a": "a", "b": None}),
        (["a", "b", "b"], {"b": None}, {"a": "a", "b": None}),
    ],
)
def test_columns_are_matched_by_name(columns, chosen, mapped):
    assert match_columns(columns, PAIR, chosen) == mapped
    assert find_missing(mapped, PAIR) == [name for name, column in mapped.items() if column is None]


def test_similar_names_and_the_only_column_are_matched():
    features = TableInput((Feature("petal_length"), Feature("petalLength2")))
    assert match_columns(["Petal Length", "petal-length 2"], features) == {
        "petal_length": "Petal Length",
        "petalLength2": "petal-length 2",
    }
    assert match_columns(["anything"], TableInput((Feature("text", "text"),))) == {"text": "anything"}


def test_a_column_that_is_not_unique_is_rejected_only_if_it_is_used():
    with pytest.raises(InvalidInput, match=r"The names in the header must be unique. Duplicates: b\."):
        match_columns(["a", "b", "b"], PAIR)


def test_rows_are_converted_with_the_decimal_mark_of_the_file():
    file = io.BytesIO(b"a;b;c\n1,5;x;9\n2.5;y;9\n")
    table = TableFile(file, PAIR)
    converter = RowConverter(table, match_columns(table.columns, PAIR), PAIR)
    first, second = table
    assert converter.convert(first) == {"features": {"a": 1.5, "b": "x"}}
    assert converter.decimal_mark == ","
    with pytest.raises(InvalidInput, match="decimal commas and decimal points"):
        converter.convert(second)


def test_memory_does_not_grow_with_the_table():
    import tracemalloc

    class Endless(io.RawIOBase):
        """30,000 rows that are made as they are read."""

        left = 30_000

        def readable(self):
            return True

        def seekable(self):
            return True

        def seek(self, position, whence=0):
            return 0

        def readinto(self, buffer):
            row = b"1,xxxxxxxxxxxxxxxx\n" if self.left < 30_000 else b"a,b\n"
            self.left -= 1
            if self.left < 0:
                return 0
            buffer[: len(row)] = row
            return len(row)

    table = TableFile(io.BufferedReader(Endless()), PAIR, encoding="utf-8")
    tracemalloc.start()
    assert sum(1 for _ in table) == 29_999
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**18
