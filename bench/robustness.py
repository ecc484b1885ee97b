"""The long mode of ``tests/robustness``: random calls, damaged files and full disks, and a table of how they ended.

    python bench/robustness.py --calls 10000 --processes 300 --rendering 2000

Calls run in this process, the last ``--processes`` of them in processes of their own; every damage of every file is
tried once, and every verb that writes ``--full`` times on a disk that is full at some moment. Exits with 1 where a call
ended in anything but exit code 0, 1 or 2 with a message.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from robustness import fuzz_render
from robustness.damage import READERS
from robustness.full_disk import WRITERS, full_disk, judge as judge_full
from robustness.fuzz import calls, clean
from robustness.made import make_all
from robustness.running import Outcome, run, run_process
from robustness.test_damaged import cases, judge

IN_A_ROW = 4  # full disks, before there is room again
Found = Iterator[tuple[str, Outcome, str]]  # kind, outcome, fault


def random_calls(folder: Path, seed: int, count: int, processes: int) -> Found:
    for number, arguments in enumerate(calls(seed, count)):
        alone = number >= count - processes
        outcome = (run_process if alone else run)(arguments, folder)
        clean(folder)
        name = " ".join(arguments[: 2 if arguments[0] == "dataset" else 1])
        yield f"{name}{', a process each' * alone}", outcome, outcome.fault


def rendering_calls(folder: Path, seed: int, count: int) -> Found:
    """Calls of the verbs that render, with designs of their own."""
    for case in itertools.islice(fuzz_render.cases(seed), count):
        case.write(folder)
        outcome = run(case.arguments, folder)
        left = fuzz_render.left_behind(outcome, case, folder)
        fault = outcome.fault or ("files left behind" if left else "")
        yield f"{case.arguments[0]}, rendering", outcome, f"{fault}: {case.files}" if fault else ""
        clean(folder)


def damaged_files(folder: Path) -> Found:
    for name in READERS:
        for damage in cases(folder, name, every=True):
            outcome, fault = judge(folder, name, damage)
            yield f"damaged {name}", outcome, f"{damage.name}: {fault}" if fault else ""


def full_disks(folder: Path, below: Path, seed: int, count: int) -> Found:
    """Every verb that writes, on a disk that is full at random moments: a few in a row, then one with room."""
    with full_disk(folder, below) as disk:
        for name in WRITERS:
            rng = np.random.default_rng([seed, *name.encode()])
            for _ in range(-(-count // IN_A_ROW)):
                for outcome, fault in judge_full(disk, name, rng, IN_A_ROW):
                    yield f"{name}, a full disk", outcome, fault


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=300)
    parser.add_argument("--rendering", type=int, default=2000, help="further calls, of the verbs that render")
    parser.add_argument("--full", type=int, default=12, help="calls of each verb on a full disk")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--damage", action=argparse.BooleanOptionalAction, default=True)
    asked = parser.parse_args()
    counts: dict[str, Counter[str]] = {}
    slowest: dict[str, float] = {}
    faults = 0
    with tempfile.TemporaryDirectory() as root:
        folder = make_all(Path(root) / "made")
        found = [random_calls(folder, asked.seed, asked.calls, min(asked.processes, asked.calls))]
        found += [damaged_files(folder)] if asked.damage else []
        if asked.full:
            (Path(root) / "disk").mkdir()
            found += [full_disks(folder, Path(root) / "disk", asked.seed, asked.full)]
        if asked.rendering:
            (Path(root) / "rendering").mkdir()
            found += [rendering_calls(fuzz_render.prepare(Path(root) / "rendering"), asked.seed, asked.rendering)]
        for kind, outcome, fault in (one for each in found for one in each):
            own = counts.setdefault(kind, Counter())
            own["fault" if fault else f"exit {outcome.code}"] += 1
            slowest[kind] = max(slowest.get(kind, 0.0), outcome.seconds)
            if fault:
                faults += 1
                print(f"{fault}\n{outcome}\n", file=sys.stderr)
    print(f"| {'what':42} |   runs | exit 0 | exit 1 | exit 2 | faults | slowest, s |")
    print(f"|{'-' * 44}|" + "-------:|" * 5 + "-----------:|")
    for kind, own in sorted(counts.items()):
        cells = " | ".join(f"{own[name]:6,}" for name in ("exit 0", "exit 1", "exit 2", "fault"))
        print(f"| {kind:42} | {own.total():6,} | {cells} | {slowest[kind]:10.1f} |")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
