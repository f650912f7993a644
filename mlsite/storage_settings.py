"""Settings of the storages of files, from environment variables. Import them after `.env` has been read.

Uploaded files are stored in S3_BUCKET, if it is set, and otherwise in MEDIA_ROOT. See docs/object-storage.md.
"""

from mlsite.environment import env

S3_BUCKET = env.get_text("S3_BUCKET")
S3_PREFIX = env.get_text("S3_PREFIX")  # of the names of the objects
S3_ENDPOINT_URL = env.get_text("S3_ENDPOINT_URL")  # if empty, AWS
S3_REGION = env.get_text("S3_REGION")
S3_TIMEOUT = env.get_seconds("S3_TIMEOUT", default=5.0, minimum=0)  # seconds without a response
S3_CONDITIONAL_WRITES = env.get_flag("S3_CONDITIONAL_WRITES", default=True)  # the server must support If-None-Match
S3_URL_SECONDS = env.get_integer("S3_URL_SECONDS", default=0)  # for which a signed URL of an image is valid; 0 for none
STORAGES = {
    "default": {"BACKEND": f"core.{'object_storage.ObjectStorage' if S3_BUCKET else 'storage.DurableFileSystemStorage'}"},
    "staticfiles": {"BACKEND": "core.static_storage.StaticFilesStorage"},
}
