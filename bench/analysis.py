"""What README says about the analysis: throughput beside the bare backbone, and whether 95 % intervals cover 95 %.

python bench/analysis.py throughput --embedding lite0 --images 2048
python bench/analysis.py coverage --repeats 200
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import simplejpeg
import torch

from closerlook.analysis import Gap, Settings
from closerlook.analysis.cells import lay_out
from closerlook.analysis.measure import SourceAccumulator, TargetAccumulator, measure_source, measure_target
from closerlook.attributes import DESIGNS, Factor
from closerlook.dataset import Dataset
from closerlook.dataset.images import iter_images
from closerlook.embedding import Block, open_embedding

SIZE = (128, 64)


def throughput(embedding: str, images: int, rounds: int) -> None:
    """Images a second of the bare network and of the whole pass (decode, Grams, moments), alternating.

    CPU time counts all threads; it changes less than the clock where other programs run.
    """
    with TemporaryDirectory() as folder:
        source = _noise(Path(folder), images)
        embedder = open_embedding(embedding, SIZE)
        layout = lay_out(source, source.factors, None, 0)
        target = measure_target(source.take(np.arange(64)), embedder)
        pixels = torch.from_numpy(np.concatenate(list(iter_images(layout.data, SIZE))))
        clocks = {"wall": time.perf_counter, "CPU": time.process_time}
        spent: dict[str, list[tuple[float, float]]] = {name: [] for name in clocks}
        for _ in range(rounds):
            times = [{name: clock() for name, clock in clocks.items()}]
            with torch.inference_mode():
                for first in range(0, images, 64):
                    embedder._activations(pixels[first : first + 64])  # type: ignore[attr-defined]
            times.append({name: clock() for name, clock in clocks.items()})
            measure_source(layout, target, embedder, 0)
            times.append({name: clock() for name, clock in clocks.items()})
            for name in clocks:
                spent[name].append((times[1][name] - times[0][name], times[2][name] - times[1][name]))
    for name, pairs in spent.items():
        ratios = [bare / whole for bare, whole in pairs]
        bare, whole = (images / np.median(seconds) for seconds in zip(*pairs, strict=True))
        print(
            f"{embedding}, {torch.get_num_threads()} threads, {name} time: bare {bare:.1f} images/s, "
            f"whole pass {whole:.1f}; ratio {np.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
        )


def _noise(folder: Path, images: int) -> Dataset:
    rng = np.random.default_rng(0)
    cells = list(DESIGNS["gpr-plus"].cells())
    rows = []
    for number in range(images):
        name = f"{number}.jpg"
        coarse = rng.integers(0, 256, (SIZE[0] // 8, SIZE[1] // 8, 3), dtype=np.uint8)
        pixels = coarse.repeat(8, axis=0).repeat(8, axis=1)
        (folder / name).write_bytes(simplejpeg.encode_jpeg(pixels, quality=90))
        viewpoint, weather, illumination = cells[number % len(cells)]
        rows.append((name, number // len(cells), viewpoint, weather, illumination))
    columns = ["file_name", "identity", "viewpoint", "weather", "illumination"]
    table = pl.DataFrame(rows, schema=columns, orient="row")
    return Dataset.from_table(folder, table, "noise", DESIGNS["gpr-plus"].factors)


def coverage(repeats: int, people: int, target_people: int) -> None:
    """How often the intervals hold the truth, with random people on both sides and effects of levels that are fixed."""
    factors = (Factor("a", tuple(range(4))), Factor("b", tuple(range(3))))
    dim, rng = 64, np.random.default_rng(0)
    effects = [rng.normal(size=(len(factor), dim)) * 0.15 for factor in factors]
    shift = rng.normal(size=dim) * 0.1
    level_means = np.concatenate(effects) + np.concatenate(
        [np.tile(effects[1].mean(0), (4, 1)), np.tile(effects[0].mean(0), (3, 1))]
    )
    between = [effects[1].var(axis=0).sum(), effects[0].var(axis=0).sum()]
    unit = 2 * (PERSON**2 + 1) * dim
    true_fit = ((level_means - shift) ** 2).sum(axis=1) / unit
    spread = np.repeat(between, [4, 3]) + (PERSON**2 + 1) * dim
    true_pair = true_fit + (spread + unit / 2) / unit
    inside: dict[str, list[np.ndarray]] = {"pair_loss": [], "fit": []}
    errors = []
    for repeat in range(repeats):
        gap = _simulate(factors, effects, shift, people, target_people, np.random.default_rng([1, repeat]))
        # The unit of the balanced scaling is itself measured; the truth is put in the same unit.
        ratio = unit / (2 * float(gap.measurement.target_spread[0]))
        errors.append(gap.levels["fit"].to_numpy() - true_fit * ratio)
        for name, stem, truth in (("pair_loss", "pair", true_pair), ("fit", "fit", true_fit)):
            low, high = (gap.levels[f"{stem}_{end}"].to_numpy() for end in ("low", "high"))
            inside[name].append((low <= truth * ratio) & (truth * ratio <= high))
    print(f"fit: mean error {np.mean(errors):+.5f}, spread {np.std(errors):.5f}, where it is {true_fit.mean():.4f}")
    for name, hits in inside.items():
        share = np.mean(hits)
        print(
            f"{name}: 95 % intervals hold the truth in {100 * share:.1f} % "
            f"({people} people, {target_people} in the target)"
        )


PERSON = 0.5


def _simulate(factors, effects, shift, people, target_people, rng) -> Gap:  # type: ignore[no-untyped-def]
    dim = len(shift)
    cells = np.array([(i, j) for _ in range(people) for i in range(4) for j in range(3)])
    person = np.repeat(np.arange(people), 12)
    source = effects[0][cells[:, 0]] + effects[1][cells[:, 1]] + rng.normal(size=(len(cells), dim))
    source += PERSON * rng.normal(size=(people, dim))[person]
    target = (
        shift
        + rng.normal(size=(target_people * 8, dim))
        + np.repeat(PERSON * rng.normal(size=(target_people, dim)), 8, 0)
    )
    table = pl.DataFrame(
        {"file_name": [str(i) for i in range(len(cells))], "identity": person, "a": cells[:, 0], "b": cells[:, 1]}
    )
    layout = lay_out(Dataset.from_table(Path(), table, "made", factors), factors, None, 0)
    blocks = (Block("feature", "feature", dim),)
    group = torch.arange(len(target)) * 16 // len(target)
    aim = TargetAccumulator(group, 16, blocks)
    aim.add(slice(0, len(target)), torch.from_numpy(target).float())
    pass_ = SourceAccumulator(layout, aim.finish(), blocks, 0)
    pass_.add(slice(0, len(source)), torch.from_numpy(source[layout.row]).float())
    settings = Settings("made", "made", len(source), len(target), "made", (1, 1), "balanced", 0.9, 1.0, None, 0, ())
    return Gap(pass_.finish(), settings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("throughput")
    command.add_argument("--embedding", default="lite0")
    command.add_argument("--images", type=int, default=2048)
    command.add_argument("--rounds", type=int, default=3)
    command.set_defaults(run=throughput)
    command = commands.add_parser("coverage")
    command.add_argument("--repeats", type=int, default=200)
    command.add_argument("--people", type=int, default=64)
    command.add_argument("--target-people", type=int, default=200)
    command.set_defaults(run=coverage)
    arguments = vars(parser.parse_args())
    arguments.pop("run")(**arguments)


if __name__ == "__main__":
    main()
