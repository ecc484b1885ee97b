"""The sentences that a page says first."""

import pytest

from closerlook.reporting.context import ReportContext
from closerlook.reporting.findings import decision, findings, verdict
from closerlook.study.arms import Run, Summary, summarize
from closerlook.study.recovery import Recovery


def summary(gain, low=None, high=None):
    return Summary("plan", 3, 100, 10, {"mAP": 0.5, "rank1": 0.6}, {}, "random", gain, low, high)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.01, 0.05, "a gain beyond what"),
        (-0.05, -0.01, "a loss; the selection should not be used"),
        (-0.01, 0.05, "not distinguishable from random"),
        (None, None, "no interval can be given"),
    ],
)
def test_a_verdict_never_says_more_than_the_interval(low, high, words):
    assert words in verdict(summary(0.03, low, high))


def test_every_number_of_a_gain_is_in_its_sentence():
    runs = [
        Run("all", 0, 1000, 20, 0.30, 0.5, 0.6, 0.7, 1.0),
        Run("random", 0, 100, 20, 0.20, 0.4, 0.6, 0.7, 1.0),
        Run("plan", 0, 100, 20, 0.25, 0.45, 0.6, 0.7, 1.0, control="random"),
    ]
    (sentence,) = findings(ReportContext("a study", runs=runs))
    for part in ("“plan” (100 images)", "25.0 mAP", "random images 20.0", "all 1,000 images 30.0", "+5.0 over random"):
        assert part in sentence


def test_planted_levels_are_counted_over_all_factors():
    found = [
        Recovery("weather", ("a", "b", "c"), ("a",), ("a",), ("b",), {}),
        Recovery("hour", ("d", "e", "f"), ("d", "e"), ("d", "f"), ("d", "e"), {}),
    ]
    (sentence,) = findings(ReportContext("planted", recovered=found))
    assert "in 3 levels that were hidden" in sentence
    assert "sees 2 of them most" in sentence
    assert "2 are the nearest" in sentence


def test_nothing_measured_nothing_said():
    assert findings(ReportContext("empty")) == []


def runs(arm, values, control=None):
    return [Run(arm, seed, 100, 10, mAP, 0.5, 0.6, 0.7, 1.0, control=control) for seed, mAP in enumerate(values)]


@pytest.mark.parametrize(
    ("all_", "plan", "random", "says"),
    [
        ((0.2, 0.2), (0.31, 0.30), (0.20, 0.19), ["Selecting helped", "of “plan”", "+11.0 mAP"]),
        ((0.4, 0.4), (0.31, 0.30), (0.20, 0.19), ["of “plan”", "All images together reached more"]),
        (
            (0.2, 0.2),
            (0.31, 0.20),
            (0.20, 0.25),
            ["With 2 seeds, no selection surely gained", "run more seeds"],
        ),
        ((0.4, 0.4), (0.31, 0.20), (0.20, 0.25), ["no selection surely gained", "Train on all images"]),
        ((0.2,), (0.31,), (0.20,), ["With 1 seed, no selection surely gained"]),
    ],
)
def test_a_plan_is_recommended_only_where_its_gain_is_sure(all_, plan, random, says):
    told = [*runs("all", all_), *runs("plan", plan, "random"), *runs("random", random)]
    sentence = decision(summarize(told), ["plan"])
    for words in says:
        assert words in sentence


def test_no_decision_without_a_plan_and_its_control():
    assert decision(summarize(runs("all", (0.2, 0.3))), []) is None
