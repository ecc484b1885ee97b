"""Whether an analysis finds what a target shows, and whether its intervals hold, over repeated renders of new people.

Found by distance (squared MMD, total loss) and by the estimated mixture weights of the target's levels.

A pool of source people and one of target people, in other places and through another sensor, are rendered and embedded
once; each person is seen in random cells of the design, and each image has its own pose, camera and place. Sources and
targets are then drawn without replacement: no two draws of a round share a person, an image or a place. Each draw
is analyzed as users' images are. All of it takes about 20 minutes of CPU time, most of it for rendering.

python bench/planted.py power --draws 20
python bench/planted.py coverage --draws 100
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from scipy import stats

from analysis import gap_of
from closerlook.attributes import Design, Factor, Level
from closerlook.dataset import Dataset
from closerlook.dataset.images import iter_images
from closerlook.embedding import Block, open_embedding
from closerlook.gap import Gap
from closerlook.gap.measure.moments import Sketch
from closerlook.gap.statistics.mixture import estimate_mixture
from closerlook.randomness import keyed_rng
from closerlook.study.planted import SOURCE_SENSOR, TARGET_SENSOR, hidden_levels, places
from closerlook.synthesis import generate

SIZE = (128, 64)
VIEWPOINTS = tuple(range(0, 360, 60))
WIDTH = 1024  # a block's coordinates; products are off by 3 %, the same for a draw and for the pool
IMAGES = 20  # of each person
STRENGTHS = (1.0, 0.5, 0.25)
MEASURES = ("mmd2", "total_loss", "diversity")

Int = NDArray[np.int64]
Float = NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """Rendered images and their projected vectors (n, d), those of a person one after another."""

    data: Dataset
    phi: torch.Tensor
    blocks: tuple[Block, ...]

    @property
    def people(self) -> int:
        return len(self.data) // IMAGES

    def draw(self, people: Int) -> tuple[Dataset, torch.Tensor]:
        """All images of these people, numbered from 0."""
        row = (people[:, None] * IMAGES + np.arange(IMAGES)).ravel()
        return self.data.take(row), self.phi[row]


@dataclass(frozen=True)
class SomeCells:
    """Random cells of the design for each person, :data:`IMAGES` of them."""

    seed: int

    def rows(self, table: pl.DataFrame) -> Int:
        numbers = np.arange(table.height)
        own = [numbers[table["identity"] == person] for person in table["identity"].unique(maintain_order=True)]
        draws = [keyed_rng(self.seed, "cells", person).choice(rows, IMAGES, False) for person, rows in enumerate(own)]
        return np.sort(np.concatenate(draws))


def open_pools(folder: Path, people: int, workers: int | None) -> tuple[Pool, Pool]:
    """Source and target, rendered and embedded now where they have not been before."""
    source_places, target_places = places()
    found = []
    for name, seed, backdrops, sensor in (
        ("source", 10, source_places, SOURCE_SENSOR),
        ("target", 11, target_places, TARGET_SENSOR),
    ):
        data = generate(
            "gpr-plus",
            out=folder / name,
            workers=workers,
            identities=people,
            levels={"viewpoint": VIEWPOINTS},
            size=SIZE,
            seed=seed,
            scene_per="image",
            backdrops=backdrops,
            sensor=sensor,
            plan=SomeCells(seed),
        )
        found.append(_embed(data.take(data.table.with_row_index().sort("identity")["index"].to_numpy()), folder, name))
    return found[0], found[1]


def _embed(data: Dataset, folder: Path, name: str) -> Pool:
    embedder = open_embedding("lite0", SIZE)
    sketch = Sketch(embedder.blocks, WIDTH, 0)
    blocks = tuple(replace(block, dim=min(block.dim, WIDTH), positions=1) for block in embedder.blocks)
    cache = folder / f"{name}.npy"
    if not cache.exists():
        parts = [sketch(embedder(torch.from_numpy(batch))) for batch in iter_images(data, SIZE)]
        np.save(cache, torch.cat(parts).numpy(force=True))
    return Pool(data, torch.from_numpy(np.load(cache)), blocks)


def disjoint(pool: Pool, people: int, key: str) -> Iterator[Int]:
    """Draws of ``people`` people without end; those of one round share nobody, and every round shuffles all anew."""
    for round_ in range(10**6):
        order = keyed_rng(0, "planted bench", key, round_).permutation(pool.people)
        yield from order[: len(order) // people * people].reshape(-1, people)


def power(source: Pool, target: Pool, draws: int, people: int, target_identities: int) -> None:
    """How often the planted levels of a factor are told from the others.

    The share ``strength`` of a target's images shows planted levels only, the rest all levels alike. A draw's planted
    levels are neighbors in the design, or two weathers of a season.
    """
    print(
        f"{draws} draws a row; {people} source people, {target_identities} target people, {IMAGES} images each, lite0"
    )
    print("95 % binomial intervals; nearer: how often a planted level has a smaller mmd2 than another (chance 50 %)")
    print("larger: how often it has a larger mixture weight; error: half the sum of the weights' absolute differences")
    head = ["all at or below the line", "the very nearest", "nearest, or not told from it", "the same by total loss"]
    more = ["the largest shares", "planted share (true)", "error", "intervals hold the shares"]
    print(" | ".join(["attribute, planted, strength", "nearer", *head, "larger", *more]))
    for factor in source.data.factors:
        for count in (1, 2):
            for strength in STRENGTHS:
                found = list(_finds(source, target, factor, count, strength, draws, people, target_identities))
                mean = {name: float(np.mean([getattr(find, name) for find in found])) for name in asdict(found[0])}
                shares = [_share(round(mean[name] * draws), draws) for name in ("below", "nearest", "tied", "pair")]
                by_share = [_share(round(mean["largest"] * draws), draws), f"{mean['seen']:.0%} ({mean['true']:.0%})"]
                label = f"{factor.name}, {count} of {len(factor)}, {strength:.0%}"
                row = [label, f"{mean['nearer']:.0%}", *shares, f"{mean['larger']:.0%}", *by_share]
                print(" | ".join([*row, f"{mean['error']:.2f}", f"{mean['held']:.0%}"]), flush=True)


@dataclass(frozen=True)
class Find:
    """What one draw found: the columns of the table, in words there."""

    nearer: float
    below: bool
    nearest: bool
    tied: bool
    pair: bool
    larger: float
    largest: bool
    seen: float
    true: float
    error: float
    held: float


def _finds(
    source: Pool,
    target: Pool,
    factor: Factor,
    count: int,
    strength: float,
    draws: int,
    people: int,
    target_identities: int,
) -> Iterator[Find]:
    sources, targets = disjoint(source, people, "source"), disjoint(target, target_identities, "target")
    for number in range(draws):
        planted = _planted(factor, count, number)
        data, phi = source.draw(next(sources))
        other, other_phi = target.draw(next(targets))
        shown = _show(other, factor, planted, strength, number)
        gap = gap_of(data, phi, other_phi[shown], source.blocks)
        own = (gap.estimates["factor"] == factor.name).to_numpy()
        table = gap.estimates.filter(own)
        inside = table["level"].is_in([str(level) for level in planted]).to_numpy()
        mmd2, total = table["mmd2"].to_numpy(), table["total_loss"].to_numpy()
        tied = _tied_with_nearest(gap, factor, table["level"][int(mmd2.argmin())])
        found = estimate_mixture(gap.measurement, gap.weights.total, 0)
        share, low, high = found.weight[own], found.low[own], found.high[own]
        levels = other.table[factor.name].gather(shown)
        true = np.array([(levels == level).mean() for level in factor.levels])
        yield Find(
            nearer=float((mmd2[inside][:, None] < mmd2[~inside]).mean()),
            below=bool((mmd2 <= mmd2.mean())[inside].all()),
            nearest=bool(inside[np.argsort(mmd2)[:count]].all()),
            tied=set(table["level"].filter(inside)) <= tied,
            pair=bool(inside[np.argsort(total)[:count]].all()),
            larger=float((share[inside][:, None] > share[~inside]).mean()),
            largest=bool(inside[np.argsort(-share)[:count]].all()),
            seen=float(share[inside].sum()),
            true=float(true[inside].sum()),
            error=float(np.abs(share - true).sum() / 2),
            held=float(((low <= true) & (true <= high)).mean()),
        )


def _planted(factor: Factor, count: int, number: int) -> tuple[Level, ...]:
    if factor.name == "weather" and count == 2:
        return hidden_levels(Design.load("gpr-plus"), number)["weather"]
    start = int(keyed_rng(0, "planted bench", factor.name, count, number).integers(len(factor)))
    return tuple(factor.levels[(start + step) % len(factor)] for step in range(count))


def _show(data: Dataset, factor: Factor, planted: tuple[Level, ...], strength: float, number: int) -> Int:
    """Rows that show the planted levels, and ``1 - strength`` of as many of any level, person by person."""
    rng = keyed_rng(0, "planted bench", "shown", factor.name, number)
    inside = data.table[factor.name].is_in(list(planted)).to_numpy()
    count = int(inside.sum())
    clear = rng.permutation(np.flatnonzero(inside))[: round(strength * count)]
    others = rng.permutation(np.setdiff1d(np.arange(len(data)), clear))[: count - len(clear)]
    return np.sort(np.concatenate([clear, others]))


def _tied_with_nearest(gap: Gap, factor: Factor, nearest: str) -> set[str]:
    pairs = gap.differences.filter(~pl.col("significant") & (pl.col("factor") == factor.name))
    either = pairs.filter((pl.col("level") == nearest) | (pl.col("other") == nearest))
    return {nearest, *either["level"], *either["other"]}


def coverage(source: Pool, target: Pool, draws: int, people: int, target_identities: int) -> None:
    """How often 95 % intervals hold the value of the whole pools, in the pools' unit and in each target's own.

    A draw without replacement of a share f of a pool is nearer to the pool, by sqrt(1 - f), than one of all people that
    could be rendered; its error is widened by as much. A pool's own error is then 1/sqrt(1/f) of a draw's.
    """
    whole = gap_of(source.data, source.phi, target.phi, source.blocks)
    literal = np.array([block.weight for block in source.blocks])
    spread = 2 * whole.measurement.target_spread * literal
    terms = {term: sum(spread[[block.term == term for block in source.blocks]]) for term in ("style", "content")}
    fixed = ",".join(f"{term}={value}" for term, value in terms.items())
    widen = 1 / np.sqrt(1 - (people / source.people + target_identities / target.people) / 2)
    sources, targets = disjoint(source, people, "source"), disjoint(target, target_identities, "target")
    found: dict[str, list[NDArray[np.bool_]]] = {}
    for _ in range(draws):
        data, phi = source.draw(next(sources))
        gap = gap_of(data, phi, target.draw(next(targets))[1], source.blocks)
        for unit, scaling in (("pools' unit", fixed), ("own unit", "balanced")):
            levels, truth = gap.rescaled(scaling=scaling).levels, whole.rescaled(scaling=scaling).estimates
            for name in MEASURES:
                value, low, high = (levels[column].to_numpy() for column in (name, f"{name}_low", f"{name}_high"))
                aim = value + widen * (truth[name].to_numpy() - value)
                found.setdefault(f"{name}, {unit}", []).append((low <= aim) & (aim <= high))
    factors = whole.estimates["factor"].to_numpy()
    print(f"{draws} draws of {people} source and {target_identities} target people with {IMAGES} images each, lite0")
    for name, inside in found.items():
        hits = np.array(inside)
        error = hits.mean(axis=1).std(ddof=1) / np.sqrt(draws)  # levels of a draw share its people
        parts = ", ".join(f"{factor} {hits[:, factors == factor].mean():.1%}" for factor in dict.fromkeys(factors))
        print(f"{name}: 95 % intervals hold it in {hits.mean():.1%} +- {1.96 * error:.1%} ({parts})", flush=True)


def _share(hits: int, draws: int) -> str:
    bounds = stats.binomtest(hits, draws).proportion_ci(method="wilson")
    return f"{hits / draws:.0%} ({bounds.low:.0%} to {bounds.high:.0%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["power", "coverage"])
    parser.add_argument("--pool", type=Path, default=Path("planted-pool"))
    parser.add_argument("--pool-identities", type=int, default=480)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--identities", type=int, help="of a source; 200 for power, 32 for coverage")
    parser.add_argument("--target-identities", type=int, help="of a target; 96 for power, 32 for coverage")
    options = parser.parse_args()
    pools = open_pools(options.pool, options.pool_identities, options.workers)
    # 16 divides the target people of a coverage: no two of the 16 runs of its table share a person
    run, people, target_identities = {"power": (power, 200, 96), "coverage": (coverage, 32, 32)}[options.what]
    run(*pools, options.draws, options.identities or people, options.target_identities or target_identities)


if __name__ == "__main__":
    main()
