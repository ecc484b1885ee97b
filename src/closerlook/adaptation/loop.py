"""Rendering and measuring in turn, until the gain of a round is inside its interval or the renders are used up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from closerlook.adaptation.objective import Distance, gain
from closerlook.adaptation.parameters import Parameter, to_unit, to_values
from closerlook.adaptation.search import open_search
from closerlook.compute.progress import progress
from closerlook.errors import CloserlookError
from closerlook.storage.documents import read_json
from closerlook.storage.files import write_json
from closerlook.storage.keys import Key, changes, plain

__all__ = ["Gain", "Step", "Trace", "search_scene"]

SETTINGS, STEPS, TRACE = "search.json", "steps", "trace.json"

Measure = Callable[[Mapping[str, float], bool], Distance]


@dataclass(frozen=True)
class Gain:
    """By how much one set is nearer than another, with its 95 % interval."""

    gain: float
    low: float
    high: float


@dataclass(frozen=True)
class Step:
    """One rendered and measured set."""

    values: Mapping[str, float]
    distance: Distance


@dataclass(frozen=True)
class _Kept:
    """A step's file: its values and the numbers of its :class:`Distance`."""

    values: dict[str, float]
    mmd2: float
    group_products: list[list[float]]
    target_products: list[list[float]]


@dataclass(frozen=True)
class Trace:
    """A finished search.

    Attributes:
        parameters: what was searched.
        optimizer: how.
        steps: every set in order; the first is the start.
        best: number of the nearest step.
        rounds: the gain of each round over the best before it.
        held_out: the gain of the best over the start on people that the search has not seen.
        stopped: why the search ended, in words.
    """

    parameters: tuple[Parameter, ...]
    optimizer: str
    steps: tuple[Step, ...]
    best: int
    rounds: tuple[Gain, ...]
    held_out: Gain
    stopped: str

    @property
    def values(self) -> Mapping[str, float]:
        """The best values found; the start's where they are no gain on people that the search has not seen."""
        return self.steps[self.best if self.held_out.low > 0 else 0].values


def search_scene(
    parameters: Sequence[Parameter],
    measure: Measure,
    *,
    optimizer: str,
    renders: int,
    seed: int,
    out: Path,
    made_from: Key,
) -> Trace:
    """Look for the values under which the rendered set is nearest to the target.

    Every measured set is kept in ``out/steps`` at once; the same call after a stop reads them and resumes.

    Args:
        parameters: what to vary.
        measure: from values to a distance; the second argument asks for people that the search does not use.
        optimizer: ``descent`` or ``cma``.
        renders: at most so many sets, the start included and the two of the held-out check not.
        seed: of the optimizer and the intervals.
        made_from: all else that the distances depend on.

    Raises:
        CloserlookError: ``out`` holds another search, or a file of this one is damaged.
    """
    start = to_unit(parameters, {p.name: p.start for p in parameters})
    search = open_search(optimizer, start, seed)
    searched = {p.name: asdict(p) for p in parameters}
    _check(out, {"parameters": searched, "optimizer": optimizer, "seed": seed, **made_from})
    steps: list[Step] = []
    rounds: list[Gain] = []
    stopped = f"all {renders} renders were used"
    with progress("Adapting", renders, "renders") as advance:

        def step(point: NDArray[np.float64]) -> float:
            values = to_values(parameters, point)
            steps.append(_kept(out / STEPS / f"{len(steps):04d}.json", values, lambda: measure(values, False)))
            advance(1, f"gap {steps[-1].distance.mmd2:.4f}, best {steps[_best(steps)].distance.mmd2:.4f}")
            return steps[-1].distance.mmd2

        step(start)
        base, first = 0, 1
        while len(steps) < renders:
            points = search.ask()
            if len(steps) + len(points) > renders:
                break
            search.tell(points, [step(point) for point in points])
            if len(steps) - first >= search.round:
                now = _best(steps)
                rounds.append(Gain(*gain(steps[base].distance, steps[now].distance, seed)))
                base, first = now, len(steps)
                if rounds[-1].low <= 0:
                    stopped = f"the gain of round {len(rounds)} is inside its interval"
                    break
    best = _best(steps)
    fresh = partial(_held_out, out / STEPS, measure)
    held_out = Gain(*gain(fresh(0, steps[0]), fresh(best, steps[best]), seed))
    trace = Trace(tuple(parameters), optimizer, tuple(steps), best, tuple(rounds), held_out, stopped)
    write_json(out / TRACE, _summary(trace))
    return trace


def _best(steps: Sequence[Step]) -> int:
    return int(np.argmin([step.distance.mmd2 for step in steps]))


def _held_out(folder: Path, measure: Measure, number: int, step: Step) -> Distance:
    return _kept(folder / f"held-out-{number:04d}.json", step.values, lambda: measure(step.values, True)).distance


def _kept(path: Path, values: Mapping[str, float], measure: Callable[[], Distance]) -> Step:
    """The step in ``path``, measured now if it is not there.

    Raises:
        CloserlookError: the file holds other values, or is damaged.
    """
    if path.exists():
        remedy = "Delete it and run the same command again: the set is then measured anew."
        kept = read_json(path, _Kept, remedy)
        if kept.values != dict(values):
            raise CloserlookError(f"{path} was measured with other values; choose another output folder.")
        try:
            groups, target = np.array(kept.group_products, float), np.array(kept.target_products, float)
        except ValueError:  # rows of unequal lengths
            groups = target = np.empty(0)
        square = groups.ndim == target.ndim == 2 and 2 <= len(groups) == groups.shape[1] == len(target)
        if not square or not target.size:
            raise CloserlookError(
                f"{path} is damaged: 'group_products' and 'target_products' do not belong together. {remedy}"
            )
        return Step(values, Distance(kept.mmd2, groups, target))
    distance = measure()
    numbers = {
        "mmd2": distance.mmd2,
        "group_products": distance.group_products.tolist(),
        "target_products": distance.target_products.tolist(),
    }
    write_json(path, {"values": dict(values), **numbers})
    return Step(values, distance)


def _check(out: Path, key: Key) -> None:
    """Write what the search is of, or see that what the folder holds is of the same.

    Raises:
        CloserlookError: it is of something else, or its file is damaged.
    """
    path = out / SETTINGS
    remedy = "Choose another output folder or remove this one."
    if not path.exists():
        write_json(path, plain(key))
        return
    differing = changes(read_json(path, dict[str, Any], remedy), key)
    if differing:
        raise CloserlookError(f"{out} holds another search: {path.name} differs in {differing}. {remedy}")


def _summary(trace: Trace) -> dict[str, object]:
    return {
        "optimizer": trace.optimizer,
        "stopped": trace.stopped,
        "best": trace.best,
        "values": dict(trace.values),
        "held_out": asdict(trace.held_out),
        "rounds": [asdict(gain) for gain in trace.rounds],
        "steps": [{"values": dict(step.values), "mmd2": step.distance.mmd2} for step in trace.steps],
    }
