"""What docstrings and pages name is there, and their examples run."""

import ast
import doctest
import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import closerlook
from closerlook.dataset import Dataset
from closerlook.embedding import Embedder
from closerlook.gap import analyze
from closerlook.reid import Model
from closerlook.selection import select
from closerlook.selection.choose import SPLITS
from closerlook.synthesis import generate

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "closerlook"
REFERENCE = re.compile(r":(mod|func|class|attr|meth|data|exc):`([^`]+)`")
FILES = sorted(SOURCE.rglob("*.py"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def module_of(path):
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def docstrings(path):
    """Every docstring of a file, with the names of the classes it stands in."""

    def walk(node, classes):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                yield classes, str(child.value.value)
            yield from walk(child, (*classes, child.name) if isinstance(child, ast.ClassDef) else classes)

    return list(walk(ast.parse(path.read_text(encoding="utf-8")), ()))


def members(owner):
    """Names that an object has, with those that its instances get."""
    names = set(getattr(owner, "__annotations__", ()))
    if inspect.isclass(owner):
        for base in owner.__mro__:
            names |= set(getattr(base, "__annotations__", ()))
        names |= set(re.findall(r"self\.(\w+)(?:: [^=]+)? =", inspect.getsource(owner)))
    return names


def resolves(name, module, classes):
    """Whether ``name``, as it stands in a docstring of ``module``, is something, there or in a package around it."""
    name = name.removeprefix("~").removesuffix("()")
    parts = [*module.split("."), *classes]
    starts = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    candidates = [name, *(f"{start}.{name}" for start in starts)]
    return any(exists(candidate) for candidate in candidates)


def exists(path):
    parts = path.split(".")
    for count in range(len(parts), 0, -1):
        try:
            owner: Any = importlib.import_module(".".join(parts[:count]))
        except ImportError:
            continue
        for number, part in enumerate(parts[count:], start=count):
            if not hasattr(owner, part) and part not in members(owner):
                return False
            if number + 1 < len(parts):
                owner = getattr(owner, part, None)
        return True
    return False


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_every_name_in_a_docstring_is_something(path):
    module = module_of(path)
    missing = [
        match[0]
        for classes, text in docstrings(path)
        for match in REFERENCE.finditer(text)
        if not resolves(match[2], module, classes)
    ]
    assert not missing


@pytest.mark.parametrize("path", [*FILES, *PAGES], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_full_name_in_text_is_something(path):
    """Of modules and their members, as ``closerlook.selection.select``."""
    text = path.read_text(encoding="utf-8")
    names = set(re.findall(r"`(closerlook(?:\.\w+)+)`", text)) - {f"closerlook.{end}" for end in ("yaml", "json")}
    assert not [name for name in names if not exists(name)]


def test_a_name_that_is_gone_is_found():
    assert not resolves("closerlook.selection.optimum", "closerlook", ())
    assert not resolves("gone", "closerlook.selection.plan", ("Plan",))
    assert resolves("closerlook.selection.Plan.images", "closerlook", ())
    assert resolves("save", "closerlook.selection.plan", ("Plan",))
    assert resolves("~pathlib.Path", "closerlook", ())


PACKAGES = (
    "adaptation",
    "dataset",
    "embedding",
    "evaluation",
    "gap",
    "reid",
    "reporting",
    "selection",
    "study",
    "synthesis",
    "validation",
)
LEVELS = {"viewpoint": (0, 90), "weather": ("sunny", "foggy"), "illumination": ("noon",)}
SIZE = (64, 32)


def public():
    """What the package offers at its top, and the functions that its parts offer."""
    found = {f"{home}.{name}": getattr(closerlook, name) for name, home in closerlook._HOMES.items()}
    for package in PACKAGES:
        module = importlib.import_module(f"closerlook.{package}")
        values = {f"closerlook.{package}.{name}": getattr(module, name) for name in module.__all__}
        found |= {name: value for name, value in values.items() if inspect.isfunction(value)}
    return found


PUBLIC = public()


@pytest.fixture(scope="module", autouse=True)
def few_splits():
    """How often a choice is repeated is not what the examples are about."""
    with pytest.MonkeyPatch.context() as patch:
        for method in SPLITS:
            patch.setitem(SPLITS, method, 2)
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """People in front of everything that the examples look at."""
    out = tmp_path_factory.mktemp("examples") / "source"
    return generate("gpr-plus", identities=4, levels=LEVELS, size=SIZE, workers=1, out=out)


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """Other people: three to measure the gap to, three to find again, by two cameras."""
    out = tmp_path_factory.mktemp("examples") / "target"
    made = generate("gpr-plus", identities=6, levels=LEVELS, size=SIZE, workers=1, seed=1, out=out)
    sides = pl.col("viewpoint") == 0
    split = (
        pl.when(pl.col("identity") <= 3)
        .then(pl.lit("train"))
        .otherwise(pl.when(sides).then(pl.lit("query")).otherwise(pl.lit("gallery")))
    )
    table = made.table.select("file_name", "identity", split=split, camera=pl.when(sides).then(1).otherwise(2))
    return Dataset.from_table(out, table, "target", ())


@pytest.fixture(scope="module")
def gap(data, target):
    return analyze(data, target.train, embedding="lite0-pooled", size=SIZE)


@pytest.fixture(scope="module")
def plan(gap):
    return select(gap)


@pytest.fixture(scope="module")
def model():
    return Model.pretrained("lite0", SIZE)


@pytest.mark.parametrize("name", PUBLIC)
def test_what_is_public_has_an_example(name):
    assert ">>>" in inspect.getdoc(PUBLIC[name])


@pytest.mark.parametrize("name", [*PUBLIC, "closerlook.embedding.Embedder"])
def test_an_example_runs(name, request, tmp_path, monkeypatch):
    """In an empty folder; ``data``, ``target``, ``gap``, ``plan`` and ``model`` are there where it mentions them."""
    monkeypatch.chdir(tmp_path)
    text = inspect.getdoc(PUBLIC.get(name, Embedder)) or ""
    given = {"cl": closerlook, "np": np, "pl": pl, "torch": torch, "Path": Path, "Embedder": Embedder}
    for fixture in ("data", "target", "gap", "plan", "model"):
        if re.search(rf"\b{fixture}\b", "".join(line for line in text.splitlines() if line.strip().startswith(">>>"))):
            given[fixture] = request.getfixturevalue(fixture)
    test = doctest.DocTestParser().get_doctest(text, given, name, None, None)
    said: list[str] = []
    doctest.DocTestRunner().run(test, out=said.append)
    assert not said, "".join(said)
