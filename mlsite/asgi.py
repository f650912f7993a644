"""The ASGI application. Predictions run in threads; gunicorn with mlsite.wsgi is the server that is tested."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlsite.settings")
application = get_asgi_application()
