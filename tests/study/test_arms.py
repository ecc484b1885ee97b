import math

import pytest

from closerlook.study.arms import Run, summarise


def run(arm, seed, mean_average_precision, control=None):
    return Run(arm, seed, 100, 10, mean_average_precision, 0.5, 0.6, 0.7, 3.0, control)


def test_gain_is_paired_by_seed_with_students_interval():
    runs = [run("all", 0, 0.2), run("random", 0, 0.10), run("random", 1, 0.20), run("random", 2, 0.30)]
    runs += [run("plan", seed, value, "random") for seed, value in enumerate([0.13, 0.22, 0.34])]
    plan = {summary.arm: summary for summary in summarise(runs)}["plan"]
    assert plan.gain == pytest.approx(0.03)
    # Differences .03, .02, .04: standard error .01 / sqrt 3, Student's t with 2 degrees of freedom 4.302653.
    assert plan.gain_high - plan.gain == pytest.approx(4.302653 * 0.01 / math.sqrt(3), rel=1e-6)
    assert plan.gain - plan.gain_low == pytest.approx(plan.gain_high - plan.gain)


def test_one_pair_has_a_gain_but_no_interval():
    summary = summarise([run("random", 0, 0.1), run("plan", 0, 0.2, "random")])[1]
    assert summary.gain == pytest.approx(0.1)
    assert summary.gain_low is None
    assert math.isnan(summary.spread["mAP"])


def test_without_a_common_seed_there_is_no_gain():
    assert summarise([run("random", 5, 0.1), run("plan", 0, 0.2, "random")])[1].gain is None
