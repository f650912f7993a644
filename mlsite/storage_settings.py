"""Settings of the storages of files, from environment variables. Import them after `.env` has been read.

Uploaded files are stored in S3_BUCKET, if it is set, and otherwise in MEDIA_ROOT. See docs/object-storage.md.
"""

import environ

env = environ.Env()

S3_BUCKET = env.str("S3_BUCKET", default="")
S3_PREFIX = env.str("S3_PREFIX", default="")  # of the names of the objects
S3_ENDPOINT_URL = env.str("S3_ENDPOINT_URL", default="")  # if empty, AWS
S3_REGION = env.str("S3_REGION", default="")
S3_TIMEOUT = env.float("S3_TIMEOUT", default=5.0)  # seconds without a response
S3_CONDITIONAL_WRITES = env.bool("S3_CONDITIONAL_WRITES", default=True)  # the server must support If-None-Match
S3_URL_SECONDS = env.int("S3_URL_SECONDS", default=0)  # for which a signed URL of an image is valid; 0 for no such URLs
STORAGES = {
    "default": {"BACKEND": f"core.{'object_storage.ObjectStorage' if S3_BUCKET else 'storage.DurableFileSystemStorage'}"},
    "staticfiles": {"BACKEND": "core.static_storage.StaticFilesStorage"},
}
