"""Two processes share the tests, so each of them takes one thread, as do the processes that they start."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
