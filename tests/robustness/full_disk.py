"""Calls of verbs on a disk that becomes full: every verb that writes, and the process that refuses what it writes.

Imports closerlook once and forks a process for each line of standard input, a :class:`Call` as JSON; answers with a
line of JSON. A disk is full from a change on (a file opened for writing, a new folder, a renaming, as Python's audit
events report them): that file takes so many bytes more, as the kernel's limit on the length of files lets it, whoever
writes; every later change is refused as a full disk refuses it. Without a change, every file is refused what is beyond
so many bytes from the start, in worker processes too. Removing files is always allowed. Nothing of this needs rights.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import json
import os
import pkgutil
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from subprocess import PIPE

import numpy as np

from closerlook.storage.files import DRAFT
from robustness.damage import TRAINED
from robustness.made import SIZE
from robustness.running import Outcome, run

HERE = Path(__file__)
CHANGES = {"os.mkdir": 0, "os.rename": 1}  # and which of the arguments says where
SIZED = ["--size", f"{SIZE[0]}x{SIZE[1]}"]
FIRST, OTHER = "source/images/1_sunny_0.png", "source/images/2_foggy_90.png"
SEARCH = ["-p", "sensor.noise", "--renders", "2", "--identities", "2", "--views", "1", "--sensor", "clean"]
ROOMS = (0, 1, 60, 1000, 5000)  # bytes
LOGS = ("log.csv", "timing.csv", "validation.csv")  # which grow, row by row
UNLIKE = ("timing.csv", "tensorboard")  # what says how long things took

# name -> the call, with OUT for a folder of its own
WRITERS = {
    "generate": ["generate", "design.yaml", "--out", "OUT", *SIZED, "--workers", "1"],
    "annotate": ["annotate", "rendered", "-k", "mask", "-k", "depth", "--out", "OUT", "--workers", "1"],
    "annotate --draw": ["annotate", "rendered", "--draw", "OUT/check.png"],
    "analyze": ["analyze", "source", "target", "--out", "OUT", "--embedding", "lite0-pooled", *SIZED],
    "select": ["select", "gap", "--out", "OUT/plan.yaml", "--front", "OUT/front.csv", "--controls", "1"],
    "train": ["train", "source", "--out", "OUT", "--validation", "0.5", *TRAINED, "--set", "steps=3"],
    "extract": ["extract", "run", "source", "--out", "OUT/features.safetensors"],
    "extract, a table": ["extract", "run", "source", "--out", "OUT/features.parquet"],
    "evaluate": ["evaluate", "run", "--target", "target", "--out", "OUT/r.json", "--pictures", "OUT/p.png"],
    "study": [
        "study",
        "source",
        "target",
        "--out",
        "OUT",
        "--plan",
        "plan.yaml",
        "--gap",
        "gap",
        "--seeds",
        "1",
        *TRAINED,
    ],
    "report": ["report", "study", "--out", "OUT/page.html"],
    "compare": ["compare", FIRST, OTHER, "--model", "run", "--out", "OUT/why.png"],
    "dataset import": ["dataset", "import", "source", "--out", "OUT/table"],
    "dataset export": ["dataset", "export", "target", "--out", "OUT/market"],
    **{
        f"dataset export, {form}": ["dataset", "export", "source", "--format", form, "--out", f"OUT/{form}"]
        for form in ("table", "imagefolder", "parquet", "coco", "webdataset")
    },
    "dataset export, shards": ["dataset", "export", "shards", "--format", "table", "--out", "OUT/table"],
    "dataset import, boxes": ["dataset", "import", "coco:boxes.json", "--frames", "frames", "--out", "OUT/crops"],
    "dataset import, several": ["dataset", "import", "source", "hub", "--out", "OUT/all"],
    "extract, NumPy's": ["extract", "run", "source", "--out", "OUT/features.npz"],
    "extract, three of NumPy's": ["extract", "run", "source", "--out", "OUT/features.npy"],
    "generate, shards": ["generate", "design.yaml", "--out", "OUT", *SIZED, "--workers", "1", "--storage", "shards"],
    "people": ["people", "--count", "1", "--out", "OUT/people.png"],
    "adapt": ["adapt", "target", "--out", "OUT", "--embedding", "lite0-pooled", *SIZED, *SEARCH],
    "invert": ["invert", FIRST, "--backbone", "lite0", "--steps", "1", *SIZED, "--out", "OUT/seen.png"],
    "export": ["export", "run", "--out", "OUT/model.onnx"],
    "generate, two processes": ["generate", "design.yaml", "--out", "OUT", *SIZED, "--workers", "2"],
}
QUICK = (  # whose calls take about a second
    *("generate", "train", "extract", "evaluate", "report", "compare", "select", "invert"),
    *(name for name in WRITERS if name.startswith(("dataset ", "extract,")) or name == "generate, shards"),
)


@dataclass(frozen=True)
class Full:
    """When a disk is full.

    Attributes:
        change: the number of the change from which on; None: every file, from the start.
        room: bytes that the file of that change still takes.
    """

    change: int | None
    room: int


@dataclass(frozen=True)
class Call:
    """A verb's arguments, where it runs, the folder whose changes count, and when the disk below it is full."""

    arguments: list[str]
    cwd: str
    below: str
    full: Full | None


@dataclass(frozen=True)
class Disk:
    """Calls verbs where there is the least room for what they write.

    Attributes:
        made: the folder of what they read, see :func:`robustness.made.make_all`.
        below: the disk: what they write, and closerlook's cache.
    """

    made: Path
    below: Path
    server: subprocess.Popen[str]

    def call(self, name: str, full: Full | None, out: str) -> tuple[Outcome, int]:
        """Call a verb of :data:`WRITERS`, into a folder of this name; how it ended, and how many changes it made."""
        assert self.server.stdin and self.server.stdout
        arguments = [part.replace("OUT", str(self.below / out / "out")) for part in WRITERS[name]]
        call = Call(arguments, str(self.made), str(self.below), full)
        self.server.stdin.write(json.dumps(asdict(call)) + "\n")
        self.server.stdin.flush()
        found = json.loads(self.server.stdout.readline())
        changes = found.pop("changes")
        return Outcome(**{**found, "arguments": tuple(found["arguments"])}), changes


@contextmanager
def full_disk(made: Path, below: Path) -> Iterator[Disk]:
    """A disk at ``below`` that can be full."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CLOSERLOOK_CACHE": str(below / "cache")}
    environment["PYTHONPATH"] = os.pathsep.join([str(HERE.parents[1]), *filter(None, sys.path)])
    server = subprocess.Popen([sys.executable, str(HERE)], text=True, env=environment, stdin=PIPE, stdout=PIPE)
    try:
        yield Disk(made, below, server)
    finally:
        server.communicate()


def judge(disk: Disk, name: str, rng: np.random.Generator, count: int) -> Iterator[tuple[Outcome, str]]:
    """How a verb ends ``count`` times on a full disk, each time going on with what the last one left, and then with
    room; and what is wrong with that, empty where nothing is."""
    done, total = disk.call(name, None, "whole")
    out, whole = disk.below / "full" / "out", contents(disk.below / "whole" / "out")
    for number in range(count + 1):
        for cache in ("images", "people"):  # decoded images and built people are written again
            shutil.rmtree(disk.below / "cache" / cache, ignore_errors=True)
        full = None
        if number < count:
            every = number % 4 == 3
            full = Full(None if every else int(rng.integers(total)), int(rng.choice(ROOMS)))
        outcome, _ = disk.call(name, full, "full")
        fault = fault_of(outcome, out, whole) if full is not None or outcome.code == 0 else "does not go on"
        yield outcome, f"{full}: {fault}" if fault else ""
    if done.code != 0:
        yield done, "fails by itself"
    shutil.rmtree(disk.below / "whole", ignore_errors=True)
    shutil.rmtree(disk.below / "full", ignore_errors=True)


def fault_of(outcome: Outcome, out: Path, whole: dict[str, bytes]) -> str:
    """What is wrong with a call on a full disk; empty where nothing is."""
    left = contents(out)
    if outcome.fault:
        return outcome.fault
    if outcome.code == 0:
        return "" if left == whole else "ends well, and what it wrote is not whole"
    text = " ".join(outcome.text.split())
    if outcome.code != 1 or text.count("error:") != 1:
        return f"exit {outcome.code} with {text.count('error:')} messages"
    if not any(said in text for said in ("disk is full", "as large as that")):
        return "does not say that the disk is full"
    if str(out.parents[1]) not in text.replace(" ", ""):
        return "does not name what it could not write"
    folders = [path for path in (out, *out.rglob("*")) if path.is_dir()]
    useless = [str(path) for path in folders if path.name.endswith(DRAFT) or not any(path.iterdir())]
    if useless:
        return f"leaves {useless}"
    halves = [name for name, data in left.items() if name in whole and not _is_part(name, data, whole[name])]
    return f"half-written, and looks complete: {halves}" if halves else ""


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, but for what says how long things took."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not set(UNLIKE) & set(path.parts)]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _is_part(name: str, data: bytes, whole: bytes) -> bool:
    return whole.startswith(data) if Path(name).name in LOGS else data == whole


def _fill(call: Call) -> Callable[[], int]:
    """Make the disk full in this process, for good; returns how many changes there were."""
    changes = 0
    full = None if call.full is None else Full(**call.full)  # type: ignore[arg-type]
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal changes
        if event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        else:
            path, writes = (arguments[CHANGES[event]], True) if event in CHANGES else (None, False)
        if not writes or not str(path).startswith(call.below):
            return
        changes += 1
        if full is None or full.change is None or changes <= full.change:
            return
        if changes > full.change + 1 or event != "open":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        resource.setrlimit(resource.RLIMIT_FSIZE, (full.room, hard))

    if full is not None and full.change is None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (full.room, hard))
    sys.addaudithook(watch)
    return lambda: changes


def main() -> None:
    import torch
    import warp

    import closerlook

    for module in pkgutil.walk_packages(closerlook.__path__, "closerlook."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    torch.set_num_threads(1)
    warp.config.quiet = True
    closerlook.reid.trainer.CHECKPOINT_SECONDS = -1.0  # after every step
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else prints must not end up between the answers
    for line in sys.stdin:
        call = Call(**json.loads(line))
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                made = _fill(call)
                outcome = run(call.arguments, Path(call.cwd))
                answer = json.dumps({**asdict(outcome), "changes": made()})
                with os.fdopen(write, "w") as pipe:
                    pipe.write(answer)
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as pipe:
            answer = pipe.read()
        os.waitpid(child, 0)
        died = asdict(Outcome(tuple(call.arguments), -1, "the process died", 0.0, "died"))
        print(answer or json.dumps({**died, "changes": 0}), file=answers, flush=True)


if __name__ == "__main__":
    main()
