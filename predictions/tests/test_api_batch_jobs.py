"""The API of batch jobs."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from inference.tests.factories import make_image
from predictions.batch_jobs.progress import get_progress
from predictions.models import BatchJob, BatchJobImage, BatchJobItem, Prediction
from predictions.tests.batch_jobs import JOBS_URL, make_image_zip, make_job, make_rows, run_job
from predictions.tests.factories import PREDICTIONS_URL, list_stored_files

pytestmark = pytest.mark.django_db


def upload(client, data, name="rows.csv", **fields):
    data = data.encode() if isinstance(data, str) else data
    return client.post(JOBS_URL, {"file": SimpleUploadedFile(name, data), "model": "flowers", **fields})


def get_job(response):
    return BatchJob.objects.get(pk=response.json()["id"])


def read_results(client, job):
    response = client.get(f"{JOBS_URL}{job.pk}/results/")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode())))


def test_a_table_is_uploaded_predicted_and_downloaded(flowers, api, settings):
    text = 'id,length,petals,note\n=1+1,1,2,-1.5\n7,x,2,-x\n@a,"3",4,+1\n'
    response = upload(api, text)
    body = response.json()
    assert (response.status_code, body["status"], body["kind"], body["preview"]) == (201, "queued", "table", None)
    assert (body["model"], body["model_version"], body["original_name"], body["size"]) == (
        "flowers",
        1,
        "rows.csv",
        len(text),
    )
    assert (response["Location"], body["progress"]["total"]) == (body["url"], 3)
    (path,) = list_stored_files(settings)
    assert (path.read_text(), path.parent.name, path.stat().st_mode & 0o777) == (text, "batch-jobs", 0o640)
    job = run_job(get_job(response))
    body = api.get(body["url"]).json()
    assert (body["status"], body["error"]) == ("succeeded", None)
    assert body["progress"] == {
        "total": 3, "done": 3, "succeeded": 2, "failed": 1, "remaining": 0, "percent": 100, "items_per_second": None,
        "seconds_left": None,
    }  # fmt: skip
    header, *rows = read_results(api, job)
    assert header == ["id", "length", "petals", "note", "label", "confidence", "value", "error", "prediction_id"]
    assert [row[:4] for row in rows] == [["'=1+1", "1", "2", "-1.5"], ["7", "x", "2", "'-x"], ["'@a", "3", "4", "+1"]]
    assert [row[6] for row in rows] == ["3.0", "", "7.0"]
    assert rows[1][7].startswith("Line 3: length: Expected a number from 0 to 10 cm")
    listed = api.get(body["predictions_url"]).json()["results"]
    assert [item["id"] for item in listed] == [rows[2][8], rows[0][8]]
    assert api.get(f"{PREDICTIONS_URL}?batch_job=01a1fb01-0971-77a1-91ee-40e3b3456e9b").json()["results"] == []
    assert api.get(f"{PREDICTIONS_URL}?batch_job=x").status_code == 400


def test_a_draft_without_images_is_not_complete():
    draft = BatchJob(status=BatchJob.Status.DRAFT, total_items=0)
    assert get_progress(draft).percent == 0


def test_a_draft_has_a_preview_and_starts_with_a_mapping(flowers, api):
    text = "Length;blooms;id\n1,5;2;x\n1;y;z\n"
    response = upload(api, text, start="false", mapping='{"colour": null}')
    body = response.json()
    assert (response.status_code, body["status"], body["progress"]["total"]) == (201, "draft", 2)
    assert body["preview"] == {
        "encoding": "utf-8",
        "delimiter": ";",
        "columns": ["Length", "blooms", "id"],
        "rows": body["preview"]["rows"],
        "mapping": {"length": "Length", "petals": None, "colour": None, "wild": None},
        "unused": ["blooms", "id"],
        "missing": ["petals"],
        "names": [],
    }
    assert [row["cells"] for row in body["preview"]["rows"]] == [["1,5", "2", "x"], ["1", "y", "z"]]
    assert "petals" in body["preview"]["rows"][0]["error"]
    response = api.post(f"{body['url']}start/", content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (400, "missing-columns")
    response = api.post(f"{body['url']}start/", {"mapping": {"petals": "blooms"}}, content_type="application/json")
    assert (response.status_code, response.json()["status"], response.json()["preview"]) == (200, "queued", None)
    job = run_job(get_job(response))
    assert (job.succeeded_items, job.failed_items) == (1, 1)
    response = api.post(f"{body['url']}start/")
    assert (response.status_code, response.json()["code"]) == (409, "wrong-job-status")


def test_a_preview_shows_damaged_and_long_cells(flowers, api):
    data = "length,petals,é\n1,2,".encode() + b"\xe9\n1,2," + b"x" * 5000 + b"\n"
    rows = upload(api, data, start="false").json()["preview"]["rows"]
    assert (rows[0]["cells"][2], len(rows[1]["cells"][2])) == ("\N{REPLACEMENT CHARACTER}", 200)
    assert rows[0]["error"] == "The row contains bytes that are not valid UTF-8 text."


def test_an_archive_has_a_preview_of_names(shades, api):
    body = upload(api, make_image_zip(12), "a.zip", model="shades", start="false").json()
    assert (body["kind"], body["progress"]["total"]) == ("archive", 12)
    assert body["preview"]["names"] == [f"images/{n:04}.png" for n in range(10)]


def test_images_are_uploaded_in_parts(shades, api, settings, django_capture_on_commit_callbacks):
    response = api.post(JOBS_URL, {"model": "shades", "kind": "images"}, content_type="application/json")
    assert (response.status_code, response.json()["status"], response.json()["kind"]) == (201, "draft", "images")
    url = response.json()["url"]
    images = [SimpleUploadedFile(f"{shade}.png", make_image(shade)) for shade in (0, 255)]
    for status in ("added", "exists"):
        for image in images:
            image.seek(0)
        response = api.post(f"{url}images/", {"images": images, "first_number": 1})
        assert (response.status_code, [item["status"] for item in response.json()["results"]]) == (201, [status] * 2)
    response = api.post(f"{url}images/", {"images": [SimpleUploadedFile("x.png", make_image(9))], "first_number": 1})
    assert response.json()["results"][0]["error"]["code"] == "number-in-use"
    response = api.post(f"{url}images/", {"images": images, "first_number": 2**31 - 1})  # the second number is too large
    assert (response.status_code, response.json()["code"]) == (400, "max-value")
    assert (len(list_stored_files(settings)), BatchJobImage.objects.count()) == (2, 2)
    assert api.post(f"{url}start/").json()["progress"]["total"] == 2
    with django_capture_on_commit_callbacks(execute=True):
        job = run_job(get_job(api.get(url)))
    header, *rows = read_results(api, job)
    assert header == ["file", "label", "confidence", "value", "error", "prediction_id"]
    assert [row[:2] for row in rows] == [["0.png", "black"], ["255.png", "white"]]
    assert len(list_stored_files(settings)) == 2


def test_a_repeated_request_with_a_key_creates_nothing(flowers, shades, api, settings):
    headers = {"Idempotency-Key": "k1"}
    file = SimpleUploadedFile("rows.csv", make_rows(2).encode())
    responses = []
    for _ in range(2):
        file.seek(0)
        responses.append(api.post(JOBS_URL, {"file": file, "model": "flowers"}, headers=headers))
    assert [response.status_code for response in responses] == [201, 201]
    assert responses[0].json() == responses[1].json()
    assert responses[1]["Idempotent-Replayed"] == "true"
    assert (BatchJob.objects.count(), len(list_stored_files(settings))) == (1, 1)
    other = api.post(JOBS_URL, {"file": SimpleUploadedFile("rows.csv", make_rows(3).encode())}, headers=headers)
    assert (other.status_code, len(list_stored_files(settings))) == (422, 1)
    url = api.post(JOBS_URL, {"model": "shades"}, content_type="application/json").json()["url"]
    image = SimpleUploadedFile("x.png", make_image(9))
    for _ in range(2):
        image.seek(0)
        response = api.post(f"{url}images/", {"images": [image]}, headers={"Idempotency-Key": "k2"})
        assert response.json()["results"][0]["number"] == 1
    assert (BatchJobImage.objects.count(), len(list_stored_files(settings))) == (1, 2)


def test_columns_with_the_names_of_results_are_not_mixed_up(flowers, user, api):
    job = run_job(make_job(user, "length,petals,value,label,result_value\n1,2,old,x,y\n"))
    header, row = read_results(api, job)
    assert header[2:8] == ["value", "label", "result_value", "result_label", "confidence", "result_result_value"]
    assert (row[2], row[7]) == ("old", "3.0")


def test_results_contain_labels_and_undecodable_bytes(blends, flowers, user, api):
    job = run_job(make_job(user, make_image_zip(2), "blends"))
    header, first, _ = read_results(api, job)
    assert (header[2], first[2]) == ("labels", '["black"]')
    job = run_job(make_job(user, "length,petals,x\n1,2,é\n1,2,".encode() + b"\xe9\n"))
    assert [row[2] for row in read_results(api, job)[1:]] == ["é", "\N{REPLACEMENT CHARACTER}"]


# --- who may see and change a job


def test_jobs_of_other_users_look_like_unknown_ids(flowers, user, other, reviewer, superuser, token_headers):
    job = make_job(user, make_rows(2), start=False)
    unknown = "01a1fb01-0971-77a1-91ee-40e3b3456e9b"
    clients = {person: Client(headers=token_headers(person)) for person in (user, other, reviewer, superuser)}
    image = {"images": [SimpleUploadedFile("x.png", make_image(9))]}
    for action in ("", "results/", "start/", "cancel/", "retry/", "images/"):
        method = "get" if action in ("", "results/") else "post"
        responses = [
            getattr(clients[other], method)(f"{JOBS_URL}{key}/{action}", image if action == "images/" else None)
            for key in (job.pk, unknown)
        ]
        assert [response.status_code for response in responses] == [404, 404], action
        assert responses[0].content == responses[1].content
    assert [len(clients[person].get(JOBS_URL).json()["results"]) for person in clients] == [1, 0, 1, 1]
    assert clients[reviewer].get(f"{JOBS_URL}{job.pk}/results/").status_code == 200
    for action in ("start/", "cancel/", "retry/"):
        assert clients[reviewer].post(f"{JOBS_URL}{job.pk}/{action}").status_code == 403
    assert clients[superuser].post(f"{JOBS_URL}{job.pk}/cancel/").json()["status"] == "canceled"
    assert clients[user].delete(f"{JOBS_URL}{job.pk}/").status_code == 405


def test_jobs_are_listed_newest_first_with_filters(flowers, user, api, django_assert_max_num_queries):
    jobs = [make_job(user, make_rows(2), start=False) for _ in range(5)]
    with django_assert_max_num_queries(5):
        body = api.get(f"{JOBS_URL}?page_size=3").json()
    assert [item["id"] for item in body["results"]] == [str(job.pk) for job in reversed(jobs[2:])]
    assert len(api.get(body["next"]).json()["results"]) == 2
    assert len(api.get(f"{JOBS_URL}?status=draft&kind=table").json()["results"]) == 5
    assert api.get(f"{JOBS_URL}?status=queued").json()["results"] == []
    for query in ("status=x", "hue=1", "user__username=ada"):
        assert api.get(f"{JOBS_URL}?{query}").status_code == 400


def test_a_job_is_canceled_and_retried(flowers, api):
    url = upload(api, make_rows(2)).json()["url"]
    assert api.post(f"{url}retry/").json()["code"] == "wrong-job-status"
    assert api.post(f"{url}cancel/").json()["status"] == "canceled"
    assert api.post(f"{url}cancel/").status_code == 200
    assert api.post(f"{url}start/").status_code == 409
    assert api.post(f"{url}retry/").json()["status"] == "queued"
    job = run_job(BatchJob.objects.get())
    assert (BatchJobItem.objects.count(), Prediction.objects.count(), job.status) == (2, 2, "succeeded")
    assert api.post(f"{url}cancel/").status_code == api.post(f"{url}retry/").status_code == 409


def test_a_missing_file_is_a_problem(flowers, user, api):
    job = make_job(user, make_rows(2), start=False)
    job.file.storage.delete(job.file.name)
    assert api.get(f"{JOBS_URL}{job.pk}/").json()["preview"] is None
    responses = [api.get(f"{JOBS_URL}{job.pk}/results/"), api.post(f"{JOBS_URL}{job.pk}/start/")]
    api.post(f"{JOBS_URL}{job.pk}/cancel/")
    responses.append(api.post(f"{JOBS_URL}{job.pk}/retry/"))
    assert [(response.status_code, response.json()["code"]) for response in responses] == [(500, "stored-file-missing")] * 3
