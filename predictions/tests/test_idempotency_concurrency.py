"""Many threads with one Idempotency-Key or one unique reference, and connections lost in COMMIT: one prediction."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from django.db import OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client

from accounts.models import IdempotencyKey
from core.tests.problems import assert_problem
from predictions.models import Input, Prediction
from predictions.services import references
from predictions.tests.factories import PREDICTIONS_URL, make_upload
from predictions.tests.request_builders import ROW

THREADS = 100


def send_at_once(headers, send, count=THREADS):
    """Call a function with a client of its own in many threads at the same time. Return the results."""
    barrier = threading.Barrier(count)

    def run(number):
        barrier.wait(60)
        try:
            return send(Client(headers=headers))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as executor:
        return list(executor.map(run, range(count)))


def send_row(client, url=PREDICTIONS_URL, **headers):
    body = {"features": ROW, "model": "flowers", "client_reference": "scan-42"}
    return client.post(url, json.dumps(body), "application/json", headers=headers)


def send_image(client, key="a"):
    return client.post(PREDICTIONS_URL, {"image": make_upload()}, headers={"idempotency-key": key})


@pytest.mark.django_db(transaction=True)
def test_100_threads_with_one_key_store_one_prediction(flowers, user, token_headers):
    headers = token_headers(user)
    responses = send_at_once(headers, lambda client: send_row(client, **{"idempotency-key": "a"}))
    created = [response for response in responses if response.status_code == 201]
    refused = [response for response in responses if response.status_code == 409]
    assert len(created) + len(refused) == THREADS
    assert len({response.content for response in created}) == 1
    assert sum("Idempotent-Replayed" not in response for response in created) == 1
    assert all(response.json()["code"] == "idempotency-key-in-use" for response in refused)
    assert Prediction.objects.count() == Input.objects.count() == IdempotencyKey.objects.count() == 1
    assert send_row(Client(headers=headers), **{"idempotency-key": "a"}).content == created[0].content


@pytest.mark.django_db(transaction=True)
def test_20_threads_with_one_unique_reference_store_one_prediction(flowers, user, token_headers, monkeypatch):
    is_taken, two_threads = references._is_taken, threading.Barrier(2)

    def wait_after_check(prediction):
        taken = is_taken(prediction)
        with suppress(threading.BrokenBarrierError):  # the first thread waits in vain, because it has the lock
            two_threads.wait(0.5)
        return taken

    monkeypatch.setattr(references, "_is_taken", wait_after_check)
    url = f"{PREDICTIONS_URL}?unique_reference=true"
    responses = send_at_once(token_headers(user), lambda client: send_row(client, url), count=20)
    assert sorted(response.status_code for response in responses) == [200] * 19 + [201]
    assert len({response.content for response in responses}) == 1
    assert Prediction.objects.count() == Input.objects.count() == 1


@pytest.fixture
def lose_session(transactional_db):
    """Let PostgreSQL end the session that stores the next response, in COMMIT and before anything is stored."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connection to lose")
    with connection.cursor() as cursor:
        cursor.execute("CREATE SEQUENCE lost")
        cursor.execute(
            "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.status_code IS NOT NULL "
            "AND nextval('lost') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NEW; END $$"
        )
        cursor.execute(
            "CREATE CONSTRAINT TRIGGER lose AFTER UPDATE ON predictions_idempotencykey DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION lose()"
        )
    yield
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION lose CASCADE; DROP SEQUENCE lost")


def test_a_session_lost_before_commit_stores_nothing_and_the_retry_stores_once(lose_session, shades, user, token_headers):
    api = Client(headers=token_headers(user))
    assert_problem(send_image(api), 503, "database-unavailable")
    assert not Prediction.objects.exists()
    first = send_image(api)
    assert first.status_code == 201
    assert "Idempotent-Replayed" not in first
    assert send_image(api).content == first.content
    assert Prediction.objects.count() == Input.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_session_lost_after_commit_stores_once_and_the_retry_gets_the_response(shades, user, token_headers, monkeypatch):
    """The server does not know whether the database has committed. The retry at once gets the response."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connection to lose")
    api, commit, is_storing = Client(headers=token_headers(user)), BaseDatabaseWrapper._commit, []

    def watch(execute, sql, params, many, context):
        if sql.startswith('UPDATE "predictions_idempotencykey"') and "status_code" in sql.partition("WHERE")[0]:
            is_storing.append(True)
        return execute(sql, params, many, context)

    def commit_and_lose(self):
        commit(self)
        if is_storing:
            monkeypatch.undo()
            self.connection.close()
            raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(BaseDatabaseWrapper, "_commit", commit_and_lose)
    with connection.execute_wrapper(watch):
        assert_problem(send_image(api), 503, "database-unavailable")
    stored = Prediction.objects.get()
    retry = send_image(api)
    assert (retry.status_code, retry.json()["id"], retry["Idempotent-Replayed"]) == (201, str(stored.pk), "true")
    assert Prediction.objects.count() == Input.objects.count() == 1
    assert api.get(retry.json()["input"]["image_url"]).status_code == 200
