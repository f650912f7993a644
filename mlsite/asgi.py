"""ASGI application. Predictions run in threads. Only the WSGI application with gunicorn is covered by tests."""

import os

from django.core.asgi import get_asgi_application

from core.database_limits import use_request_limits
from core.private_files import protect_files

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlsite.settings")
application = get_asgi_application()
use_request_limits()
protect_files()
