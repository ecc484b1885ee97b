"""Means over runs and people: against their parts by hand, and by simulation."""

import numpy as np
import pytest

from closerlook.metrics.crossed import difference_of_runs, mean_of_runs


def test_runs_that_agree_leave_people_and_people_who_agree_leave_runs() -> None:
    rng = np.random.default_rng(0)
    people, runs = rng.normal(size=40), rng.normal(size=5)
    of_people = mean_of_runs(np.tile(people, (5, 1)), np.ones(40))
    assert of_people.value == pytest.approx(people.mean())
    assert of_people.error == pytest.approx(people.std(ddof=1) / np.sqrt(40))
    assert of_people.freedom == pytest.approx(39)
    of_runs = mean_of_runs(np.tile(runs[:, None], (1, 40)), np.ones(40))
    assert of_runs.error == pytest.approx(runs.std(ddof=1) / np.sqrt(5))
    assert of_runs.freedom == pytest.approx(4)


def test_scores_that_are_all_equal_are_sure() -> None:
    found = mean_of_runs(np.full((3, 4), 0.5), np.ones(4))
    assert found.interval() == (0.5, 0.5)


@pytest.mark.parametrize(("run", "person", "both"), [(0.02, 0.05, 0.05), (0.0, 0.1, 0.0), (0.05, 0.0, 0.02)])
def test_pairs_of_runs_hold_the_truth_as_often_as_they_say(run: float, person: float, both: float) -> None:
    rng, experiments, held = np.random.default_rng(1), 600, 0
    for _ in range(experiments):
        scores = 0.01 + person * rng.normal(size=50) + run * rng.normal(size=(5, 1)) + both * rng.normal(size=(5, 50))
        low, high = mean_of_runs(scores, np.ones(50)).interval()
        held += low <= 0.01 <= high
    assert held / experiments == pytest.approx(0.95, abs=0.035)


def test_a_difference_takes_people_who_are_common_out() -> None:
    rng = np.random.default_rng(2)
    people = rng.normal(size=100)
    runs, others = (people + 0.01 * rng.normal(size=(4, 100)) for _ in range(2))
    found = difference_of_runs(runs + 0.1, others, np.ones(100))
    assert found.value == pytest.approx(0.1, abs=0.005)
    assert found.error < 0.005 < mean_of_runs(runs, np.ones(100)).error
