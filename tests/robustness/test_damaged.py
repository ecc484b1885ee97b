"""Every file that a stage reads, damaged in every way: one message that names it, and nothing written."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from closerlook.errors import CloserlookError
from robustness.damage import BINARY, READERS, SEARCH, SLOW, Damage, damaged, damages
from robustness.fuzz import clean
from robustness.made import at, run_search
from robustness.running import Outcome, run, tree

pytestmark = pytest.mark.slow


MOST, FEW = 30, 3
EMPTYING = ("missing", "a folder", "no row")  # of a folder's only shard: then it is the folder that holds no image


def call(arguments: list[str], folder: Path) -> Outcome:
    """A verb, or the search that is none."""
    if arguments != SEARCH:
        return run(arguments, folder)
    try:
        with at(folder):
            run_search(Path("search"))
    except CloserlookError as error:
        return Outcome(("search",), error.exit_code, f"error: {error}", 0.0)
    return Outcome(("search",), 0, "", 0.0)


def remove_new(folder: Path, before: dict[str, tuple[int, int]]) -> None:
    clean(folder)  # with the folders that are called new
    for name in set(tree(folder)) - set(before):
        (folder / name).unlink()


def cases(folder: Path, name: str, *, every: bool = False) -> list[Damage]:
    """Every damage, or a draw: most of what must fail, a little of what may pass, for then the call works for long.

    Of a recipe and a design only what must fail: with other numbers they ask for days of training and rendering.
    """
    rng = np.random.default_rng(len(name))
    found = [one for one in damages(folder / name, rng) if one.sure or name not in ("recipe.yaml", "design.yaml")]
    if every:
        return found
    sure, unsure = (rng.permutation(rows) for rows in _rows(found))
    return [found[row] for row in (*sure[:MOST], *unsure[: 0 if name in SLOW else FEW])]


def _rows(found: list[Damage]) -> tuple[list[int], list[int]]:
    sure = [row for row, one in enumerate(found) if one.sure]
    return sure, [row for row in range(len(found)) if row not in sure]


def _texts(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.suffix in (".json", ".yaml", ".csv")}


def judge(folder: Path, name: str, damage: Damage) -> tuple[Outcome, str]:
    """What came of the call that reads a damaged file, and what is wrong with that; empty where nothing is."""
    before, kept = tree(folder), _texts(folder)
    with damaged(folder / name, damage):
        outcome = call(READERS[name], folder)
    written = sorted(file for file in tree(folder) if file not in before and not file.startswith(name))
    remove_new(folder, before)
    for path, text in kept.items():  # a study or a search that goes on writes its own files anew, or removes one
        path.write_bytes(text)
    if outcome.fault or (outcome.code in (0, 3) and not damage.sure):
        return outcome, outcome.fault
    if outcome.code in (0, 3):
        return outcome, "taken as good"
    of_folder = "metadata" in name or (name.startswith("hub") and damage.name in EMPTYING)
    own = Path(name).parent.name if of_folder else Path(name).name
    if damage.named and own not in outcome.text.replace("\n", ""):
        return outcome, "does not name the file"
    return outcome, f"wrote {written}" if written else ""


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_is_one_message_that_names_it(made: Path, name: str) -> None:
    faults = []
    for damage in cases(made, name):
        outcome, problem = judge(made, name, damage)
        if problem:
            faults.append(f"{damage.name}: {problem}\n{outcome}")
    assert not faults, f"{len(faults)} faults\n" + "\n".join(faults[:8])


@pytest.mark.parametrize("name", READERS)
def test_an_unreadable_file_is_named(made: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made / name
    if path.suffix in BINARY and os.geteuid() == 0:
        pytest.skip("root reads every file, and these are not opened from Python")
    opened = Path.open

    def refuse(self: Path, *arguments: object, **options: object) -> object:
        if self.resolve() == path.resolve():
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        outcome = call(READERS[name], made)
    finally:
        path.chmod(mode)
    assert outcome.code == 1 and not outcome.fault and path.name in outcome.text, str(outcome)
