"""What Gunicorn and uWSGI load."""

import os

from django.core.wsgi import get_wsgi_application
from journal import note

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
application = get_wsgi_application()

try:
    import uwsgi
except ImportError:
    pass  # Gunicorn, which has hooks of its own: gunicorn.conf.py
else:
    # Each worker's, when it ends in order.
    uwsgi.atexit = lambda: note("cleanup")
