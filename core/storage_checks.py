"""System checks of the object storage. They do not connect to it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, Warning, register

from core.urls import LOCAL_HOSTS

MAX_URL_SECONDS = 300
MAX_OBJECT_BYTES = 5 * 2**30  # of one request, see docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html


@register()
def check_object_storage(**options: Any) -> list[Error]:
    """Check the settings of the bucket, if there is one."""
    if not settings.S3_BUCKET:
        return []
    if not all(map(find_spec, ("boto3", "storages"))):
        hint = "Run make install-s3, or unset S3_BUCKET to store files in MEDIA_ROOT."
        return [Error("S3_BUCKET is set, but boto3 and django-storages are not installed.", hint=hint, id="core.E018")]
    errors = []
    url = urlsplit(settings.S3_ENDPOINT_URL)
    if settings.S3_ENDPOINT_URL and (url.scheme not in ("http", "https") or not url.hostname):
        hint = "Set it to a URL such as https://storage.example.org, or leave it empty for AWS."
        errors.append(Error(f"S3_ENDPOINT_URL is not a URL: {settings.S3_ENDPOINT_URL}", hint=hint, id="core.E019"))
    if not 0 <= settings.S3_URL_SECONDS <= MAX_URL_SECONDS:
        hint = f"Set it to a number of seconds up to {MAX_URL_SECONDS}, or to 0 to serve all images through the site."
        errors.append(Error(f"S3_URL_SECONDS is out of range: {settings.S3_URL_SECONDS}", hint=hint, id="core.E020"))
    if settings.S3_TIMEOUT <= 0:
        hint = "Set it to a number of seconds, for example 5."
        errors.append(Error(f"S3_TIMEOUT is not positive: {settings.S3_TIMEOUT:g}", hint=hint, id="core.E021"))
    if settings.MAX_BATCH_FILE_BYTES > MAX_OBJECT_BYTES:
        hint = f"Set it to {MAX_OBJECT_BYTES} or less."
        message = f"MAX_BATCH_FILE_BYTES is larger than the largest possible object: {settings.MAX_BATCH_FILE_BYTES}"
        errors.append(Error(message, hint=hint, id="core.E022"))
    return errors


@register(deploy=True)
def check_encrypted_storage(**options: Any) -> list[Warning]:
    """Warn about an object storage on another machine without HTTPS."""
    url = urlsplit(settings.S3_ENDPOINT_URL)
    if settings.S3_BUCKET and url.scheme == "http" and url.hostname not in {host.strip("[]") for host in LOCAL_HOSTS}:
        hint = "Use https, or a network that nobody else can read."
        return [Warning("S3_ENDPOINT_URL is not encrypted: files are sent in plain text.", hint=hint, id="core.W011")]
    return []
