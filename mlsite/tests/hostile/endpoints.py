"""Bodies of requests to the endpoints that do not create a single prediction."""

from __future__ import annotations

from mlsite.tests.hostile.bodies import IMAGE
from mlsite.tests.hostile.cases import build_part, post_form, post_json
from predictions.tests.factories import PREDICTIONS_URL

INFER = "/v2/models/flowers/infer"
JOBS = "/api/v1/batch-jobs/"
BATCH = f"{PREDICTIONS_URL}batch/"
GROUND_TRUTH = "/api/v1/ground-truth/"
HOOKS = "/api/v1/webhooks/"
HOOK = {"url": "https://example.org/", "event_types": ["prediction.succeeded"]}
ENDPOINTS = [
    *[
        post_json(f"C16 batch {value!r:.30}", value, 400, path=BATCH)
        for value in (
            {},
            {"features": []},
            {"items": []},
            {"items": {}},
            {"items": 5},
            {"features": None},
            {"items": [{}], "features": [{}]},
            {"text": "x"},
            {"image": ["x"]},
            {"items": [{}], "client_reference": ["a"]},
            {"features": [{}], "client_reference": []},
        )
    ],
    post_json("C16 10,001 rows", {"model": "flowers", "features": [{}] * 10_001}, 413, "too-many-items", path=BATCH),
    *[
        post_json(f"ground truth {value!r:.30}", value, 400, path=GROUND_TRUTH)
        for value in (
            {},
            {"items": []},
            {"items": {}},
            {"items": "x"},
            {"items": None},
            {"item": []},
            {"items": [{}] * 1001},
        )
    ],
    *[
        post_json(f"D13 review {value!r:.50}", value, 400, path=PREDICTIONS_URL + "{prediction}/reviews/")
        for value in (
            {},
            {"verdict": "yes"},
            {"verdict": None},
            {"verdict": "incorrect", "true_label": "purple"},
            {"verdict": "correct", "comment": "x" * 10_001},
            {"true_label": "x" * 101},
            {"true_value": 1},
            {"true_value": "1"},
            {"true_labels": ["a"]},
            {"true_labels": {}},
            {"true_label": "\0"},
            {"verdict": "correct", "true_label": "white", "true_value": 1e308},
            {"verdict": "correct", "picked_by": "random"},
            {"user": 1},
        )
    ],
    post_json(
        "D13 another's prediction", {"verdict": "correct"}, 404, "not-found", path=PREDICTIONS_URL + "{other}/reviews/"
    ),
    *[
        post_json(f"V2 {value!r:.50}", value, 400, path=INFER)
        for value in (
            {},
            {"inputs": None},
            {"inputs": []},
            {"inputs": [{}]},
            {"inputs": [{"name": "x"}]},
            {"inputs": 5},
            {"id": "x" * 256, "inputs": []},
            {"id": 5},
            {"inputs": [{"name": "petals", "shape": [-1], "datatype": "FP32", "data": []}]},
            {"parameters": []},
            {"inputs": [{"name": "petals", "shape": [10**30], "datatype": "FP32", "data": [1]}]},
            {"inputs": [{"name": "petals", "shape": [1], "datatype": "FP99", "data": [1]}]},
            {"inputs": [{"name": "petals", "shape": [1], "datatype": "INT64", "data": [10**30]}]},
            {"inputs": [{"name": "petals", "shape": [1] * 99, "datatype": "INT64", "data": [1]}]},
            {"inputs": [{"name": "petals", "shape": ["1"], "datatype": "BYTES", "data": [None]}]},
            {"inputs": [], "outputs": [{}]},
            {"inputs": [], "outputs": {}},
        )
    ],
    *[
        post_json(
            f"V2 header length {value!r:.20}",
            {"inputs": []},
            400,
            path=INFER,
            headers={"inference-header-content-length": value},
        )
        for value in ("-1", "x", "9" * 30, "²", "", "1e3")
    ],
    post_json("V2 unknown model", {}, 404, path="/v2/models/nope/infer"),
    post_json("V2 other type", b"<x/>", 415, path=INFER, content_type="text/xml"),
    *[
        post_json(f"batch job {value!r:.40}", value, 400, path=JOBS)
        for value in (
            {"kind": "x"},
            {"file": "x"},
            {"model": []},
            {"mapping": []},
            {"mapping": {"a": 1}},
            {"start": "x"},
            {"kind": "table"},
            {"x": 1},
        )
    ],
    *[
        post_form(
            f"C40 table {data[:12]!r}",
            build_part("file", data, "a.csv"),
            build_part("model", "flowers"),
            status=400,
            path=JOBS,
        )
        for data in (
            b"",
            b"\0" * 50,
            b"a,b\n",
            b"\xff\xfe\xff",
            b'"a',
            b"petals\rlength\r",
            b"," * 100_000,
            b"=cmd,@SUM\n1,2\n",
            b"\xef\xbb\xbf",
        )
    ],
    post_form(
        "broken archive",
        build_part("file", b"PK\x03\x04" + b"\0" * 99, "a.zip"),
        build_part("model", "shades"),
        status=400,
        path=JOBS,
    ),
    post_form("batch job of a part without headers", status=400, path=JOBS, body=b"--limit\r\nNone--limit--\r\n"),
    *[
        post_json(f"webhook {value!r:.60}", HOOK | value, 400, path=HOOKS)
        for value in (
            {"url": 5.5},
            {"url": None},
            {"url": []},
            {"url": "https://"},
            {"url": "https://example.org/\0"},
            {"url": "https://example.org/\r\nHost: x"},
            {"url": "https://exa\ud800mple.org/"},
            {"url": "https://example.org:99999/"},
            {"url": "https://example.org/" + "x" * 500},
            {"url": "https://127.0.0.1/"},
            {"url": "https://[::ffff:7f00:1]/"},
            {"url": "file:///etc/passwd"},
            {"event_types": {}},
            {"event_types": [[]]},
            {"event_types": [None]},
            {"event_types": ["x" * 51]},
            {"event_types": ["prediction.succeeded"] * 101},
            {"description": []},
            {"description": "\0"},
            {"user": 1},
            {"state": "active"},
        )
    ],
    *[
        post_json(f"{name} of no webhook", {}, 404, "not-found", path=HOOKS + "{prediction}/" + name + "/")
        for name in ("pause", "resume", "secret", "test", "resend")
    ],
    post_form("images of no job", build_part("images", IMAGE, "a.png"), status=404, path=JOBS + "{prediction}/images/"),
    *[
        post_json(f"{name} of no job", {}, 404, "not-found", path=JOBS + "{prediction}/" + name + "/")
        for name in ("start", "cancel", "retry")
    ],
]
