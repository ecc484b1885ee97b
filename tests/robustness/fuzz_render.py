"""Calls of the verbs that render, with random and mutated designs and options: a function of a seed.

``cases(seed)`` goes on for ever: the suite tries the first few, the long mode of ``bench/robustness.py`` thousands.
"""

from __future__ import annotations

import copy
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from closerlook.attributes import ILLUMINATIONS, WEATHERS
from closerlook.synthesis import generate
from closerlook.synthesis.generation.parameters import column, known_parameters, within
from closerlook.synthesis.scenes.kinds import BACKDROPS
from robustness.running import Outcome

__all__ = ["Case", "cases", "left_behind", "prepare"]

VERBS = ("generate", "generate", "generate", "generate", "people", "annotate", "adapt", "invert")
OUT = "new"  # what a call's outputs are called, or begin with: fuzz.clean removes them
STRANGE: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e-320, 1e308, -1e308, float("nan"), float("inf"), float("-inf")),
    *(10**30, -(10**30), 2**63, "", " ", "0", "1e3", "nan", "sunny", "noon", "street", "é漢\u202e", "a/b", "../x"),
    *("x" * 300, "a\nb", "\x00", "[red]", "{0}", "%s", [], [[]], [1, "a"], [None], [0, 0], {}, {"like": "sunny"}),
    *({"like": "haze"}, {"uniform": [0, 1]}, {"normal": [0, 1e308]}, {"choice": []}, {1: 2}, {None: None}),
)
NUMBERS = ("0", "1", "2", "-1", "1.5", "nan", "", "x", "1" * 20, "1" * 400, "999999", "0x10", " 1", "１")
SIZES = ("16x16", "17x31", "32x16", "16x64", "64x32", "15x16", "0x0", "-1x5", "32", "x", "", "32x16x3", "99999x99999")
CHARACTERS = "[]{}:,-#&*!|>'\"%@`\n\t \x00\x1b.~=é"


@dataclass(frozen=True)
class Case:
    """A call of ``closerlook``, and the files that it reads besides what :func:`prepare` made: path and text."""

    arguments: list[str]
    files: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write the files."""
        for name, text in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")


def prepare(folder: Path) -> Path:
    """``folder`` with what calls may name: rendered data, a target, empty frames of a camera, an image."""
    levels: dict[str, list[Any]] = {"viewpoint": [0, 90], "weather": ["sunny"], "illumination": ["noon", "night"]}
    generate("gpr-plus", out=folder / "data", identities=2, levels=levels, size=(32, 16), workers=1)
    rng = np.random.default_rng(0)
    for name, shape in (("target/a.png", (32, 16)), ("target/b.png", (32, 16)), ("frames/a.png", (36, 64))):
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (*shape, 3), np.uint8)).save(folder / name)
    (folder / "empty").mkdir()
    (folder / "mix.yaml").write_text("female: 0.4\n")
    return folder


def left_behind(outcome: Outcome, case: Case, folder: Path) -> bool:
    """Whether a call that was refused has written something all the same."""
    written = [path.name for path in folder.glob("new*") if path.name not in case.files]
    return outcome.code == 2 and bool(written)


def cases(seed: int) -> Iterator[Case]:
    """Calls without end. Each is small, so that a long one is a fault."""
    for number in itertools.count():
        rng = random.Random(f"{seed} {number}")
        yield globals()[f"_{rng.choice(VERBS)}"](rng)


def _generate(rng: random.Random) -> Case:
    files = {"new-design.yaml": _design(rng)}
    arguments = ["new-design.yaml"]
    options = {"--out": OUT, "--size": "32x16", "--workers": "1"}
    if rng.random() < 0.15:
        arguments = [rng.choice(["gpr-plus", "fine-gpr", "", "mix.yaml", "data", "nowhere.yaml", "data/design.yaml"])]
        options |= {"--level": "weather=sunny", "--identities": "1"}
    choices = {
        "--identities": NUMBERS,
        "--first-identity": NUMBERS,
        "--level": [
            "weather=sunny",
            "viewpoint=90",
            "weather=",
            "=",
            "x=1",
            "viewpoint=1e400",
            "camera.height=2",
            "weather",
        ],
        "--size": SIZES,
        "--seed": NUMBERS,
        "--scene-per": ["person", "view", "image", "views", ""],
        "--backdrop": ["street", "frames", "frames/a.png", "empty", "target", "mix.yaml", "nowhere", "", "/dev/null"],
        "--sensor": ["clean", "cctv", "phone", "x"],
        "--wardrobe": ["empty", "frames", "nowhere", "mix.yaml"],
        "--population": ["mix.yaml", "new-mix.yaml", "nowhere", "empty", "frames/a.png"],
        "--workers": ["1", "0", "-1", "x"],
        "--device": ["cpu", "cuda:99", "tpu", "", "cpu:0", "cuda:x"],
        "--plan": ["new-plan.yaml", "nowhere", "mix.yaml", "empty"],
        "--cameras": ["2", "6", "1", "-3", "100", "x", ""],
        "--splits": [None],
        "--dry-run": [None],
        "--out": [
            OUT,
            "data",
            "mix.yaml",
            "mix.yaml/x",
            "",
            "new/a/b",
            "new[1]",
            "new*",
            "/dev/null",
            "new" + "x" * 300,
        ],
    }
    return _with_options(rng, ["generate", *arguments], options, choices, files)


def _people(rng: random.Random) -> Case:
    options = {"--out": "new.png", "--count": "1"}
    choices = {
        "--count": ["0", "1", "2", "-1", "2001", "x", "9" * 30],
        "--first": NUMBERS,
        "--views": ["0", "1", "2", "13", "x"],
        "--seed": NUMBERS,
        "--wardrobe": ["empty", "nowhere", "mix.yaml"],
        "--population": ["mix.yaml", "new-mix.yaml", "nowhere", "empty"],
        "--no-captions": [None],
        "--out": [
            "new.png",
            "new.jpg",
            "new.webp",
            "new.gif",
            "new",
            "",
            "data",
            "mix.yaml/x.png",
            "new/a.png",
            "/dev/null",
        ],
    }
    return _with_options(rng, ["people"], options, choices, {})


def _annotate(rng: random.Random) -> Case:
    source = rng.choice(["data"] * 6 + ["target", "nowhere", "", "mix.yaml", "folder:target", "empty"])
    options = {"--out": OUT, "--workers": "1"}
    choices = {
        "--kind": ["mask", "parts", "clothes", "depth", "normals", "x", ""],
        "--out": [OUT, "new[1]", "mix.yaml", "mix.yaml/x", "", "new/a/b", "/dev/null"],
        "--draw": ["new.png", "new.jpg", "new.x", "new", "data", "", "/dev/null", "mix.yaml/x.png"],
        "--count": NUMBERS,
        "--workers": ["1", "0", "-1", "x"],
    }
    return _with_options(rng, ["annotate", source], options, choices, {})


def _adapt(rng: random.Random) -> Case:
    source = rng.choice(["folder:target"] * 6 + ["data", "nowhere", "", "mix.yaml", "empty", "market1501:target"])
    options = {"--out": OUT, "--size": "32x16", "--renders": "2", "--identities": "2", "--views": "1"}
    choices = {
        "--parameter": [
            "sensor",
            "all",
            "clothes",
            "backdrop",
            "illumination.hour",
            "camera.pitch",
            "x",
            "",
            "sensor.noise",
        ],
        "--optimizer": ["descent", "cma", "x", ""],
        "--renders": ["0", "1", "2", "-1", "x"],
        "--identities": ["0", "1", "2", "3", "-1"],
        "--views": ["0", "1", "2", "-1"],
        "--embedding": ["lite0", "lite0-pooled", "x", "x:y", ":", "os:getcwd", "math:sqrt"],
        "--backdrop": ["street", "frames", "empty", "nowhere", ""],
        "--sensor": ["clean", "cctv", "phone", "x"],
        "--size": SIZES,
        "--seed": NUMBERS,
        "--out": [OUT, "data", "mix.yaml", "mix.yaml/x", "", "new/a", "/dev/null"],
    }
    return _with_options(rng, ["adapt", source], options, choices, {})


def _invert(rng: random.Random) -> Case:
    images = rng.choices(
        ["target/a.png", "target/b.png", "nowhere.png", "mix.yaml", "empty"], [8, 4, 1, 1, 1], k=rng.choice([1, 1, 2])
    )
    options = {"--out": "new.png", "--backbone": "lite0", "--steps": "1", "--size": "32x16"}
    choices = {
        "--layer": ["conv4_2", "stage1", "x", "", "block3", "stem"],
        "--style": [None],
        "--backbone": ["lite0", "vgg19", "resnet18", "x", "os:getcwd"],
        "--steps": ["0", "1", "2", "-1", "x"],
        "--size": SIZES,
        "--seed": NUMBERS,
        "--out": ["new.png", "new.jpg", "new.webp", "new", "", "data", "mix.yaml/x.png", "/dev/null"],
    }
    return _with_options(rng, ["invert", *images], options, choices, {})


def _with_options(
    rng: random.Random, start: list[str], options: dict[str, str], choices: dict[str, Any], files: dict[str, str]
) -> Case:
    """A call whose options are those that work and up to four others."""
    chosen: dict[str, str | None] = dict(options)
    for name in rng.sample(sorted(choices), rng.choice([0, 0, 0, 1, 1, 3])):
        chosen[name] = rng.choice(list(choices[name]))
    arguments = [part for name, value in chosen.items() for part in ([name] if value is None else [name, value])]
    if chosen.get("--population") == "new-mix.yaml":
        files = {**files, "new-mix.yaml": _mutated(rng, {"female": 0.4, "winter": 0.2, "african": 1})}
    if chosen.get("--plan") == "new-plan.yaml":
        plan = {"values": {"viewpoint": [0, 90], "weather": ["sunny"]}, "images": 2, "share": 0.5, "counts": {}}
        files = {**files, "new-plan.yaml": _mutated(rng, plan)}
    return Case([*start, *arguments], files)


def _design(rng: random.Random) -> str:
    """A design's text: of one person in few cells, with parameters at the ends of what they may be, then mutated."""
    names = sorted(known_parameters())
    swept, drawn = rng.sample(names, 2), rng.sample(names, rng.choice([0, 1, 3]))
    factors: dict[str, Any] = {
        "viewpoint": [rng.choice([0, 90, 22.5, 359.9, -30, 450])],
        "weather": [rng.choice(WEATHERS)],
    }
    if rng.random() < 0.5:
        factors |= {rng.choice([name, column(name)]): [_number(rng, name)] for name in swept}
    design: dict[str, Any] = {"identities": 1, "factors": factors}
    if drawn:
        design["jitter"] = {name: _jitter(rng, name) for name in drawn}
    if rng.random() < 0.3:
        weather = {name.removeprefix("weather."): _number(rng, name) for name in names if name.startswith("weather.")}
        own = dict(rng.sample(sorted(weather.items()), 3))
        design["weathers"] = {"haze": {"like": rng.choice(WEATHERS), **own}}
        factors["weather"] = ["haze"]
    if rng.random() < 0.3:
        design["illuminations"] = {"tea": {"like": rng.choice(ILLUMINATIONS), "hour": rng.choice([0, 5.01, 12, 24])}}
        factors["illumination"] = ["tea"]
    if rng.random() < 0.3:
        design["backdrops"] = {name: rng.choice([1, 0.001, 1e300]) for name in rng.sample(sorted(BACKDROPS), 2)}
    if rng.random() < 0.3:
        design["population"] = {"winter": 0.5, "children": rng.choice([0, 1]), "elderly": 0}
    return _mutated(rng, design)


def _number(rng: random.Random, name: str) -> float:
    """A number that a parameter may be: at an end of its range, about its middle, or far out where there is no end."""
    value = within(name, rng.choice([-1e308, -1e6, -100.0, -1.0, 0.0, 1e-9, 0.3, 1.0, 7.0, 60.0, 1e4, 1e6, 1e308]))
    return round(value) if known_parameters()[name] is int else value


def _jitter(rng: random.Random, name: str) -> dict[str, list[float]]:
    low, high = sorted((_number(rng, name), _number(rng, name)))
    kind = rng.choice(["uniform", "log_uniform", "normal", "choice"])
    return {kind: [max(low, 1e-3), max(high, 1e-3)] if kind == "log_uniform" else [low, high]}


def _mutated(rng: random.Random, value: dict[str, Any]) -> str:
    """YAML of a value in which up to three places were changed, or the text itself; half of them stay as they are."""
    changed = copy.deepcopy(value)
    for _ in range(rng.choice([0, 0, 0, 0, 1, 1, 3])):
        _change(rng, changed)
    text = yaml.safe_dump(changed, sort_keys=False, allow_unicode=True)
    for _ in range(rng.choice([0] * 14 + [1, 2])):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(CHARACTERS) + text[at + rng.randrange(3) :]
    return text


def _change(rng: random.Random, value: dict[str, Any]) -> None:
    """Give another value to a place, or take it away, or put one beside it."""
    here: Any = value
    while here and rng.random() < 0.75:
        inner = here[rng.choice(list(here))] if isinstance(here, dict) else rng.choice(here)
        if not isinstance(inner, dict | list) or not inner:
            break
        here = inner
    strange = copy.deepcopy(rng.choice(STRANGE))
    if isinstance(here, list):
        here[rng.randrange(len(here))] = strange
    elif here and rng.random() < 0.7:
        here[rng.choice(list(here))] = strange
    elif here and rng.random() < 0.4:
        del here[rng.choice(list(here))]
    else:
        here[rng.choice(["x", "name", "identities", "weather", "sensor.noise", "", 1])] = strange
