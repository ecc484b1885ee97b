"""Files that stages read, who reads them, and the ways in which a file can be damaged."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

from robustness.made import SIZE, TRAINING

SET = [part for name, value in TRAINING.items() for part in ("--set", f"{name}={json.dumps(value)}")]
TRAINED = ["--recipe", "cpu-quick", *SET]
TRAIN = ["train", "source", "--out", "new", "--plan", "plan.yaml", *TRAINED]
STUDY = ["study", "source", "target", "--out", "study", "--plan", "study/chosen.yaml", "--gap", "gap", "--seeds", "1"]
SELECT = ["select", "gap", "--out", "new.yaml"]
SIZED = ["--size", f"{SIZE[0]}x{SIZE[1]}", "--workers", "1"]
GENERATE = ["generate", "design.yaml", "--out", "new", *SIZED]
SEARCH = ["search"]  # no verb: the search behind 'adapt', whose renderings would take minutes

# file -> the call that reads it
READERS = {
    "gap/gap.json": SELECT,
    "gap/moments.safetensors": SELECT,
    "gap/images.parquet": SELECT,
    "run/run.json": ["report", "run", "--out", "new.html"],
    "run/log.csv": ["report", "run", "--out", "new.html"],
    "half/checkpoint.safetensors": ["train", "source", "--out", "half", *TRAINED],
    "run/model.safetensors": ["evaluate", "run", "--target", "target", "--out", "new.json"],
    "study/study.json": ["report", "study", "--out", "new.html"],
    "study/results.json": ["report", "study", "--out", "new.html"],
    "study/stages.json": ["report", "study", "--out", "new.html"],
    "study/importance_of_runs.json": ["report", "study", "--out", "new.html"],
    "study/chosen.yaml": ["report", "study", "--out", "new.html"],
    "study/runs/all-0/score.json": [*STUDY, *TRAINED],
    "search/search.json": SEARCH,
    "search/steps/0002.json": SEARCH,
    "search/steps/held-out-0000.json": SEARCH,
    "features.safetensors": ["evaluate", "--query", "features.safetensors", "--gallery", "features.safetensors"],
    "plan.yaml": TRAIN,
    "recipe.yaml": ["train", "source", "--recipe", "recipe.yaml", "--out", "new"],
    "design.yaml": GENERATE,
    "backdrop/camera.yaml": [*GENERATE, "--backdrop", "backdrop"],
    "rendered/render.yaml": ["generate", "design.yaml", "--out", "rendered", *SIZED],
    "rendered/design.yaml": ["dataset", "audit", "rendered"],
    "rendered/metadata.parquet": ["dataset", "audit", "rendered"],
    "mix.yaml": ["people", "--population", "mix.yaml", "--count", "1", "--out", "new.png"],
    "source/metadata.parquet": ["dataset", "audit", "source"],
    "source/design.yaml": ["dataset", "audit", "source"],
    "target/metadata.parquet": ["dataset", "audit", "target"],
    "shards/images/1.parquet": ["dataset", "export", "shards", "--format", "table", "--out", "new"],
    "shards/metadata.parquet": ["dataset", "audit", "shards"],
    "hub/train.parquet": ["dataset", "import", "hub", "--out", "new"],
    "boxes.json": ["dataset", "import", "coco:boxes.json", "--frames", "frames", "--out", "new"],
    "boxes.txt": ["dataset", "import", "mot:boxes.txt", "--frames", "frames", "--out", "new"],
}
# whose calls work for a second or more where the file is good
SLOW = (
    "design.yaml",
    "backdrop/camera.yaml",
    "mix.yaml",
    "plan.yaml",
    "recipe.yaml",
    "study/chosen.yaml",
    "study/results.json",
    "study/stages.json",
    "study/importance_of_runs.json",
)


@dataclass(frozen=True)
class Damage:
    """A way to damage a file.

    Attributes:
        name: in words.
        apply: does it to the file at a path.
        sure: whether no reader may take the file afterwards.
        named: whether a message must name this file: another value of the right type may contradict another file.
    """

    name: str
    apply: Callable[[Path], object]
    sure: bool = True
    named: bool = True


def _writes(content: bytes | bytearray) -> Callable[[Path], object]:
    """Puts this in the place of the file's content."""
    return lambda path: path.write_bytes(content)


def damages(path: Path, rng: np.random.Generator) -> Iterator[Damage]:
    """All that can be done to the file at ``path``."""
    data = path.read_bytes()
    yield Damage("missing", Path.unlink, sure=False)
    yield Damage("empty", _writes(b""), sure=path.suffix != ".yaml")
    yield Damage("a folder", _to_folder)
    yield Damage("not UTF-8", _writes(b"\xff\xfe\x00\x80" + data))
    yield Damage("nulls", _writes(bytes(len(data))))
    for share in (0.3, 0.9):
        cut = data[: int(share * len(data))]
        sure = path.suffix in (*BINARY, ".json")
        yield Damage(f"cut at {share}", _writes(cut), sure)
    for _ in range(3):
        flipped = bytearray(data)
        flipped[rng.integers(len(data))] ^= 1 << rng.integers(8)
        sure = path.suffix == ".safetensors" or path.name == "images.parquet"  # which a checksum is kept of
        yield Damage("bit flipped", _writes(flipped), sure)
    if path.suffix in (".json", ".yaml"):
        yield from _field_damages(path)
    if path.suffix == ".parquet":
        yield from _column_damages(path)
    if path.suffix == ".csv":
        text = data.decode()
        for name in text.splitlines()[0].split(","):
            changed = text.replace(name, "x")
            yield Damage(f"no column {name}", _writes(changed.encode()), sure=name == "step")
        yield Damage("words", _writes((text.rpartition(",")[0] + ",word\n").encode()))
        yield Damage("ragged", _writes((text + "1,2,3,4,5,6,7,8,9,10\n").encode()))


BINARY = (".parquet", ".safetensors")


@contextmanager
def damaged(path: Path, damage: Damage) -> Iterator[None]:
    """The file damaged for a while."""
    data = path.read_bytes()
    damage.apply(path)
    try:
        yield
    finally:
        if path.is_dir():
            shutil.rmtree(path)
        path.write_bytes(data)


def _to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "something").touch()


def _field_damages(path: Path) -> Iterator[Damage]:
    load, dump = (json.loads, json.dumps) if path.suffix == ".json" else (yaml.safe_load, yaml.safe_dump)
    whole = load(path.read_text())
    for place in places(whole):
        compared = "key" in place[:-1]  # what a result was made from is only compared: any value may stand there
        for wrong, of_no_type in wrong_values(_at(whole, place)):
            sure = of_no_type and not compared
            changed = dump(_with(whole, place, wrong))
            name = f"{'.'.join(map(str, place)) or 'all'} = {str(wrong)[:20]!r}"
            yield Damage(name, _writes(changed.encode()), sure, named=sure)
        if place and isinstance(place[-1], str):
            changed = dump(_without(whole, place))
            yield Damage(f"no {'.'.join(map(str, place))}", _writes(changed.encode()), sure=False)
    if isinstance(whole, dict):
        yield Damage("unknown field", _writes(dump({**whole, "x": 1}).encode()), sure=False)


def places(value: Any, here: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where every value of a document stands; of a list the first item only."""
    yield here
    items = value.items() if isinstance(value, dict) else list(enumerate(value))[:1] if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*here, key))


def wrong_values(value: Any) -> Iterator[tuple[Any, bool]]:
    """Values of other types, and whether they are certainly wrong: a number may stand where a name may."""
    yield ({"x": [None]} if not isinstance(value, dict) else [None]), True
    if not isinstance(value, list):
        yield [[None]], True
    if isinstance(value, dict | list | bool):
        yield "text", True
    elif isinstance(value, int | float):
        yield "text", False
        yield -1, False
        yield 10**18, False
        yield 1e300, False
    else:
        yield 7, False
    yield None, False


def _column_damages(path: Path) -> Iterator[Damage]:
    table = pl.read_parquet(path)
    for name in table.columns:
        changed = table.drop(name)
        yield Damage(f"no {name}", _writes(_parquet(changed)), sure=False)
        for kind in (pl.List(pl.Int64), pl.Boolean, pl.Float64, pl.String, pl.Null):
            column = pl.Series(name, [None] * table.height, dtype=kind)
            changed = table.with_columns(column)
            yield Damage(f"{name} of {kind}", _writes(_parquet(changed)), sure=False)
    yield Damage("no row", _writes(_parquet(table.clear())), sure=False)
    yield Damage("half the rows", _writes(_parquet(table.head(3))), sure=False)


def _parquet(table: pl.DataFrame) -> bytes:
    table.write_parquet(file := io.BytesIO())
    return file.getvalue()


def _at(value: Any, place: tuple[str | int, ...]) -> Any:
    for key in place:
        value = value[key]
    return value


def _with(value: Any, place: tuple[str | int, ...], new: Any) -> Any:
    if not place:
        return new
    copy = value.copy()
    copy[place[0]] = _with(value[place[0]], place[1:], new)
    return copy


def _without(value: Any, place: tuple[str | int, ...]) -> Any:
    copy = value.copy()
    if len(place) == 1:
        del copy[place[0]]
    else:
        copy[place[0]] = _without(value[place[0]], place[1:])
    return copy
