"""Trouble in the middle of a stage: Ctrl-C, images that cannot be read."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import polars as pl
import pytest
import simplejpeg

from closerlook.randomness import keyed_rng

pytestmark = pytest.mark.slow


PROGRAM = "from closerlook.cli import main; main()"


def start(*arguments, cwd):
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )


def interrupt(process, at_work):
    """Press Ctrl-C once ``at_work()``, as a terminal does: the whole process group hears it."""
    deadline = time.monotonic() + 240
    while not at_work():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    return out + err


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Ten people of noise, four images each, in two weathers: enough to analyze and to train on."""
    folder = tmp_path_factory.mktemp("people")
    rows = []
    for identity in range(10):
        for number in range(4):
            name = f"{identity}_{number}.jpg"
            image = keyed_rng(0, "noise", identity, number).integers(0, 256, (64, 32, 3), dtype=np.uint8)
            (folder / name).write_bytes(simplejpeg.encode_jpeg(image))
            rows.append((name, identity, number, ("sunny", "foggy")[number % 2], ("train", "query")[number > 2]))
    table = pl.DataFrame(rows, schema=["file_name", "identity", "camera", "weather", "split"], orient="row")
    table.write_parquet(folder / "metadata.parquet")
    return folder


STAGES = {  # command, file that says that it is at work, file that says that it is done
    "generate": (
        "generate gpr-plus --out out --size 64x32 --workers 1",
        "out/.render/*.parquet",
        "out/metadata.parquet",
    ),
    "train": (
        "train people --out out --recipe cpu-quick --set steps=100000 --set identities_per_batch=4",
        "out/log.csv",
        "out/run.json",
    ),
}


@pytest.mark.parametrize("stage", STAGES)
def test_ctrl_c_ends_in_one_line_and_leaves_nothing_that_looks_complete(tmp_path, people, stage):
    arguments, working, finished = STAGES[stage]
    shutil.copytree(people, tmp_path / "people")
    process = start(*arguments.split(), cwd=tmp_path)
    shown = interrupt(process, lambda: any(tmp_path.glob(working)))
    assert process.returncode == 1
    assert "run the same command again" in shown
    assert "Traceback" not in shown
    assert not (tmp_path / finished).exists()


@pytest.mark.parametrize(
    ("damage", "says"), [(b"", "empty"), (b"\xff\xd8\xff\xe0 not a picture", "3_2.jpg"), (None, "3_2.jpg")]
)
@pytest.mark.parametrize("verb", ["analyze", "train"])
def test_an_image_that_cannot_be_read_is_named(tmp_path, people, damage, says, verb):
    shutil.copytree(people, tmp_path / "people")
    image = tmp_path / "people" / "3_2.jpg"
    if damage is None:
        image.unlink()
    else:
        image.write_bytes(damage)
    arguments = {
        "analyze": ["analyze", "people", "people", "--out", "out"],
        "train": ["train", "people", "--out", "out", "--recipe", "cpu-quick", "--set", "identities_per_batch=4"],
    }[verb]
    process = start(*arguments, cwd=tmp_path)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 1, out + err
    assert "3_2.jpg" in err
    assert says in err
    assert "Traceback" not in err
    assert not list(tmp_path.glob("out/*.json"))
