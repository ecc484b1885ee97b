"""What README says about the analysis: throughput beside the bare backbone, and whether 95 % intervals cover 95 %.

python bench/analysis.py throughput --embedding lite0 --size 128x64 --images 4096
python bench/analysis.py throughput --embedding vgg19 --size 256x128 --images 128
python bench/analysis.py memory --identities 16 (and 2, 4; --no-network, 16, 48 and 96, for minutes instead of hours)
python bench/analysis.py coverage --repeats 200
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import polars as pl
import simplejpeg
import torch

from bare import eager
from closerlook.attributes import DESIGNS, Factor
from closerlook.cli.options import parse_size
from closerlook.dataset import Dataset
from closerlook.dataset.images import iter_images
from closerlook.dataset.threads import map_in_threads
from closerlook.embedding import Block, ContentStyle, open_embedding, slices_of
from closerlook.embedding.passes import batch_size, cut, share_cores
from closerlook.gap import Gap, Settings, analyze
from closerlook.gap.measure.cells import lay_out
from closerlook.gap.measure.moments import squared_norms
from closerlook.gap.measure.partials import Arrays, Pieces
from closerlook.gap.measure.source import EXACT_BYTES, SourceSums, make_source_pieces
from closerlook.gap.measure.target import measure_target, target_moments

DEFAULT_UNITS = 588 * 7


def throughput(embedding: str, size: tuple[int, int], images: int, rounds: int) -> None:
    """Images a second of the whole pass (decode, network, Grams, moments) and of the network alone, alternating.

    The network alone is as deep as the deepest layer that is compared, in evaluation and inference mode, channels last,
    on images that are decoded, resized, normalized and in memory:

    * loop: PyTorch's modules one after the other, 64 images at a time, all threads on each: the bare forward pass.
    * threads: the same in as many threads and batches of that size as the pass uses.
    * tuned: as the pass runs it (folded, fused, cut to the cache), in its threads: what the pass would take if all the
      rest were free.

    CPU time counts all threads; it changes less than the clock where other programs run.
    """
    with TemporaryDirectory() as folder:
        source = _noise(Path(folder), images, size)
        embedder = open_embedding(embedding, size)
        layout = lay_out(source, source.factors, None, 0)
        target = measure_target(source.take(np.arange(min(64, images))), embedder, Pieces(None, (), ""))
        network, steps = embedder._network, embedder._steps
        pixels = torch.from_numpy(next(iter_images(layout.data, size)))
        ready = network.normalize(pixels.to(embedder.device))
        # Kept exactly or projected as the default of seven images per cell is
        with patch("closerlook.gap.measure.source.EXACT_BYTES", EXACT_BYTES * images // DEFAULT_UNITS):
            sums = SourceSums(layout, target.mean, embedder.blocks, 0)

        def whole() -> Iterator[Arrays]:
            return make_source_pieces(sums, embedder, Pieces(None, (), ""))

        def forward(x: torch.Tensor) -> None:
            with torch.inference_mode():
                for step in steps:
                    x = step.run(x)
                if embedder.device.type == "cuda":
                    torch.cuda.synchronize()  # the clock is the host's

        def loop() -> None:
            for _ in range(images // len(ready)):
                forward(ready)

        def threads() -> None:
            batches = cut(slice(0, images), batch_size(embedder))
            with share_cores() as workers:
                for _ in map_in_threads(lambda rows: forward(ready[: rows.stop - rows.start]), batches, workers):
                    pass

        def bare(work: Callable[[], None]) -> None:
            with eager():
                work()

        works: dict[str, Callable[[], object]] = {
            "loop": lambda: bare(loop),
            "threads": lambda: bare(threads),
            "tuned": threads,
            "whole": lambda: [None for _ in whole()],
        }
        clocks = {"wall": time.perf_counter, "CPU": time.process_time}
        spent: dict[str, dict[str, list[float]]] = {name: {clock: [] for clock in clocks} for name in works}
        pieces = [{name: array.copy() for name, array in piece.items()} for piece in whole()]
        for _ in range(rounds):
            for name, work in works.items():
                before = {clock: now() for clock, now in clocks.items()}
                work()
                for clock, now in clocks.items():
                    spent[name][clock].append(now() - before[clock])
        before = time.process_time()
        sums.measurement(pieces, target)
        finish = time.process_time() - before
    for clock in clocks:
        speeds = {name: images / np.median(times[clock]) for name, times in spent.items()}
        print(f"{embedding} {size[0]} x {size[1]}, {torch.get_num_threads()} threads, {clock} time, images/s: ", end="")
        print(", ".join(f"{name} {speed:.1f}" for name, speed in speeds.items()), end="; whole over ")
        for name in ("loop", "threads", "tuned"):
            ratios = np.array(spent[name][clock]) / np.array(spent["whole"][clock])
            print(f"{name} {np.median(ratios):.3f} ({ratios.min():.3f} to {ratios.max():.3f})", end=" ")
        print()
    print(f"beyond the pass, whatever the number of images: {finish:.1f} s of CPU time")
    print(f"peak memory {_peak():.2f} GiB")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def memory(embedding: str, size: tuple[int, int], identities: int, network: bool) -> None:
    """Peak memory of an analysis with every cell and group of people of the full design, which are what it grows with.

    Every one of the 588 cells has an image of each of ``identities`` people: with 16 of them all 588 x 16 units exist,
    and with more only images are added. The files are the same few pictures over and over. Without the ``network``
    noise stands for its vectors: minutes instead of an hour, and the activations of a batch less.
    """
    with TemporaryDirectory() as folder:
        few = _noise(Path(folder), 64, size)
        cells = list(DESIGNS["gpr-plus"].cells())
        rows = [(f"{p}-{c}.jpg", p, *cell) for p in range(identities) for c, cell in enumerate(cells)]
        for number, (name, *_) in enumerate(rows):
            os.link(few.paths[number % len(few)], few.root / name)
        columns = ["file_name", "identity", "viewpoint", "weather", "illumination"]
        table = pl.DataFrame(rows, schema=columns, orient="row")
        source = Dataset.from_table(few.root, table, "full design", DESIGNS["gpr-plus"].factors)
        target = Dataset.from_table(few.root, few.table.with_columns(camera=pl.int_range(64) % 6), "target")
        embedder = ContentStyle(embedding, size) if network else _WithoutNetwork(embedding, size)
        gap = analyze(source, target, embedding=embedder, per_cell=0)
        print(f"{gap.description}\nprojection error {gap.projection_error:.4f}")
    print(f"{identities} people, {len(rows):,} images: peak memory {_peak():.2f} GiB")


class _WithoutNetwork(ContentStyle):
    def write(self, images: torch.Tensor, phi: torch.Tensor) -> None:
        torch.rand(phi.shape, out=phi)


def _noise(folder: Path, images: int, size: tuple[int, int]) -> Dataset:
    rng = np.random.default_rng(0)
    cells = list(DESIGNS["gpr-plus"].cells())
    rows = []
    for number in range(images):
        name = f"{number}.jpg"
        coarse = rng.integers(0, 256, (size[0] // 8, size[1] // 8, 3), dtype=np.uint8)
        smooth = coarse.repeat(8, axis=0).repeat(8, axis=1)
        pixels = (smooth + rng.normal(0, 3, smooth.shape)).clip(0, 255).astype(np.uint8)  # files as large as real ones
        (folder / name).write_bytes(simplejpeg.encode_jpeg(pixels, quality=90))
        viewpoint, weather, illumination = cells[number % len(cells)]
        rows.append((name, number // len(cells), viewpoint, weather, illumination))
    columns = ["file_name", "identity", "viewpoint", "weather", "illumination"]
    table = pl.DataFrame(rows, schema=columns, orient="row")
    return Dataset.from_table(folder, table, "noise", DESIGNS["gpr-plus"].factors)


def coverage(repeats: int, identities: int, target_identities: int) -> None:
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
    true_mmd2 = ((level_means - shift) ** 2).sum(axis=1) / unit
    spread = np.repeat(between, [4, 3]) + (PERSON**2 + 1) * dim
    true_total = true_mmd2 + (spread + unit / 2) / unit
    inside: dict[str, list[np.ndarray]] = {"total_loss": [], "mmd2": []}
    errors = []
    for repeat in range(repeats):
        gap = _simulate(factors, effects, shift, identities, target_identities, np.random.default_rng([1, repeat]))
        # The unit of the balanced scaling is itself measured; the truth is put in the same unit.
        ratio = unit / (2 * float(gap.measurement.target_spread[0]))
        errors.append(gap.levels["mmd2"].to_numpy() - true_mmd2 * ratio)
        for name, truth in (("total_loss", true_total), ("mmd2", true_mmd2)):
            low, high = (gap.levels[f"{name}_{end}"].to_numpy() for end in ("low", "high"))
            inside[name].append((low <= truth * ratio) & (truth * ratio <= high))
    print(f"mmd2: mean error {np.mean(errors):+.5f}, spread {np.std(errors):.5f}, where it is {true_mmd2.mean():.4f}")
    for name, hits in inside.items():
        share = np.mean(hits)
        print(
            f"{name}: 95 % intervals hold the truth in {100 * share:.1f} % "
            f"({identities} people, {target_identities} in the target)"
        )


PERSON = 0.5


def _simulate(factors, effects, shift, people, target_identities, rng) -> Gap:  # type: ignore[no-untyped-def]
    dim = len(shift)
    cells = np.array([(i, j) for _ in range(people) for i in range(4) for j in range(3)])
    person = np.repeat(np.arange(people), 12)
    source = effects[0][cells[:, 0]] + effects[1][cells[:, 1]] + rng.normal(size=(len(cells), dim))
    source += PERSON * rng.normal(size=(people, dim))[person]
    target = (
        shift
        + rng.normal(size=(target_identities * 8, dim))
        + np.repeat(PERSON * rng.normal(size=(target_identities, dim)), 8, 0)
    )
    table = pl.DataFrame(
        {"file_name": [str(i) for i in range(len(cells))], "identity": person, "a": cells[:, 0], "b": cells[:, 1]}
    )
    data = Dataset.from_table(Path(), table, "made", factors)
    blocks = (Block("feature", "feature", dim),)
    return gap_of(data, torch.from_numpy(source).float(), torch.from_numpy(target).float(), blocks)


def gap_of(
    source: Dataset, phi: torch.Tensor, target: torch.Tensor, blocks: tuple[Block, ...], scaling: str = "balanced"
) -> Gap:
    """What :func:`analyze` makes of images whose vectors, (n, d) and (m, d), are known; runs of target rows belong
    together as in a table."""
    layout = lay_out(source, source.factors, None, 0)
    parts, runs = slices_of(blocks), 16
    run = np.arange(len(target)) * runs // len(target)
    pieces = [
        {
            "center": np.zeros(target.shape[1], np.float32),
            "sums": own.double().sum(0, keepdim=True).float().numpy(),
            "distances": squared_norms(own, parts).sum(0, keepdim=True).numpy(),
        }
        for own in (target[torch.from_numpy(run == number)] for number in range(runs))
    ]
    aim = target_moments(pieces, np.bincount(run)[:, None], (-1,), run, parts)
    sums = SourceSums(layout, aim.mean, blocks, 0)
    rows = slice(0, len(layout.row))
    ordered = phi[torch.from_numpy(layout.row)]
    piece = sums.piece(rows, [(rows, ordered, sums.reduce(rows, ordered))], sums.unit_sums())
    piece = {name: value for name, value in piece.items() if name != "pooled"}
    settings = Settings("made", "made", len(source), len(target), "made", (1, 1), scaling, 0.9, 1.0, None, 0, ())
    return Gap(sums.measurement([piece], aim), settings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("throughput")
    command.add_argument("--embedding", default="lite0")
    command.add_argument("--size", type=parse_size, default=(128, 64))
    command.add_argument("--images", type=int, default=2048)
    command.add_argument("--rounds", type=int, default=3)
    command.set_defaults(run=throughput)
    command = commands.add_parser("memory")
    command.add_argument("--embedding", default="vgg19")
    command.add_argument("--size", type=parse_size, default=(256, 128))
    command.add_argument("--identities", type=int, default=16)
    command.add_argument("--network", action=argparse.BooleanOptionalAction, default=True)
    command.set_defaults(run=memory)
    command = commands.add_parser("coverage")
    command.add_argument("--repeats", type=int, default=200)
    command.add_argument("--identities", type=int, default=64)
    command.add_argument("--target-identities", type=int, default=200)
    command.set_defaults(run=coverage)
    arguments = vars(parser.parse_args())
    arguments.pop("run")(**arguments)


if __name__ == "__main__":
    main()
