"""What RQ's worker reads."""

import atexit
import os

from journal import note

REDIS_URL = os.environ["BROKER"]
# In the worker only: the processes that it forks for its jobs end without this.
atexit.register(note, "cleanup")
