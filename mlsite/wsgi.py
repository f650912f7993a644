"""WSGI application, which gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from core.database_limits import use_request_limits

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlsite.settings")
application = get_wsgi_application()
use_request_limits()
