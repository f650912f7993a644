"""The benchmarks reject bad runs, compute the right ratios, and fail only if all attempts are too slow."""

import os
import subprocess
import sys
import tomllib

import pytest

from benchmarks import gate, wrk
from benchmarks.batches import build_batch_section
from benchmarks.comparison import SITE_KEY, compute_ratios, format_ratios, order_rounds
from benchmarks.contenders import PEERS, PEERS_FOLDER
from benchmarks.limits import Inserts, parse_pgbench
from benchmarks.measurement import Sample, check_count
from benchmarks.payloads import build_form, build_request, list_image_batches, list_images, list_row_batches, list_rows
from benchmarks.processes import list_tree, read_cpu_seconds, read_memory_bytes
from benchmarks.report import LIBRARIES, build_report

pytestmark = pytest.mark.once
RESULT = 'RESULT {"requests": 900, "seconds": 2.0, "bad_statuses": %d, "socket_errors": %d, "p50_ms": 1.5, "p99_ms": 9.0}\n'
RECORDED = {"image": 1.0, "row": 0.6}


def build_sample(**values: float) -> Sample:
    return Sample(
        **{"count": 9, "rate": 100, "p50_ms": 1, "p99_ms": 2, "server_ms": 3, "database_ms": 1, "memory_bytes": 10**9}
        | values
    )


def run_attempts(*ratios: dict[str, float]) -> tuple[dict[str, float], int]:
    """Return the best ratios, and the number of attempts that were made."""
    remaining = list(ratios)
    best = gate.find_best(lambda: remaining.pop(0), RECORDED)
    return best, len(ratios) - len(remaining)


def test_the_result_of_wrk_is_read():
    load = wrk.parse_result("Running 2s test\n" + RESULT % (0, 0))
    assert (load.requests, load.rate, load.p50_ms, load.p99_ms) == (900, 450, 1.5, 9)


@pytest.mark.parametrize("output", [RESULT % (1, 0), RESULT % (0, 1), "unable to connect"])
def test_a_run_with_an_error_is_rejected(output):
    with pytest.raises(wrk.LoadError):
        wrk.parse_result(output)


@pytest.mark.parametrize(("rows", "accepted"), [(99, False), (100, True), (116, True), (117, False)])
def test_each_response_must_be_stored_once(rows, accepted):
    try:
        check_count("program", 100, rows)
    except wrk.LoadError:
        assert not accepted
    else:
        assert accepted


def test_the_batches_have_ratios_for_each_number_of_clients():
    results = {
        (workload, position, items): [build_sample(rate=rate, server_ms=3 / items)]
        for workload, many in (("image", 64), ("row", 1000))
        for position in (0, 1)
        for items, rate in ((1, 10), (many, 10 * many))
    }
    section = build_batch_section(results, seconds=4)
    assert "| 64 images | 4 and 16 | 64.00 (64.00 to 64.00) |" in section
    assert "| 1,000 rows | 1 and 1 | 1000.00 (1000.00 to 1000.00) |" in section
    for (body, _), count in ((list_image_batches()[0], 64), (list_row_batches()[0], 1000)):
        assert body.count(b'name="image"') + body.count(b'"petal_width"') == count


def test_requests_are_complete_http_requests():
    request = build_request("http://127.0.0.1:80/predictions", b"{}", "application/json", "secret")
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /predictions HTTP/1.1",
        b"Host: 127.0.0.1:80",
        b"Content-Type: application/json",
        b"Authorization: Bearer secret",
        b"Content-Length: 2",
    ]
    assert body == b"{}"
    assert b"Authorization" not in build_request("http://127.0.0.1:80/", *build_form(b"png", "digits"))
    assert len(list_images()) >= 10
    assert len(list_rows()) >= 5


def test_rounds_alternate_their_order():
    assert order_rounds(["a", "b", "c"], 3) == [["a", "b", "c"], ["c", "b", "a"], ["a", "b", "c"]]


def test_ratios_compare_the_samples_of_the_same_round():
    ours = [build_sample(server_ms=4), build_sample(server_ms=9), build_sample(server_ms=1)]
    theirs = [build_sample(server_ms=1), build_sample(server_ms=4), build_sample(server_ms=1)]
    assert compute_ratios(ours, theirs, Sample.get_cpu_ms) == [1, 2, 2.5]
    assert format_ratios([1, 2, 2.5]) == "2.00 (1.00 to 2.50)"


def test_a_slow_attempt_is_repeated_and_the_best_counts():
    assert run_attempts({"image": 1.1, "row": 0.6}) == ({"image": 1.1, "row": 0.6}, 1)
    assert run_attempts({"image": 1.3, "row": 0.6}, {"image": 1.1, "row": 0.9}) == ({"image": 1.1, "row": 0.6}, 2)
    slow = {"image": 1.0, "row": 0.7}
    best, attempts = run_attempts(slow, slow, slow, slow)
    assert (attempts, gate.find_exceeded(best, RECORDED)) == (gate.MAX_ATTEMPTS, ["row"])


def test_the_message_names_the_limit():
    assert gate.describe("row", 0.7, 0.6) == "row: FAILED. The ratio is 0.70. The limit is 0.69, the recorded ratio 0.60."
    assert gate.describe("row", 0.6, 0.6) == "row: passed. The ratio is 0.60. The limit is 0.69."
    assert "make bench-record" in gate.describe("row", 0.4, 0.6)


def test_recorded_ratios_have_one_format():
    recorded = tomllib.loads(gate.RECORDED.read_text())
    assert recorded.keys() == gate.COMPARED.keys()
    assert gate.RECORDED.read_text() == gate.format_recorded(recorded)


def test_cpu_and_memory_include_child_processes_that_have_ended():
    burn = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}]); print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert 0.3 <= read_cpu_seconds(process.pid) < 5
        assert 10**6 < read_memory_bytes(process.pid) < 10**9
        assert process.pid in list_tree(os.getpid())
        process.communicate(b"\n")


def test_pgbench_must_not_fail_a_transaction():
    output = "number of transactions actually processed: 1200\nnumber of failed transactions: {} (0.000%)\n"
    assert parse_pgbench(output.format(0)) == 1200
    with pytest.raises(wrk.LoadError):
        parse_pgbench(output.format(3))


def test_the_report_shows_medians_and_ratios():
    results = {
        ("row", SITE_KEY): [build_sample(server_ms=value) for value in (1, 3, 2)],
        ("row", "row-flask"): [build_sample(server_ms=3, rate=50)] * 3,
    }
    report = build_report(
        results,
        {SITE_KEY: "mlsite", "row-flask": "Flask"},
        {"network": 0.4},
        Inserts(1000, 0.2),
        dict.fromkeys(LIBRARIES, "1"),
        seconds=5,
    )
    assert "| mlsite | 100 | 1.0 | 2.0 | 2.00 | 1.00 | 3.00 | 1,000 |" in report
    assert "| Flask | 0.75 (0.50 to 1.00) | 0.67 (0.33 to 1.00) | 2.00 (2.00 to 2.00) |" in report
    assert "## Images" not in report
    assert max(map(len, report.splitlines())) < 200


def test_every_peer_has_its_files():
    for peer in PEERS:
        assert not peer.tables or (PEERS_FOLDER / peer.tables).exists()
        scripts = [part.partition(":")[0] for part in peer.command if part.endswith(":app")] or [
            peer.command[0].removesuffix(".py")
        ]
        assert all("." in name or (PEERS_FOLDER / f"{name}.py").exists() for name in scripts)
    assert set(gate.COMPARED.values()) <= {peer.key for peer in PEERS}
