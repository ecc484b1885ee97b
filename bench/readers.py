"""Whether torchreid's and fast-reid's own readers read what ``dataset export --format market1501`` writes.

Their code is run from checkouts, with nothing of it changed and nothing of it here:

    git clone https://github.com/KaiyangZhou/deep-person-reid && git -C deep-person-reid checkout f8cd150
    git clone https://github.com/JDAI-CV/fast-reid && git -C fast-reid checkout c9bc3ce
    python bench/readers.py --torchreid deep-person-reid --fastreid fast-reid [DATA]

Each reader's class Market1501 is loaded from its file; what the file imports besides Python's own library and is not
installed (their networks, transforms and progress bars, which reading needs nothing of) is replaced by empty modules.
Said for each export: how many images, people and cameras the reader finds in each split, and whether these are ours. An
export that we refuse is written by force, to show what the reader makes of it. Rates are the best of five rounds.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import sys
import tempfile
import time
import types
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import polars as pl
import simplejpeg
import torch  # noqa: F401 - which the readers import, as it is

from closerlook.dataset import Dataset, open_dataset
from closerlook.dataset.export import LAYOUTS, export
from closerlook.dataset.exports import market1501
from closerlook.errors import CloserlookError

ROUNDS = 5
Found = dict[str, list[tuple[str, int, int]]]  # split -> image, person, camera
FILES = {
    "torchreid": ("torchreid", "torchreid/data/datasets/image/market1501.py"),
    "fastreid": ("fastreid", "fastreid/data/datasets/market1501.py"),
}


class _Empty(types.ModuleType):
    """A module in which every name is a class that does nothing."""

    __path__: list[str] = []  # noqa: RUF012 - as importlib wants it

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"__init__": lambda self, *_, **__: None, "__call__": lambda self, x=None, *_: x})


class _Missing:
    """Finds empty modules for what is not installed."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        if name.partition(".")[0] in sys.stdlib_module_names:
            return None
        return importlib.util.spec_from_loader(name, self)

    def create_module(self, spec: object) -> types.ModuleType:
        return _Empty(spec.name)  # type: ignore[attr-defined]

    def exec_module(self, module: types.ModuleType) -> None:
        pass


@contextlib.contextmanager
def reader(name: str, checkout: Path) -> Iterator[Callable[[Path], Found]]:
    """The reader of a checkout: a function from the folder of an export to what it finds."""
    package, file = FILES[name]
    if not (checkout / file).is_file():
        sys.exit(f"{checkout} has no {file}: give the checkout of {name}.")
    before = set(sys.modules)
    sys.path.insert(0, str(checkout))
    sys.meta_path.append(_Missing())  # type: ignore[arg-type]
    for part in ("", ".data", ".data.datasets") + ((".data.datasets.image",) if name == "torchreid" else ()):
        module = types.ModuleType(package + part)  # the packages' own start imports networks and training
        module.__path__ = [str(checkout / (package + part).replace(".", "/"))]
        sys.modules[package + part] = module
    try:
        if name == "fastreid":
            registry = importlib.import_module("fastreid.utils.registry").Registry("DATASET")
            sys.modules["fastreid.data.datasets"].DATASET_REGISTRY = registry  # type: ignore[attr-defined]
        spec = importlib.util.spec_from_file_location(file[:-3].replace("/", "."), checkout / file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)

        def read(folder: Path) -> Found:
            silent = contextlib.redirect_stdout(io.StringIO())
            with warnings.catch_warnings(), silent, tempfile.TemporaryDirectory() as root:
                warnings.simplefilter("ignore")
                (Path(root) / "market1501").symlink_to(folder)  # where torchreid looks, below its root
                data = module.Market1501(root=str(Path(root) / "market1501" if name == "fastreid" else root))
                return {
                    split: [(Path(row[0]).name, _number(row[1]), _number(row[2])) for row in getattr(data, split)]
                    for split in ("train", "query", "gallery")
                }

        yield read
    finally:
        sys.path.remove(str(checkout))
        sys.meta_path.pop()
        for added in set(sys.modules) - before:
            del sys.modules[added]


def _number(label: object) -> int:
    return int(str(label).rpartition("_")[2])  # fast-reid says market1501_7 in training


def made(folder: Path, people: int, cameras: int) -> Dataset:
    """Noise: three splits, distractors and junk, the last people and cameras of highest number."""
    rng, rows = np.random.default_rng(0), []
    (folder / "images").mkdir(parents=True)
    for number in range(600):
        person = int(rng.integers(1, people + 1)) if number > 20 else (-1 if number < 10 else -2)
        split = "gallery" if person < 0 else ("train", "query", "gallery")[person % 3 and 1 + number % 2]
        camera = cameras if number % 50 == 0 else int(rng.integers(1, cameras + 1))
        name = f"images/{number}.jpg"
        image = rng.integers(0, 256, (64, 32, 3), dtype=np.uint8)
        (folder / name).write_bytes(simplejpeg.encode_jpeg(image))
        rows.append((name, person, camera, split))
    table = pl.DataFrame(rows, schema=["file_name", "identity", "camera", "split"], orient="row")
    return Dataset.from_table(folder, table, f"{people} people, {cameras} cameras", ())


def expected(folder: Path) -> Found:
    """What the layout says, as our own reader reads it; the others leave junk out and count cameras from 0."""
    table = open_dataset(f"market1501:{folder}").table.filter(pl.col("identity") != -1)
    return {
        split: [
            (Path(name).name, max(identity, 0), camera - 1)
            for name, identity, camera in part.select("file_name", "identity", "camera").iter_rows()
        ]
        for split, part in ((str(key), table.filter(pl.col("split") == key)) for key in ("train", "query", "gallery"))
    }


def judge(read: Callable[[Path], Found], folder: Path) -> str:
    """What a reader makes of an export, beside what it is."""
    wanted = expected(folder)
    try:
        found = read(folder)
    except Exception as error:
        return f"stops: {type(error).__name__} {error}".strip()
    counts = ", ".join(f"{split} {len(rows):,}" for split, rows in found.items())
    right = all(
        sorted(row[::2] for row in found[split]) == sorted(row[::2] for row in wanted[split])  # image and camera
        and (split == "train" or sorted(found[split]) == sorted(wanted[split]))
        and len({row[1] for row in found[split]}) == len({row[1] for row in wanted[split]})
        for split in wanted
    )
    return f"{counts}: " + ("images, people and cameras are ours" if right else "MISREAD")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", help="a data set to export too; its cameras are split where need be")
    parser.add_argument("--torchreid", type=Path, help="a checkout of deep-person-reid")
    parser.add_argument("--fastreid", type=Path, help="a checkout of fast-reid")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        small, large = made(root / "small", 40, 6), made(root / "large", 1600, 34)
        cases = {"6 cameras, 40 people": root / "plain"}
        export(small, root / "plain")
        try:
            export(large, root / "refused")
        except CloserlookError as error:
            print(f"34 cameras, 1,600 people: refused\n  {error}")
        with mock.patch.multiple(market1501, MOST_CAMERAS=10**9, MOST_PEOPLE=10**9):
            export(large, root / "forced")
        cases["34 cameras, 1,600 people, by force"] = root / "forced"
        export(large, root / "parts", parts=True)
        cases |= {f"the same, {part.name}": part for part in sorted((root / "parts").iterdir())}
        if arguments.data:
            export(open_dataset(arguments.data), root / "data", parts=True)
            cases |= {f"{arguments.data}, {part.name}": part for part in sorted((root / "data").iterdir())}
        for name, checkout in (("torchreid", arguments.torchreid), ("fastreid", arguments.fastreid)):
            if checkout is not None:
                with reader(name, checkout) as read:
                    for case, exported in cases.items():
                        print(f"{name:<10} {case:<40} {judge(read, exported)}")
        print("images a second, 600 JPEG files:")
        layouts = [layout for layout in LAYOUTS if layout != "finegpr"]
        rates = dict.fromkeys(layouts, 0.0)
        for number in range(ROUNDS):  # they take turns, so that a busy machine slows all alike
            for layout in layouts:
                start = time.perf_counter()
                export(small, root / f"rate-{layout}-{number}", layout=layout)
                rates[layout] = max(rates[layout], len(small) / (time.perf_counter() - start))
        for layout, rate in rates.items():
            print(f"  {layout:<12} {rate:>8,.0f}  {rate / rates['table']:.2f} of table")


if __name__ == "__main__":
    main()
