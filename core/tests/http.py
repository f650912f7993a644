"""What the tests of the API share."""

from django.core.files.uploadedfile import SimpleUploadedFile

from inference.tests.pictures import picture

LIST = "/api/v1/predictions/"


def upload(data=None, name="seven.png"):
    return SimpleUploadedFile(name, picture(255) if data is None else data, "text/html")


def problem(response, status, code):
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert (body["status"], body["code"], body["type"]) == (status, code, "about:blank")
    assert body["detail"]
    assert {"title", "errors"} <= body.keys()
    return body
