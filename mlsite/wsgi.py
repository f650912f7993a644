"""WSGI application, which gunicorn serves."""

import os

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_started
from django.core.wsgi import get_wsgi_application
from django.db import reset_queries

from core.database_limits import use_request_limits
from core.private_files import protect_files
from mlsite.logging_config import skip_unused_fields
from mlsite.requests import Utf8Request

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlsite.settings")
application: WSGIHandler = get_wsgi_application()
application.request_class = Utf8Request
use_request_limits()
protect_files()
skip_unused_fields()
if not settings.DEBUG:
    request_started.disconnect(reset_queries)  # only DEBUG records queries
