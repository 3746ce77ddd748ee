"""Django for stock django-q2: its ORM broker on PostgreSQL and 4 workers."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

_url = urlsplit(os.environ.get("BENCH_DATABASE_URL", "postgres://postgres@127.0.0.1/none"))

SECRET_KEY = "bench only"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.contenttypes", "django_q"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _url.path[1:],
        "HOST": _url.hostname,
        "PORT": _url.port or 5432,
        "USER": _url.username,
        "PASSWORD": _url.password or "",
    }
}
Q_CLUSTER = {
    "name": "bench",
    "orm": "default",
    "workers": 4,
    "timeout": 60,
    "retry": 120,
    "save_limit": -1,  # the default prunes its result table after every task: far slower
    "log_level": "WARNING",
}
