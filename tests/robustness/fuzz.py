"""Calls of verbs with random and mutated options: a function of a seed, for the suite and for the long mode."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_type_hints

import numpy as np
import typer
from typer.core import TyperGroup

from closerlook.cli import app

__all__ = ["VERBS", "calls", "clean"]

# Those whose work takes moments: the others' options are tried by the tests of their areas.
VERBS = (
    *("report", "compare", "evaluate", "extract", "select", "render-next"),
    *("dataset audit", "dataset import", "dataset export"),
)
NUMBERS = ("0", "1", "2", "-1", "1.5", "nan", "inf", "1e400", "9" * 30, "", "one", "0x10")
PATHS = (
    "source",
    "target",
    "gap",
    "run",
    "study",
    "plan.yaml",
    "features.safetensors",
    "source/images/1_sunny_0.png",
    "target/t0.png",
    "nowhere",
    "/dev/null",
    "",
    ".",
    "..",
    "x" * 300,
    "a/" * 200,
)
SOURCES = (
    *PATHS,
    "folder:source",
    "market1501:source",
    "manifest:source/metadata.parquet",
    "manifest:",
    ":",
    "x:y",
    "coco:boxes.json",
    "mot:boxes.txt",
    "pattern:target",
    "shards",
    "hub",
    "cuhk03-labeled:source",
    "randperson:source",
)
# nothing that a later call reads is written over
OUTPUTS = (
    "new",
    "new/deep/file.yaml",
    "new.json",
    "new.png",
    "new.webp",
    "new.x",
    "new.npz",
    "new.npy",
    "new.safetensors",
    "new.parquet",
    "/dev/null",
    "gap",
    "plan.yaml/x",
    "",
)
TEXTS = {
    "method": ("greedy", "exhaustive", "quadratic", "mixture", "nearest", "diverse", "density-ratio", "best"),
    "criterion": ("mmd2", "total_loss", "loss"),
    "rule": ("not-worse", "mean", "top:1", "top:0", "top:x", "below:1", "below:nan", "paper:market", "paper:x", ":"),
    "all_levels": ("viewpoint", "weather", "none", "hour"),
    "cap": ("weather=sunny:0.5", "weather=sunny", "weather=x:2", "=:", "weather=sunny:nan"),
    "model": ("lite0", "run", "nowhere", "resnet999", "os:system"),
    "protocol": ("market1501", "cuhk03-classic", "no-cameras", "x"),
    "metric": ("euclidean", "cosine", "x"),
    "device": ("cpu", "cuda:99", "x"),
    "size": ("32x16", "0x0", "32", "99999x99999", "32x16x3"),
    "layout": ("market1501", "finegpr", "table", "imagefolder", "parquet", "coco", "webdataset", "x"),
    "license": ("cc-by-4.0", "", "a\nb: c", "x" * 300),
    "split": ("train", "query", "test", ""),
    "name": (r"(?P<identity>\d+)", r"(?P<camera>.)", "(?P<split>.*)", "(", "", "x"),
    "smallest": ("1x1", "8x4", "0x0", "x", "99999999999x1"),
    "category": ("person", "car", ""),
}
WORKING = {
    "report": [["study"], ["gap"], ["run"]],
    "compare": [["source/images/1_sunny_0.png", "target/t0.png"], ["target/t0.png", "target/t1.png", "--model", "run"]],
    "evaluate": [
        ["run", "--target", "target", "-o", "new.json"],
        ["--query", "features.safetensors", "--gallery", "features.safetensors", "-o", "new.json"],
        ["lite0", "--target", "target", "--size", "32x16", "-o", "new.json"],
    ],
    "select": [["gap"], ["gap", "--method", "exhaustive"], ["gap", "--method", "quadratic"], ["gap", "--rule", "mean"]],
    "render-next": [["gap", "--images", "2"], ["gap", "--images", "1", "--camera", "1"]],
    "dataset audit": [["source"], ["target"], ["folder:source"], ["manifest:source/metadata.parquet"]],
    "dataset import": [
        ["source", "-o", "new"],
        ["folder:target", "-o", "new"],
        ["source", "target", "-o", "new"],
        ["hub", "shards", "-o", "new"],
        ["pattern:target", "--name", r"(?P<identity>\d)", "-o", "new"],
        ["coco:boxes.json", "--frames", "frames", "--smallest", "4x4", "-o", "new"],
        ["mot:boxes.txt", "--frames", "frames", "--smallest", "4x4", "-o", "new"],
    ],
    "dataset export": [
        ["target", "-o", "new"],
        ["target", "-o", "new", "--parts"],
        *([data, "-o", "new", "--format", form] for data in ("source", "hub") for form in ("table", "parquet", "coco")),
        *(
            [data, "-o", "new", "--format", form]
            for data in ("target", "shards")
            for form in ("imagefolder", "webdataset")
        ),
    ],
    "extract": [
        ["run", "source", "-o", "new.npz"],
        ["run", "shards", "-o", "new.npy"],
        ["lite0", "hub", "--size", "32x16", "-o", "new.parquet"],
    ],
}
STRANGE = "[]{}()*?!$&;|<>'\"`\\ \t\n#%=:,.-_/~^@é漢🎈\u202e\x1b\x7f"


def calls(seed: int, count: int, verbs: Sequence[str] = VERBS) -> Iterator[list[str]]:
    """``count`` argument lists for ``closerlook``, from the verbs' own options, to be called where artifacts are."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield _call(rng, str(rng.choice(verbs)))


def clean(folder: Path) -> None:
    """Remove what a call has written, wherever that may be in the folder of the artifacts."""
    for path in folder.glob("new*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _call(rng: np.random.Generator, verb: str) -> list[str]:
    """Most calls start from one that works, so that options are met deep inside and not only at the door."""
    command = typer.main.get_command(app)
    for part in verb.split():
        assert isinstance(command, TyperGroup)
        command = command.commands[part]
    types = get_type_hints(inspect.unwrap(command.callback)) if command.callback else {}
    good = WORKING[verb][int(rng.integers(len(WORKING[verb])))] if rng.random() < 0.75 else []
    arguments = [_mutated(rng, part) if rng.random() < 0.04 else part for part in good]
    for parameter in command.params:
        name = str(parameter.name)
        if name == "help":
            continue
        if parameter.param_type_name == "argument":
            arguments += [_value(rng, name, types.get(name))] if not good and rng.random() < 0.9 else []
        elif (name == "out" and "-o" not in good) or rng.random() < (0.12 if good else 0.25):
            option = str(rng.choice(parameter.opts))
            flag = getattr(parameter, "is_flag", False)
            arguments += [option] if flag else [option, _value(rng, name, types.get(name))]
    if rng.random() < 0.05:
        arguments.insert(int(rng.integers(len(arguments) + 1)), _strange(rng))
    return [*verb.split(), *arguments]


def _value(rng: np.random.Generator, name: str, kind: object) -> str:
    if name in ("out", "front", "pictures"):
        return str(rng.choice(OUTPUTS))
    if kind in (int, float, int | None, float | None):
        return str(rng.choice(NUMBERS))
    value = str(rng.choice(TEXTS.get(name, SOURCES)))
    return _mutated(rng, value) if rng.random() < 0.15 else value


def _mutated(rng: np.random.Generator, text: str) -> str:
    place = int(rng.integers(len(text) + 1))
    return text[:place] + _strange(rng) + text[place + int(rng.integers(3)) :]


def _strange(rng: np.random.Generator) -> str:
    return "".join(rng.choice(list(STRANGE), int(rng.integers(1, 6))))
