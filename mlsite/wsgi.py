"""WSGI application, which gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from core.private_files import protect_files

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlsite.settings")
application = get_wsgi_application()
protect_files()
