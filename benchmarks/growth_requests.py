"""The requests that `benchmarks.growth` times: every list, filter, page, and admin list."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import product
from typing import Any, NamedTuple
from urllib.parse import urlencode

API, HISTORY = "/api/v1/predictions/", "/predictions/"
ADMIN_PREDICTIONS, ADMIN_INPUTS, ADMIN_REVIEWS = (
    f"/admin/predictions/{name}/" for name in ("prediction", "input", "review")
)
OPERATIONS, METRICS = "/operations/", "metrics:"
QUEUE = "/admin/predictions/review/queue/"


class TimedRequest(NamedTuple):
    """A GET request.

    Args:
        user: `heavy`, `light`, or `reviewer` (who sees all rows).
        streams: read only the first rows of the response.
    """

    user: str
    name: str
    url: str
    streams: bool = False


def list_requests(facts: dict[str, Any]) -> Iterator[TimedRequest]:
    """Yield all requests.

    Args:
        facts: what differs between the databases; see `read_facts` in `benchmarks.growth`.
    """
    filters = {**list_filters(facts), **list_combinations(facts)}
    for user in ("reviewer", "heavy", "light"):
        for name, parameters in filters.items():
            if user == "reviewer" or "user" not in parameters:
                yield TimedRequest(user, f"list {name}", _build_url(API, parameters))
        yield TimedRequest(user, "list next page", _build_url(API, {"cursor": facts["cursor"]}))
        yield TimedRequest(user, "export csv", API + "export/", streams=True)
        yield TimedRequest(
            user, "export jsonl verdict=incorrect", API + "export/?format=jsonl&verdict=incorrect", streams=True
        )
        for name, parameters in list_history_filters(facts).items():
            yield TimedRequest(user, f"history {name}", _build_url(HISTORY, parameters))
        yield TimedRequest(user, "history oldest page", _build_url(HISTORY, {"newer": facts["oldest"][user]}))
        yield TimedRequest(user, "detail page", f"{HISTORY}{facts['newest'][user]}/")
        yield TimedRequest(user, "detail API", f"{API}{facts['newest'][user]}/")
        yield TimedRequest(user, "models page", "/models/")
        yield TimedRequest(user, "models API", "/api/v1/models/")
    yield from list_queue_requests(facts)
    yield from list_admin_requests(facts)
    yield from list_metric_requests()


def list_filters(facts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each filter alone: with values that match many predictions, few, and none."""
    day, week = timedelta(days=1), timedelta(days=7)
    now, middle = facts["now"], facts["now"] - timedelta(days=45)
    return {
        "no filter": {},
        "page_size=100": {"page_size": 100},
        "include=features": {"include": "features"},
        **_vary("model", "digits", "digits@production", "digits:1", "digits:2", "iris", "iris:2", "spare", "unknown"),
        **_vary("version", 1, 2, 9),
        **_vary("label", "3", "setosa", "none-such"),
        **_vary("status", "succeeded", "failed", "queued", "canceled", "running"),
        **_vary("source", "web", "batch", "cli", "v2"),
        **_vary("min_confidence", 0, 0.9, 1),
        **_vary("max_confidence", 0.01, facts["low_confidence"], 0.5, 0.8, 1),
        "created last day": {"created_after": _format(now - day)},
        "created last week": {"created_after": _format(now - week)},
        "created in the future": {"created_after": _format(now + day)},
        "created one day": {"created_after": _format(middle), "created_before": _format(middle + day)},
        "created before the first day": {"created_before": _format(now - timedelta(days=89))},
        "created long ago": {"created_before": _format(now - timedelta(days=900))},
        **_vary("reviewed", "true", "false"),
        **_vary("verdict", "correct", "incorrect", "unsure"),
        **_vary("error_code", "model-failed", "inference-timeout", "none-such"),
        **_vary("true_label", "3", "setosa", "none-such"),
        **_vary("picked_by", "random", "manual", "newest"),
        **_vary("client_reference", facts["reference"], "repeated", "none-such"),
        **_vary("user", "heavy", "light", "nobody"),
    }


def list_combinations(facts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    middle = facts["now"] - timedelta(days=45)
    day = {"created_after": _format(middle), "created_before": _format(middle + timedelta(days=1))}
    return {
        "model, label": {"model": "digits", "label": "3"},
        "model, low confidence": {"model": "digits", "max_confidence": 0.5},
        "model, failed": {"model": "digits", "status": "failed"},
        "model, incorrect": {"model": "digits", "verdict": "incorrect"},
        "model, version without rows": {"model": "iris", "version": 2},
        "label of another model": {"model": "digits", "label": "setosa"},
        "failed with a label": {"status": "failed", "label": "3"},
        "failed, web": {"status": "failed", "source": "web"},
        "one day, failed": {**day, "status": "failed"},
        "one day, label": {**day, "label": "3"},
        "one day, incorrect": {**day, "verdict": "incorrect"},
        "not reviewed, low confidence": {"reviewed": "false", "max_confidence": 0.8},
        "not reviewed, model, label": {"reviewed": "false", "model": "iris", "label": "setosa"},
        "user, failed": {"user": "heavy", "status": "failed"},
        "user, label": {"user": "light", "label": "3"},
        "incorrect, low confidence": {"verdict": "incorrect", "max_confidence": 0.5},
    }


def list_history_filters(facts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    middle = facts["now"] - timedelta(days=45)
    return {
        "no filter": {},
        "older": {"older": facts["middle"]},
        "model=iris": {"model": "iris"},
        "label=none-such": {"label": "none-such"},
        "failed": {"status": "failed"},
        "incorrect": {"verdict": "incorrect"},
        "not reviewed": {"reviewed": "false"},
        "low confidence": {"max_confidence": 0.8},
        "one day": {"created_after": _format(middle), "created_before": _format(middle + timedelta(days=1))},
    }


def list_queue_requests(facts: dict[str, Any]) -> Iterator[TimedRequest]:
    for order in ("random", "uncertain", "margin", "label:3", "newest"):
        query = {"version": facts["versions"]["digits:1"], "order": order}
        yield TimedRequest("reviewer", f"review queue {order}", _build_url(QUEUE, query))
    for order in ("random", "uncertain"):
        query = {"version": facts["versions"]["spare:1"], "order": order}
        yield TimedRequest("reviewer", f"review queue {order}, no predictions", _build_url(QUEUE, query))


def list_admin_requests(facts: dict[str, Any]) -> Iterator[TimedRequest]:
    middle: datetime = facts["now"] - timedelta(days=45)
    month = {"created_at__year": middle.year, "created_at__month": middle.month}
    dates = {"year": {"created_at__year": middle.year}, "month": month, "day": month | {"created_at__day": middle.day}}
    common = {
        "first page": {},
        "last page": {"p": facts["last_page"]},
        **{f"date hierarchy {name}": query for name, query in dates.items()},
        "search ID": {"q": facts["newest"]["reviewer"]},
        "search heavy user": {"q": "heavy"},
        "search light user": {"q": "light"},
        "search nothing": {"q": "none-such"},
    }
    predictions = {
        "search reference": {"q": "repeated"},
        **{f"review={state}": {"review": state} for state in ("unreviewed", "agreed", "disagreed", "differ")},
        **{f"status={value}": {"status__exact": value} for value in ("succeeded", "failed", "queued", "running")},
        **{f"source={value}": {"source__exact": value} for value in ("web", "cli", "v2")},
        **{
            f"model={name}": {"model_version__model__id__exact": facts["models"][name]}
            for name in ("digits", "iris", "spare")
        },
        **{f"label={label}": {"label": label} for label in ("3", "setosa")},
        "model, failed": {"model_version__model__id__exact": facts["models"]["iris"], "status__exact": "failed"},
        "sorted by date": {"o": "9"},
        "sorted by confidence": {"o": "3"},
    }
    inputs = {
        "search SHA-256": {"q": facts["sha256"]},
        **{f"kind={kind}": {"kind__exact": kind} for kind in ("image", "tabular", "text")},
    }
    reviews = {
        **{f"verdict={value}": {"verdict__exact": value} for value in ("correct", "incorrect", "unsure")},
        **{f"picked_by={value}": {"picked_by__exact": value} for value in ("random", "manual", "newest")},
    }
    review_pages = {"first page": {}, "last page": {"p": facts["last_review_page"]}}
    for title, address, pages in (
        ("admin predictions", ADMIN_PREDICTIONS, common | predictions),
        ("admin inputs", ADMIN_INPUTS, common | inputs),
        ("admin reviews", ADMIN_REVIEWS, review_pages | reviews),
    ):
        for name, query in pages.items():
            yield TimedRequest("reviewer", f"{title} {name}", _build_url(address, query))
    yield TimedRequest("reviewer", "admin prediction", f"{ADMIN_PREDICTIONS}{facts['newest']['reviewer']}/change/")
    yield TimedRequest("reviewer", "admin input", f"{ADMIN_INPUTS}{facts['input']}/change/")
    yield TimedRequest("reviewer", "admin models", "/admin/registry/registeredmodel/")
    yield TimedRequest("reviewer", "admin index", "/admin/")


def list_metric_requests() -> Iterator[TimedRequest]:
    """Yield the pages with metrics, which have a limit of their own."""
    for window in ("24h", "7d", "30d", "90d"):
        yield TimedRequest("reviewer", f"{METRICS} operations {window}", _build_url(OPERATIONS, {"window": window}))
        for model, version, against in product(("digits", "diabetes"), (1, 2), ("before", "earlier")):
            query = {"window": window, "model": model, "version": version, "against": against}
            name = f"{METRICS} drift {window}, {model}:{version}, {against}"
            yield TimedRequest("reviewer", name, _build_url(f"{OPERATIONS}drift/", query))
    for model in ("digits", "diabetes"):
        yield TimedRequest("reviewer", f"{METRICS} evaluation {model}", f"/models/{model}/evaluation/")
        url = f"/models/{model}/evaluation/?version=1&compare=2"
        yield TimedRequest("reviewer", f"{METRICS} evaluation {model}, compared", url)


def _vary(name: str, *values: Any) -> dict[str, dict[str, Any]]:
    return {f"{name}={value}": {name: value} for value in values}


def _format(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _build_url(path: str, parameters: dict[str, Any]) -> str:
    return f"{path}?{urlencode(parameters)}" if parameters else path
