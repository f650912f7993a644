"""The ASGI application. Predictions run in threads; gunicorn with mlsite.wsgi is the server that is tested."""

import os

from django.core.asgi import get_asgi_application
from django.core.signals import request_finished

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlsite.settings")
application = get_asgi_application()

from mlsite.scheduler import HourlyRollup  # noqa: E402  its models need the application

keep_rolled_up = HourlyRollup()
request_finished.connect(keep_rolled_up)
