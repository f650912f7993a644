"""The WSGI application, for gunicorn."""

import os

from django.core.signals import request_finished
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlsite.settings")
application = get_wsgi_application()

from mlsite.scheduler import HourlyRollup  # noqa: E402  its models need the application

keep_rolled_up = HourlyRollup()
request_finished.connect(keep_rolled_up)
