"""Killed at any moment, again and again, every stage ends with the bytes that it has when nobody disturbs it.

What says how long things took is not compared: ``timing.csv`` of a training run, and TensorBoard's files.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE

import numpy as np
import polars as pl
import pytest
import simplejpeg

pytestmark = pytest.mark.slow


HERE = Path(__file__).parent
TIMES = ("timing.csv", "tensorboard")
STAGES = ("generate", "generate_shards", "adapt", "analyze", "train", "study")
QUICK = ("generate", "train")
KILLS = int(os.environ.get("CLOSERLOOK_KILLS", "2"))  # at random moments, of each stage
os.umask(UMASK := os.umask(0))
MODE = 0o666 & ~UMASK


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six people of noise, six images each, in two weathers from three cameras."""
    folder, rows = tmp_path_factory.mktemp("data"), []
    for identity in range(1, 7):
        for number in range(6):
            image = np.random.default_rng(10 * identity + number).integers(0, 256, (32, 16, 3), dtype=np.uint8)
            (folder / f"{identity}_{number}.jpg").write_bytes(simplejpeg.encode_jpeg(image))
            split = "train" if number < 4 else ("query", "gallery")[number - 4]
            rows.append((f"{identity}_{number}.jpg", identity, number % 3, ("sunny", "foggy")[number % 2], split))
    table = pl.DataFrame(rows, schema=["file_name", "identity", "camera", "weather", "split"], orient="row")
    table.write_parquet(folder / "metadata.parquet")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not set(TIMES) & set(path.parts)]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


Run = Callable[[str, Path, object], tuple[str, int]]


@pytest.fixture(scope="module")
def run(data: Path) -> Iterator[Run]:
    """Runs a stage into a folder up to a kill; returns the number of changes that it made and how it ended."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, str(HERE / "killing.py")], text=True, env=environment, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    assert process.stdin and process.stdout

    def run(stage: str, out: Path, kill: object) -> tuple[str, int]:
        process.stdin.write(f"{stage} {data} {out} {kill}\n")
        process.stdin.flush()
        changes, code = process.stdout.readline().split()
        return changes, int(code)

    yield run
    process.communicate()


@pytest.mark.parametrize(
    "stage", [pytest.param(stage, marks=[] if stage in QUICK else pytest.mark.extended) for stage in STAGES]
)
def test_bytes_are_those_of_an_uninterrupted_run(stage: str, run: Run, tmp_path: Path) -> None:
    changes, code = run(stage, tmp_path / "whole", "none")
    assert code == 0
    whole, total = contents(tmp_path / "whole"), int(changes)
    assert not any(".closerlook-draft" in name or "checkpoint" in name for name in whole)
    rng = np.random.default_rng(STAGES.index(stage))
    kills = [*sorted(rng.integers(0, total, KILLS).tolist()), total - 1]  # the last: all else is done
    ends = [run(stage, tmp_path / "killed", kill)[1] for kill in kills]
    assert ends[0] == -9  # later ones may end before they are reached, for less is left to do
    assert set(ends) <= {-9, 0}
    assert run(stage, tmp_path / "killed", "none")[1] == 0
    killed = contents(tmp_path / "killed")
    assert killed.keys() == whole.keys()
    assert [name for name in whole if whole[name] != killed[name]] == []
    assert not list((tmp_path / "killed").rglob("*.closerlook-draft"))
    unusual = [name for name in whole if (tmp_path / "whole" / name).stat().st_mode & 0o777 != MODE]
    assert unusual == []
