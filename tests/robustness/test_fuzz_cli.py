"""Random and mutated options: exit code 0, 1, 2 (an audit: 3), a message, no traceback, nothing outside the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from robustness.fuzz import calls, clean
from robustness.running import Outcome, run, tree

pytestmark = pytest.mark.slow


CALLS = 50


def test_no_options_end_in_a_traceback(made: Path) -> None:
    inputs = {name: found for name, found in tree(made).items() if not name.startswith("new")}
    around = set(made.parent.iterdir())
    outcomes: list[Outcome] = []
    for arguments in calls(seed=5, count=CALLS):
        outcomes.append(run(arguments, made))
        clean(made)
    faults = [str(outcome) for outcome in outcomes if outcome.fault]
    assert not faults, f"{len(faults)} of {len(outcomes)}\n" + "\n".join(faults[:5])
    assert {outcome.code for outcome in outcomes} - {3} == {0, 1, 2}  # neither all refused nor all accepted
    assert set(made.parent.iterdir()) == around
    assert inputs.items() <= tree(made).items()  # nothing that was there has changed


def test_calls_are_a_function_of_their_seed() -> None:
    assert list(calls(1, 20)) == list(calls(1, 20)) != list(calls(2, 20))
