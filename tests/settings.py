"""The project's settings as the tests run them: nothing of the machine's `.env` leaks in.

`DATABASE_URL` chooses the database; `./test` runs the suite once on each.
"""

import os
import tempfile
from pathlib import Path

from tasks.vocabulary import REAL_PROVIDERS

os.environ["SECRET_KEY"] = "tests-only-" + "0123456789" * 5
for _name in REAL_PROVIDERS:
    for _variable in (f"{_name.upper()}_API_KEY", f"{_name.upper()}_BASE_URL"):
        os.environ[_variable] = ""
for _variable in [name for name in os.environ if name.startswith("TASKRUNNER_")]:
    del os.environ[_variable]
for _variable in ("ENVIRONMENT", "DEBUG", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "REDIS_URL",
                  "LOG_LEVEL", "LOG_FORMAT", "EMAIL_URL", "DEFAULT_FROM_EMAIL"):  # fmt: skip
    os.environ[_variable] = ""
os.environ.setdefault("DATABASE_URL", "sqlite:///db.sqlite3")

from taskrunner.settings import *  # noqa: E402, F403
from taskrunner.settings import DATABASES  # noqa: E402

_scratch = Path(tempfile.gettempdir()) / f"taskrunner-tests-{os.getpid()}"
_scratch.mkdir(exist_ok=True)
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: WAL and locks as in production, shared by threads and processes.
    DATABASES["default"]["TEST"] = {"NAME": str(_scratch / "test.sqlite3")}
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1", "[::1]"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
TASKRUNNER_JOURNAL_DIR = str(_scratch / "journal")
TASKRUNNER_PRICE_FILE = str(_scratch / "prices.toml")
