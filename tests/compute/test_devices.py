"""PyTorch's part on a device that is not the CPU, where there is none: see pretended.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.extended
def test_what_runs_on_a_gpu_keeps_its_tensors_there():
    checks = Path(__file__).with_name("on_pretended.py")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(checks)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0 and "12 passed" in done.stdout, done.stdout[-4000:] + done.stderr[-2000:]
