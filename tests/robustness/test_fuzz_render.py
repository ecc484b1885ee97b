"""Verbs that render, with random and mutated designs and options: exit code 0, 1 or 2, one message, nothing written
for nothing, no call of more than 20 s. ``CLOSERLOOK_FUZZ=10000`` tries as many."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from robustness.fuzz import clean
from robustness.fuzz_render import Case, cases, left_behind, prepare
from robustness.running import Outcome, run, tree

pytestmark = pytest.mark.slow


CALLS = int(os.environ.get("CLOSERLOOK_FUZZ", "80"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("rendering"))


def test_no_design_and_no_options_end_in_a_traceback(folder: Path) -> None:
    inputs, around = tree(folder), set(folder.parent.iterdir())
    faults, codes = [], set()
    for case in itertools.islice(cases(seed=3), CALLS):
        outcome = call(case, folder)
        if outcome.fault or left_behind(outcome, case, folder):
            faults.append(f"{outcome.fault or 'files left behind'}: {case}\n{outcome}")
        codes.add(outcome.code)
        clean(folder)
    assert not faults, f"{len(faults)} of {CALLS}\n" + "\n".join(faults[:5])
    assert codes == {0, 1, 2}  # neither all refused nor all accepted
    assert tree(folder) == inputs and set(folder.parent.iterdir()) == around


def call(case: Case, folder: Path) -> Outcome:
    case.write(folder)
    return run(case.arguments, folder)


def test_cases_are_a_function_of_their_seed() -> None:
    first, again, other = (list(itertools.islice(cases(seed), 20)) for seed in (1, 1, 2))
    assert first == again != other
