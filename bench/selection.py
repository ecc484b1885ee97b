"""What README says about the selection: exhaustive search beside the naive loop, and what narrowing viewpoints costs.

python bench/selection.py search
python bench/selection.py viewpoints --out /tmp/viewpoints --seeds 3
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from closerlook.attributes import DESIGNS
from closerlook.dataset import Dataset
from closerlook.embedding import Block
from closerlook.gap import Gap, Measurement, Settings
from closerlook.reid import Recipe
from closerlook.selection import exhaustive, mixture
from closerlook.selection.methods.greedy import greedy
from closerlook.study.arms import Arm, run_arms, summarize
from closerlook.study.planted import Scale, hidden_levels, places, render_target
from closerlook.synthesis import generate

DIM, PER_CELL, GROUPS = 64, 4, 16
PER_VIEW, PER_PERSON = 7, 18  # images that are rendered of a person and viewpoint, and that are trained on of a person


def search(samples: int) -> None:
    """All product subsets of gpr-plus after the cells' moments, the same one by one, and the mixture over its cells.

    The naive loop sums the cells' inner products over each subset, with numpy, for ``samples`` random subsets; its time
    for all is an extrapolation, and is printed as one.
    """
    gap = made_gap()
    least = gap.count_images({}) // 13
    spent = {}
    for name, clock in (("wall", time.perf_counter), ("CPU", time.process_time)):
        start = clock()
        front = exhaustive(gap, least=least)
        spent[name] = clock() - start
    total = int(np.prod([2 ** len(factor) - 1 for factor in gap.factors]))
    print(f"exhaustive: {total:,} subsets in {spent['wall']:.2f} s wall, {spent['CPU']:.2f} s CPU (two runs)")
    subsets = _random_subsets(gap, samples)
    start = time.process_time()
    scores = [_naive(gap, cells) for cells in subsets]
    each = (time.process_time() - start) / samples
    print(
        f"naive loop: {1e6 * each:.0f} us a subset over {samples:,}; extrapolated to all: {each * total / 3600:.1f} h"
    )
    print(f"ratio of CPU time, extrapolated: {each * total / spent['CPU']:,.0f}")
    by_cells = np.array([gap.score_cells(cells.astype(float))["mmd2"] for cells in subsets[:20]])
    print(f"largest difference of the two scores over 20 subsets: {np.abs(by_cells - scores[:20]).max():.1e}")
    values = greedy(gap, rule="mean")
    score = gap.score(values)["mmd2"]
    best = exhaustive(gap, least=gap.count_images(values))[0]
    assert score is not None
    print(f"greedy {score:.5f}, certified optimum of at least its size {best.score:.5f}: gap {score - best.score:.5f}")
    print(f"Pareto front: {len(front)} plans of {front[0].images:,} to {front[-1].images:,} images")
    start = time.process_time()
    found = mixture(gap, least)
    taken = time.process_time() - start
    print(f"mixture: {taken:.2f} s CPU, {found.distance:.8f}, certified within {found.distance - found.bound:.1e}")


def _random_subsets(gap: Gap, samples: int) -> list[NDArray[np.bool]]:
    rng = np.random.default_rng(0)
    found = []
    while len(found) < samples:
        values = {f.name: [level for level in f.levels if rng.random() < 0.5] for f in gap.factors}
        if all(values.values()):
            found.append(gap.cells_of(values))
    return found


def _naive(gap: Gap, cells: NDArray[np.bool]) -> float:
    share = cells * gap.analyzed_per_cell / (cells @ gap.analyzed_per_cell)
    return float(share @ gap.cell_products(unbiased=True) @ share - gap.target_bias)


def made_gap() -> Gap:
    """A gap of the size of gpr-plus's, from random vectors with effects of each attribute."""
    rng = np.random.default_rng(0)
    factors = DESIGNS["gpr-plus"].factors
    cells = np.array(list(np.ndindex(*(len(factor) for factor in factors))))
    effects = [rng.normal(size=(len(factor), DIM)) / 4 for factor in factors]
    means = sum(effect[cells[:, axis]] for axis, effect in enumerate(effects)) + rng.normal(size=(len(cells), DIM)) / 8
    cell = np.repeat(np.arange(len(cells)), PER_CELL)
    group = np.tile(np.arange(PER_CELL), len(cells)) + PER_CELL * rng.integers(0, GROUPS // PER_CELL, len(cell))
    vectors = means[cell] + rng.normal(size=(len(cell), DIM))
    sums = np.stack([vectors[cell == number].mean(axis=0) for number in range(len(cells))])
    noise = ((vectors - sums[cell]) ** 2).sum() / (len(cell) - len(cells)) / PER_CELL
    products = sums @ sums.T
    columns = {f.name: [f.levels[number] for number in cells[cell, axis]] for axis, f in enumerate(factors)}
    images = pl.DataFrame({"file_name": [f"{row}.jpg" for row in range(len(cell))], "identity": group, **columns})
    levels = [sums[cells[:, axis] == number].mean(axis=0) for axis, f in enumerate(factors) for number in range(len(f))]
    order = np.lexsort((group, cell))
    measurement = Measurement(
        blocks=(Block("feature", "feature", DIM),),
        factors=factors,
        cell_levels=cells,
        cell_images=np.full(len(cells), 808),
        images=images.with_columns(row=pl.Series(np.arange(len(cell))), cell=pl.Series(cell), group=pl.Series(group)),
        distances=(vectors**2).sum(axis=1, keepdims=True),
        cell_products=products[None],
        unbiased_cell_products=(products - noise * np.eye(len(cells)))[None],
        level_gaps=(np.stack(levels) ** 2).sum(axis=1)[None],
        level_target_dots=np.zeros((1, len(levels), GROUPS)),
        target_counts=np.full(GROUPS, 64),
        target_bias=np.array([0.05]),
        target_distances=np.full((GROUPS, 1), 64.0 * DIM),
        units=np.stack([cell, group], axis=1)[order],
        unit_counts=np.ones(len(cell), np.int64),
        unit_sketches=vectors[order].astype(np.float32),
        target_sketches=rng.normal(size=(GROUPS, DIM)).astype(np.float32) / 8,
        sketch_parts=(slice(0, DIM),),
        exact=True,
    )
    images_of_all = 808 * len(cells)
    return Gap(
        measurement, Settings("made", "made", images_of_all, 1024, "made", (1, 1), "balanced", 0.9, 1.0, None, 0, ())
    )


@dataclass(frozen=True)
class SomeCells:
    """A few random cells of each person and viewpoint, the rows of a table that are rendered."""

    cells: int

    def rows(self, table: pl.DataFrame) -> NDArray[np.int64]:
        drawn = table.select("identity", "viewpoint", draw=np.random.default_rng(0).random(table.height))
        kept = drawn.select(pl.col("draw").rank().over("identity", "viewpoint") <= self.cells)
        return np.flatnonzero(kept.to_series().to_numpy())


def viewpoints(out: Path, seeds: int, people: int, steps: int) -> None:
    """Whether the target's own viewpoints are worth more than any, where a viewpoint is one pose and place, or many.

    With ``scene_per="view"`` all images of a person and viewpoint share a pose, a camera and a place, with ``image``
    none do. Equal images and people in both arms; the target is planted.
    """
    scale = Scale(source_identities=people, target_identities=32)
    hidden = hidden_levels(scale.design, 0)
    target = render_target(out / "target", scale, 0, hidden)
    backdrops, _ = places()
    recipe = Recipe.resolve("cpu-quick", {"steps": steps})
    for scene_per in ("view", "image"):
        source = generate(
            scale.design,
            identities=people,
            out=out / scene_per,
            size=scale.size,
            scene_per=scene_per,
            backdrops=backdrops,
            plan=SomeCells(PER_VIEW),
        )
        arms = [
            Arm("any", lambda seed, source=source: _per_person(source, PER_PERSON, seed)),
            Arm(
                "target-views", lambda seed, source=source: _per_person(_views(source, hidden), PER_PERSON, seed), "any"
            ),
        ]
        runs = run_arms(arms, target, recipe=recipe, seeds=range(seeds), out=out / f"{scene_per}-runs")
        for summary in summarize(runs):
            gain = "" if summary.gain is None else f"  gain {100 * summary.gain:+.1f}"
            if summary.gain_low is not None and summary.gain_high is not None:
                gain += f" ({100 * summary.gain_low:+.1f} to {100 * summary.gain_high:+.1f})"
            reached = f"{100 * summary.mean['mAP']:.1f} mAP, {summary.images:,} images{gain}"
            print(f"scene per {scene_per}, {summary.arm}: {reached}")


def _views(source: Dataset, hidden: dict[str, tuple[str | int | float, ...]]) -> Dataset:
    return source.filter(pl.col("viewpoint").is_in(list(hidden["viewpoint"])))


def _per_person(source: Dataset, seed: int) -> Dataset:
    rng = np.random.default_rng(seed)
    people = source.identities
    rows = [rng.permutation(np.flatnonzero(people == one))[:PER_PERSON] for one in np.unique(people)]
    return source.take(np.sort(np.concatenate(rows)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["search", "viewpoints"])
    parser.add_argument("--samples", type=int, default=5000, help="subsets that the naive loop scores")
    parser.add_argument("--out", type=Path, default=Path("viewpoints"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--identities", type=int, default=48)
    parser.add_argument("--steps", type=int, default=120)
    arguments = parser.parse_args()
    if arguments.what == "search":
        search(arguments.samples)
    else:
        viewpoints(arguments.out, arguments.seeds, arguments.identities, arguments.steps)


if __name__ == "__main__":
    main()
