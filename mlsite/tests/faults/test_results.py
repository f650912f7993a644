"""The results of faults are counted, written, and read as they are, and a wrong order of writes is noticed."""

import pytest

from mlsite.tests.faults.order import find_problem, split_requests
from mlsite.tests.faults.record import read_record, replace_results, write_record
from mlsite.tests.faults.report import END, PAGE, START, build_section, write_page
from mlsite.tests.faults.results import Result, read_results, write_result

pytestmark = pytest.mark.once
SYNC_FILE, SYNC_FOLDER = "fsync(9</media/tmp/a>) = 0", "fsync(9</media/inputs/07>) = 0"
RENAME = 'rename("/media/tmp/a", "/media/inputs/07/b.png") = 0'
SYNC_DATABASE = "fdatasync(8</var/site.sqlite3-wal>) = 0"
RESPOND = 'sendto(7<socket:[1]>, "HTTP/1.1 201 Created", 20, 0, NULL, 0) = 20'
STATEMENT = 'sendto(6<socket:[2]>, "B\\0\\0", 9, MSG_NOSIGNAL, NULL, 0) = 9'
CONFIRMATION = 'recvfrom(6<socket:[2]>, "2\\0", 16384, 0, NULL, NULL) = 9'
SQLITE_CALLS = [SYNC_FILE, RENAME, SYNC_FOLDER, SYNC_DATABASE, RESPOND]
POSTGRES_CALLS = [SYNC_FILE, RENAME, SYNC_FOLDER, STATEMENT, CONFIRMATION, RESPOND]


@pytest.mark.parametrize(("calls", "is_postgres"), [(SQLITE_CALLS, False), (POSTGRES_CALLS, True)])
def test_durable_order_is_recognized(calls, is_postgres):
    assert find_problem(calls, is_postgres=is_postgres) == ""


@pytest.mark.parametrize(("calls", "is_postgres"), [(SQLITE_CALLS, False), (POSTGRES_CALLS, True)])
def test_each_missing_or_early_call_is_noticed(calls, is_postgres):
    for index in range(len(calls) - 1):
        without = calls[:index] + calls[index + 1 :]
        early = [*calls[: index + 2], calls[index]]
        early[index], early[index + 1] = calls[index + 1], calls[index]
        for changed in (without, [*early[: index + 2], *calls[index + 2 :]]):
            assert find_problem(changed, is_postgres=is_postgres), changed


def test_requests_are_read_from_a_trace_of_several_threads(tmp_path):
    lines = ["1 fsync(9</media/tmp/a> <unfinished ...>", "2 write(3</log>, 1) = 1", "1 <... fsync resumed>) = 0"]
    (tmp_path / "trace").write_text("\n".join([*lines, *(f"1 {call}" for call in SQLITE_CALLS[1:])]))
    assert list(split_requests(tmp_path / "trace")) == [SQLITE_CALLS]


def test_breaches_are_counted_by_kind():
    result = Result("F1", "Worker killed", "SQLite", rounds=20)
    assert result.describe_bound() == "15.0%"
    messages = {
        "I1": ["The acknowledged prediction is stored 0 times instead of once.", "The label is 'a'. Acknowledged: 'b'."],
        "I2": ["The file x is missing.", "The file x is damaged: its SHA-256 differs."],
        "I4": ["The request without a response is stored 2 times."],
        "I7": ["The file x is empty."],
    }
    result.count_breaches({"invariant": key, "message": text} for key, texts in messages.items() for text in texts)
    assert (result.lost, result.doubled, result.mismatched, result.other) == (2, 1, 2, 1)
    assert result.describe_bound() == "-"


def test_results_are_written_to_the_page(tmp_path, monkeypatch):
    monkeypatch.setenv("FAULT_RESULTS", str(tmp_path))
    write_result(Result("F10", "Database stopped", "PostgreSQL", rounds=2, misses=["| late <b>"]))
    write_result(Result("F2", "Server killed", "SQLite", rounds=300, acknowledged=2000, recovery_seconds=1.26))
    write_result(Result("F16", "Order of writes", "SQLite", not_run="strace missing"))
    page = tmp_path / "page.md"
    page.write_text(f"before\n{START}\nold\n{END}\nafter\n")
    write_page(read_results(tmp_path), page)
    text = page.read_text()
    assert text.startswith(f"before\n{START}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    assert text.index("| F2 Server killed | SQLite | 300 | 2,000 | 0 | 0 | 0 | 0 | 1.3 s | 1.0% |") < text.index("| F10 ")
    assert "- F10 Database stopped, PostgreSQL: / late (b)" in text
    assert "- F16 Order of writes (strace), SQLite: strace missing." in text
    assert "- F7 Database crashed, PostgreSQL: no result of this version." in text


def test_a_run_of_some_faults_replaces_only_their_results(tmp_path):
    path = tmp_path / "recorded.json"
    assert read_record(path) == []
    old = [Result(fault, "Killed", "SQLite", rounds=1) for fault in ("F1", "F2", "F10")]
    new = [Result("F2", "Killed", "SQLite", rounds=20), Result("F2", "Killed", "PostgreSQL", rounds=20)]
    write_record(replace_results(old, new), path)
    found = [(result.fault, result.database, result.rounds) for result in read_record(path)]
    assert found == [("F1", "SQLite", 1), ("F2", "SQLite", 20), ("F2", "PostgreSQL", 20), ("F10", "SQLite", 1)]


def test_the_page_contains_the_recorded_results():
    _, _, rest = PAGE.read_text().partition(START)
    assert rest.partition(END)[0].strip() == build_section(read_record()).strip(), "run python -m mlsite.tests.faults.report"
