"""Runs stages in processes that are killed at a chosen one of their changes to the file system.

Imports the stages once and forks a process for each line ``STAGE FOLDER OUT KILL`` of standard input: so many changes
(files opened for writing, renamings, new and removed folders and files, as Python's audit events report them) are let
through, and the process is killed with SIGKILL at the next one. A KILL of ``none`` lets it end. A line of output says
how many changes there were, ``-`` if it did not come to its end, and how it ended.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import closerlook.adaptation
import closerlook.gap
import closerlook.reid.trainer
import closerlook.study.arms
import closerlook.synthesis
from closerlook.dataset import open_dataset

EVENTS = {"os.rename", "os.mkdir", "os.rmdir", "os.remove"}


def stages(folder: Path, out: Path) -> dict[str, Callable[[], object]]:
    """The stages, on the data in ``folder``."""
    size = (32, 16)
    tiny = {
        "size": size,
        "identities_per_batch": 3,
        "images_per_identity": 2,
        "color_jitter": 0.0,
        "random_erasing": 0.0,
    }
    training = {"backbone": "lite0", "steps": 13, "ema": 0.5, "validate_every": 0.3, **tiny}

    def generate() -> object:
        levels: dict[str, list[Any]] = {"viewpoint": [0, 90], "weather": ["sunny"], "illumination": ["noon"]}
        return closerlook.synthesis.generate(out=out, identities=2, levels=levels, size=size, workers=1)

    def generate_shards() -> object:
        levels: dict[str, list[Any]] = {"viewpoint": [0, 90], "weather": ["sunny"], "illumination": ["noon"]}
        return closerlook.synthesis.generate(
            out=out, identities=2, levels=levels, size=size, workers=1, storage="shards"
        )

    def adapt() -> object:
        return closerlook.adaptation.adapt(
            open_dataset(str(folder)),
            out=out,
            parameters=["sensor.noise"],
            renders=3,
            identities=2,
            views=1,
            sensor="clean",
            embedding="lite0-pooled",
            size=size,
        )

    def analyze() -> None:
        data = open_dataset(str(folder))
        gap = closerlook.gap.analyze(data, data.take(range(0, 36, 2)), size=(64, 32), out=out)
        closerlook.gap.save_figures(gap, data, out / "figures")

    def train() -> object:
        closerlook.reid.trainer.CHECKPOINT_SECONDS = -1.0  # after every step
        data, recipe = open_dataset(str(folder)).train, "cpu-quick"
        return closerlook.reid.trainer.train(data, recipe=recipe, out=out, overrides=training, validation=0.4)

    def study() -> object:
        data = open_dataset(str(folder))
        arms = [closerlook.study.arms.fixed_arm("all", data.train)]
        recipe = closerlook.reid.Recipe.resolve("cpu-quick", {**training, "steps": 2, "ema": 0.0})
        return closerlook.study.arms.run_arms(arms, data, recipe=recipe, seeds=[0, 1], out=out)

    return {one.__name__: one for one in (generate, generate_shards, adapt, analyze, train, study)}


def run(stage: Callable[[], object], out: Path, kill: int | None, answer: int) -> None:
    """Run a stage in this process; ``answer`` is a pipe that the number of changes is written to."""
    changes, here = 0, str(out)

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal changes
        if event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        else:
            path, writes = arguments[0] if arguments else None, event in EVENTS
        if writes and str(path).startswith(here):
            if changes == kill:
                os.kill(os.getpid(), signal.SIGKILL)
            changes += 1

    sys.addaudithook(watch)
    stage()
    os.write(answer, f"{changes}\n".encode())


def main() -> None:
    torch.set_num_threads(1)
    for line in sys.stdin:
        name, folder, out, kill = line.split()
        stage = stages(Path(folder), Path(out))[name]
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                run(stage, Path(out), None if kill == "none" else int(kill), write)
                os._exit(0)
            except BaseException as error:
                print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
                os._exit(1)
        os.close(write)
        _, status = os.waitpid(child, 0)
        with os.fdopen(read) as file:
            print(file.read().strip() or "-", os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
