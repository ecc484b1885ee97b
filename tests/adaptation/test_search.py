import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from closerlook.adaptation.loop import search_scene
from closerlook.adaptation.objective import Distance, gain
from closerlook.adaptation.parameters import Parameter, to_unit, to_values
from closerlook.adaptation.search import open_search
from closerlook.errors import CloserlookError, UsageError

PARAMETERS = (
    Parameter("hour", 4, 22, 6.0),
    Parameter("sensor.noise", 0, 5, 4.0),
    Parameter("weather.extinction", 0.001, 0.1, 0.01, log=True),
)
TRUTH = np.array([0.7, 0.2, 0.35])
GROUPS = 8


class Bowl:
    """A rendered set whose mean is linear in its parameters; the target's is that of ``TRUTH``."""

    def __init__(self, noise: float = 0.02, flat: bool = False) -> None:
        self.rng = np.random.default_rng(0)
        self.people = {
            False: noise * self.rng.normal(size=(GROUPS, 12)),
            True: noise * self.rng.normal(size=(GROUPS, 12)),
        }
        self.target = noise * self.rng.normal(size=(GROUPS, 12))
        self.target -= self.target.mean(axis=0)
        self.directions = (
            0.0 if flat else np.linalg.qr(self.rng.normal(size=(12, 3)))[0].T * np.array([1, 0.6, 0.8])[:, None]
        )
        self.calls = 0

    def __call__(self, values: Mapping[str, float], held_out: bool) -> Distance:
        self.calls += 1
        offset = (to_unit(PARAMETERS, values) - TRUTH) @ (self.directions + np.zeros((3, 12)))
        means = self.people[held_out] + offset
        products = means @ means.T
        mmd2 = (products.sum() - np.trace(products)) / (GROUPS * (GROUPS - 1))
        return Distance(float(mmd2), products, means @ self.target.T)


@pytest.mark.parametrize("optimizer", ["descent", "cma"])
def test_finds_the_planted_scene_with_equal_renders(optimizer: str, tmp_path: Path) -> None:
    trace = search_scene(PARAMETERS, Bowl(), optimizer=optimizer, renders=120, seed=1, out=tmp_path, made_from={})
    assert len(trace.steps) <= 120
    np.testing.assert_allclose(to_unit(PARAMETERS, trace.values), TRUTH, atol=0.12)
    assert trace.held_out.low > 0
    assert trace.steps[trace.best].distance.mmd2 == min(step.distance.mmd2 for step in trace.steps)


@pytest.mark.parametrize("optimizer", ["descent", "cma"])
def test_stops_where_nothing_is_to_be_gained_and_keeps_the_start(optimizer: str, tmp_path: Path) -> None:
    trace = search_scene(
        PARAMETERS, Bowl(flat=True), optimizer=optimizer, renders=200, seed=1, out=tmp_path, made_from={}
    )
    assert len(trace.steps) < 30
    assert "inside its interval" in trace.stopped
    assert trace.values == {p.name: p.start for p in PARAMETERS}


@pytest.mark.parametrize("optimizer", ["descent", "cma"])
def test_a_stopped_search_resumes_to_the_same_end(optimizer: str, tmp_path: Path) -> None:
    bowl = Bowl()

    def fragile(values: Mapping[str, float], held_out: bool) -> Distance:
        if bowl.calls == 9:
            raise KeyboardInterrupt
        return bowl(values, held_out)

    whole = search_scene(
        PARAMETERS, Bowl(), optimizer=optimizer, renders=40, seed=1, out=tmp_path / "whole", made_from={}
    )
    with pytest.raises(KeyboardInterrupt):
        search_scene(
            PARAMETERS, fragile, optimizer=optimizer, renders=40, seed=1, out=tmp_path / "stopped", made_from={}
        )
    rest = Bowl()
    again = search_scene(
        PARAMETERS, rest, optimizer=optimizer, renders=40, seed=1, out=tmp_path / "stopped", made_from={}
    )
    assert rest.calls == len(again.steps) + 2 - 9
    assert [step.values for step in again.steps] == [step.values for step in whole.steps]
    assert json.loads((tmp_path / "stopped/trace.json").read_text()) == json.loads(
        (tmp_path / "whole/trace.json").read_text()
    )


def test_another_search_does_not_overwrite_this_one(tmp_path: Path) -> None:
    search_scene(PARAMETERS, Bowl(), optimizer="cma", renders=3, seed=1, out=tmp_path, made_from={})
    changed: list[tuple[dict[str, Any], str]] = [
        ({"parameters": PARAMETERS[:2]}, r"parameters\.weather\.extinction"),
        ({"optimizer": "descent"}, r"optimizer \(cma there, descent now\)"),
        ({"seed": 2}, r"seed \(1 there, 2 now\)"),
        ({"made_from": {"target": {"images": "sha256:1"}}}, "target"),
    ]
    asked: dict[str, Any] = {"parameters": PARAMETERS, "optimizer": "cma", "seed": 1, "made_from": {}}
    for change, says in changed:
        with pytest.raises(CloserlookError, match=rf"another search: search\.json differs in {says}\. "):
            search_scene(measure=Bowl(), renders=3, out=tmp_path, **{**asked, **change})


def test_more_renders_go_on_from_those_that_there_are(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"optimizer": "descent", "seed": 1, "made_from": {}}
    whole = search_scene(PARAMETERS, Bowl(), renders=30, out=tmp_path / "whole", **asked)
    search_scene(PARAMETERS, Bowl(), renders=6, out=tmp_path / "out", **asked)
    bowl = Bowl()
    more = search_scene(PARAMETERS, bowl, renders=30, out=tmp_path / "out", **asked)
    assert bowl.calls == len(more.steps) - 5 + 1  # the start is held out already
    assert more.values == whole.values


@pytest.mark.parametrize("name", ["search.json", "steps/0001.json"])
@pytest.mark.parametrize("text", ["", "[]", "null", "{"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str, text: str) -> None:
    search_scene(PARAMETERS, Bowl(), optimizer="cma", renders=9, seed=1, out=tmp_path, made_from={})
    (tmp_path / name).write_text(text)
    with pytest.raises(CloserlookError, match=f"{name} is damaged: "):
        search_scene(PARAMETERS, Bowl(), optimizer="cma", renders=9, seed=1, out=tmp_path, made_from={})


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), start=st.lists(st.floats(0, 1), min_size=1, max_size=4))
@pytest.mark.parametrize("optimizer", ["descent", "cma"])
def test_no_point_leaves_the_cube(optimizer: str, seed: int, start: list[float]) -> None:
    rng = np.random.default_rng(seed)
    search = open_search(optimizer, np.array(start), seed)
    for _ in range(6):
        points = search.ask()
        assert all((point >= 0).all() and (point <= 1).all() for point in points)
        search.tell(points, rng.random(len(points)).tolist())


@settings(max_examples=50, deadline=None)
@given(unit=st.floats(0, 1), log=st.booleans())
def test_values_and_places_are_inverse(unit: float, log: bool) -> None:
    parameter = Parameter("x", 0.5, 40.0, 1.0, log)
    assert parameter.unit(parameter.value(unit)) == pytest.approx(unit, abs=1e-9)
    assert to_values([parameter], np.array([unit]))["x"] == pytest.approx(parameter.value(unit), rel=1e-5)


def test_wrong_requests_are_explained() -> None:
    with pytest.raises(UsageError, match="Did you mean 'cma'"):
        open_search("cmaa", np.zeros(2), 0)
    with pytest.raises(UsageError, match="hold its start"):
        Parameter("x", 0, 1, 2)


def test_the_interval_of_a_gain_covers_it() -> None:
    """Over 100 draws of people and target, the true gain lies inside about 95 of 100 intervals."""
    rng = np.random.default_rng(4)
    truth = 0.2**2 * 12 - 0.1**2 * 12
    inside = 0
    for seed in range(100):
        people, target = rng.normal(size=(16, 12)) / 10, rng.normal(size=(16, 12)) / 10
        center, found = target.mean(axis=0), []
        bias = float(((target - center) ** 2).sum() / 16 / 15)
        for offset in (0.2, 0.1):
            means = people + offset - center
            products = means @ means.T
            mmd2 = (products.sum() - np.trace(products)) / 240 - bias
            found.append(Distance(mmd2, products, means @ (target - center).T))
        _, low, high = gain(found[0], found[1], seed, 400)
        inside += low <= truth <= high
    assert 88 <= inside <= 100
