"""Settings for tests: the default settings, without the .env file, and with a temporary folder."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

INHERITED_VARIABLES = {"DATABASE_URL", "SECRET_KEY"}

_folder = tempfile.mkdtemp(prefix="mlsite-tests-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
for _line in (Path(__file__).parents[2] / ".env.example").read_text().splitlines():
    if (_name := _line.lstrip("# ").partition("=")[0]).isupper() and _name not in INHERITED_VARIABLES:
        os.environ.pop(_name, None)
os.environ |= {"ENV_FILE": "", "VAR_DIR": _folder}
os.environ.setdefault("SECRET_KEY", "tests")

from mlsite.settings import *  # noqa: E402, F403

Path(STATIC_ROOT).mkdir()  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast; tests of the running site use Argon2
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
SITE_URL = "http://testserver"
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
DATABASE["CONN_MAX_AGE"] = 0  # noqa: F405
if DATABASE["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file: with a database in memory, the threads of a test would not share it.
    DATABASE["TEST"] = {"NAME": f"{_folder}/test.sqlite3"}  # noqa: F405
