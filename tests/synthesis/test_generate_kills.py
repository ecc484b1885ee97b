"""Killed at any moment, again and again, a run ends as if nothing had happened."""

import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest

from closerlook.synthesis import generate

pytestmark = pytest.mark.slow


LEVELS = {"viewpoint": [0, 90], "weather": ["sunny", "blizzard"], "illumination": ["noon"]}
SETTINGS: dict[str, Any] = {"identities": 5, "levels": LEVELS, "size": (32, 16), "seed": 5}
SCRIPT = f"""
import sys
from closerlook.synthesis import generate
print("started", flush=True)
generate(out=sys.argv[1], workers=int(sys.argv[2]), **{SETTINGS!r})
"""


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    root = tmp_path_factory.mktemp("uninterrupted") / "data"
    start = time.monotonic()
    generate(out=root, workers=1, **SETTINGS)
    return contents(root), time.monotonic() - start


@pytest.mark.extended
@pytest.mark.parametrize("seed", [0, 1])
def test_a_run_killed_at_random_moments_ends_with_the_same_bytes(seed, uninterrupted, tmp_path):
    wanted, seconds = uninterrupted
    rng, root = np.random.default_rng(seed), tmp_path / "data"
    for _ in range(3):
        command = [sys.executable, "-c", SCRIPT, str(root), str(1 + seed % 2)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdout is not None and process.stdout.readline() == b"started\n"
        time.sleep(rng.uniform(0, 1.5 * seconds))
        process.kill()
        process.wait()
        time.sleep(0.4)  # its workers notice within 0.2 s
    data = generate(out=root, workers=1, **SETTINGS)
    assert len(data) == 5 * 4
    assert contents(root) == wanted
