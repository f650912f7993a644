"""Settings for tests: mlsite's own, with nothing of a developer's .env, in memory where that changes no behaviour."""

import os
import tempfile

os.environ["ENV_FILE"] = ""
os.environ.setdefault("SECRET_KEY", "tests")
for _name in ("DEBUG", "HTTPS", "API_RATE", "ALLOW_SIGNUP", "DEFAULT_MODEL", "METRICS_PUBLIC"):
    os.environ.pop(_name, None)
_folder = tempfile.mkdtemp(prefix="mlsite-tests-")
os.environ["MEDIA_ROOT"] = os.path.join(_folder, "media")
os.environ["MODEL_ROOT"] = os.path.join(_folder, "models")
os.environ.setdefault("DATABASE_URL", f"sqlite:///{_folder}/db.sqlite3")

from mlsite.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
DATABASES["default"]["CONN_MAX_AGE"] = 0  # noqa: F405
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file, not memory: threads of one test then see one database, as in production.
    DATABASES["default"]["TEST"] = {"NAME": os.path.join(_folder, "test.sqlite3")}  # noqa: F405
