"""Send each hostile request to the API or to a page, and check that it is rejected as expected and leaves nothing behind."""

from __future__ import annotations

import re
from pathlib import Path
from time import thread_time

import pytest
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from gunicorn.http.wsgi import HEADER_VALUE_RE
from psycopg2.extensions import TRANSACTION_STATUS_INERROR
from rest_framework.negotiation import BaseContentNegotiation

from accounts.models import ApiToken, IdempotencyKey, User
from accounts.services import create_token
from core.admin import GuardedAdmin
from core.api.negotiation import IgnoreAcceptNegotiation, JSONNegotiation
from evaluation.services.replays import create_replay
from inference.tests.factories import make_noise_image
from mlsite.tests.hostile.accounts import ACCOUNTS
from mlsite.tests.hostile.addresses import ADDRESSES
from mlsite.tests.hostile.admin_pages import ADMIN
from mlsite.tests.hostile.annotations import ANNOTATIONS
from mlsite.tests.hostile.bodies import BODIES
from mlsite.tests.hostile.endpoints import ENDPOINTS
from mlsite.tests.hostile.pages import PAGES
from mlsite.tests.hostile.queries import QUERIES
from mlsite.tests.hostile.rows import ROWS, TESTS
from mlsite.tests.hostile.uploads import UPLOADS
from predictions.models import (
    BatchJob,
    Input,
    Prediction,
    PredictionComment,
    PredictionTag,
    Review,
    ReviewAssignment,
    ReviewGoal,
)
from predictions.services.batch_jobs import create_batch_job
from predictions.tests.factories import PREDICTIONS_URL, list_stored_files, make_prediction
from registry.references import resolve_model
from registry.services import register_model

# PostgreSQL refuses more values than SQLite, so `make test` sends the cases only to a site with PostgreSQL.
pytestmark = [pytest.mark.django_db, *([pytest.mark.slow] if connection.vendor == "sqlite" else [])]

MAX_SECONDS = 2  # of CPU, which does not depend on other processes
FOLDER = Path(__file__).parents[2]
ROOT = re.escape(str(FOLDER).encode())
LEAK = re.compile(rb'Traceback|File "|site-packages|psycopg2|sqlite3|django\.db|' + ROOT)
ANNOTATED = (PredictionTag, PredictionComment, ReviewAssignment, ReviewGoal)
COUNTED = (User, ApiToken, Input, Prediction, Review, BatchJob, IdempotencyKey, *ANNOTATED)
REFUSED = (400, 415)  # one of these, if an upload states no status and was not accepted


@pytest.fixture
def site(shades, flowers, reviews, user, other, superuser, settings, write_dummy):
    """Return the clients by caller, and the ids that paths refer to."""
    settings.AXES_ENABLED = False  # the lock would hide all other responses; see accounts/tests/test_signin.py
    own, theirs = (make_prediction(person, make_noise_image(9)) for person in (user, other))
    _, secret = create_token(user=user, name="hostile")
    clients = {name: Client() for name in ("user", "superuser", "nobody")}
    clients["token"] = Client(headers={"authorization": f"Bearer {secret}"})
    clients["user"].force_login(user)
    clients["superuser"].force_login(superuser)
    owners, resolved = {"job": user, "other_job": other}, resolve_model("shades")
    jobs = {name: create_batch_job(user=owner, resolved=resolved, expected_items=1) for name, owner in owners.items()}
    second = register_model(path=write_dummy(fixed=[0, 1, 0]))
    replay = create_replay(user=superuser, version=second, baseline=shades)
    names = {name: job.pk for name, job in jobs.items()} | {"replay": replay.pk, "superuser": superuser.pk}
    names |= {"prediction": own.pk, "input": own.input_id, "other": theirs.pk, "other_input": theirs.input_id}
    for client in clients.values():
        client.raise_request_exception = False
    return clients, {**names, "version": shades.pk, "secret": secret}


def count_rows(settings):
    return {model.__name__: model.objects.count() for model in COUNTED} | {"files": len(list_stored_files(settings))}


def fill_in(text, names):
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def send(case, clients, names):
    body = fill_in(case.body.decode("latin-1"), names).encode("latin-1")
    path = fill_in(case.path, names)
    savepoint = transaction.savepoint()
    extra = {"CONTENT_TYPE": case.content_type} if case.content_type else {}  # which the client omits without a body
    response = clients[case.caller].generic(case.method, path, body, case.content_type, headers=case.headers, **extra)
    if connection.vendor == "postgresql" and connection.connection.get_transaction_status() == TRANSACTION_STATUS_INERROR:
        transaction.savepoint_rollback(savepoint)  # the request has no transaction except for that of the test
    return response


def find_fault(case, response, seconds, is_changed):
    """Return what is wrong with a response, or an empty string."""
    content = b"" if response.streaming else response.content
    if response.status_code not in case.statuses:
        return f"status {response.status_code} instead of {case.status}: {content[:200]!r}"
    if response.status_code >= 400 and case.path.startswith("/api/") and case.method != "HEAD":
        if response["Content-Type"] != "application/problem+json":
            return f"type {response['Content-Type']}"
        if case.code and response.json()["code"] != case.code:
            return f"code {response.json()['code']} instead of {case.code}: {response.json()['detail'][:200]}"
    if response.status_code >= 400 and LEAK.search(content):
        return f"leaks {LEAK.search(content)[0]!r}"
    if fault := find_header_fault(response):
        return fault
    if is_changed:
        return "changes rows or files"
    return "" if seconds < MAX_SECONDS else f"takes {seconds:.1f} s"


def find_header_fault(response):
    values = [*response.headers.values(), *(cookie.output(header="") for cookie in response.cookies.values())]
    if not all(HEADER_VALUE_RE.fullmatch(value) for value in values):
        return "has a header that gunicorn does not send"
    return f"redirects to {response['Location']}" if "evil.com" in response.get("Location", "").partition("?")[0] else ""


def test_hostile_uploads_have_the_same_result_on_the_page_and_in_the_api(site, settings):
    """Send each file to the API and to the page. Both accept it, or both reject it with the same status."""
    clients, _ = site
    faults = []
    for upload in UPLOADS:
        before = count_rows(settings)
        responses = []
        for caller, path in (("token", PREDICTIONS_URL), ("user", "/")):
            started = thread_time()
            file = SimpleUploadedFile(upload.file_name, upload.data, "text/html")
            responses.append(clients[caller].post(path, {"image": file, "model": "shades"}))
            if thread_time() - started > MAX_SECONDS:
                faults.append(f"{upload.name} on {path}: takes {thread_time() - started:.1f} s")
        if fault := find_upload_fault(upload, *responses, stored=count_rows(settings)["Input"] - before["Input"]):
            faults.append(f"{upload.name}: {fault}")
        if responses[0].status_code != 201 and count_rows(settings) != before:
            faults.append(f"{upload.name}: leaves rows or files")
    assert not faults, "\n".join(faults)


def find_upload_fault(upload, api, page, stored):
    status = api.status_code
    body = api.json()
    allowed = (upload.status,) if upload.status else (201, *REFUSED)
    if status not in allowed or (upload.code and body.get("code") != upload.code):
        return f"{status} {body.get('code')} instead of {upload.status} {upload.code}: {body.get('detail')}"
    if page.status_code != (302 if status == 201 else status):
        return f"{page.status_code} of the page, {status} of the API"
    if LEAK.search(api.content) or LEAK.search(page.content):
        return "leaks a path"
    return "" if stored == (2 if status == 201 else 0) else f"{stored} stored"


@pytest.mark.once
def test_every_model_admin_checks_keys_dates_and_searches():
    unguarded = [str(row) for row in admin.site._registry.values() if not isinstance(row, GuardedAdmin)]
    assert not unguarded, "These must inherit from core.admin.GuardedAdmin."


@pytest.mark.once
def test_every_view_that_negotiates_selects_a_parser():
    """Django reads the form of each POST request of a session, also if the view does not allow POST."""
    classes = set(iterate_subclasses(BaseContentNegotiation))
    assert {IgnoreAcceptNegotiation, JSONNegotiation} <= classes
    for negotiation in classes:
        assert negotiation.select_parser is not BaseContentNegotiation.select_parser, negotiation
        assert negotiation.select_renderer is not BaseContentNegotiation.select_renderer, negotiation


def iterate_subclasses(base):
    for subclass in base.__subclasses__():
        yield subclass
        yield from iterate_subclasses(subclass)


TOPICS = {
    "bodies": BODIES,
    "endpoints": ENDPOINTS,
    "addresses": ADDRESSES,
    "queries": QUERIES,
    "accounts": ACCOUNTS,
    "admin": ADMIN,
    "annotations": ANNOTATIONS,
    "pages": PAGES,
}


@pytest.mark.parametrize("topic", TOPICS)
def test_hostile_requests_are_rejected_in_time_and_store_nothing(site, settings, topic):
    clients, names = site
    before, faults = count_rows(settings), []
    for case in TOPICS[topic]:
        started = thread_time()
        response = send(case, clients, names)
        seconds = thread_time() - started
        after = before if case.method == "GET" else count_rows(settings)
        if fault := find_fault(case, response, seconds, after != before):
            faults.append(f"{case.name[:60]} ({case.caller} {case.method} {case.path[:80]}): {fault}")
        before = after
    assert count_rows(settings) == before, "A GET request changes rows or files."
    assert not faults, f"{len(faults)} of {len(TOPICS[topic])}:\n" + "\n".join(faults)


@pytest.mark.once
def test_every_row_has_a_case_or_a_test():
    names = [case.name for topic in (*TOPICS.values(), UPLOADS) for case in topic]
    covered = {name.partition(" ")[0] for name in names} | TESTS.keys()
    assert set(ROWS) <= covered, set(ROWS) - covered
    for path, _, name in (test.partition("::") for tests in TESTS.values() for test in tests):
        assert f"\ndef {name}(" in (FOLDER / path).read_text(), f"{path} has no {name}"


@pytest.mark.once
def test_there_are_many_different_cases():
    cases = [case for topic in TOPICS.values() for case in topic]
    assert len({(case.name, case.caller) for case in cases}) + len(UPLOADS) > 700
