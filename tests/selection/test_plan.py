"""Plans from outside: whatever a file holds is a plan, or one message that names the file and the field."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given, settings, strategies as st
from pydantic import ValidationError

from closerlook.errors import CloserlookError
from closerlook.selection import Plan

pytestmark = pytest.mark.slow


WHOLE: dict[str, Any] = {
    "values": {"weather": ["sunny", "foggy"], "viewpoint": [0, 90]},
    "images": 3,
    "share": 0.75,
    "counts": {"weather": {"sunny": 2, "foggy": 1}},
    "weights": [
        {"levels": {"weather": "sunny", "viewpoint": 0}, "weight": 0.5},
        {"levels": {"weather": "foggy", "viewpoint": 90}, "weight": 0.5},
    ],
    "identities": [1, 2],
    "seed": 3,
    "control": "random",
    "provenance": {
        "method": "quadratic",
        "criterion": "mmd2",
        "rule": "not-worse",
        "all_levels": ["viewpoint"],
        "budget": 3,
        "diversity": 0.5,
        "min_effective_cells": 2.0,
        "caps": {"weather=foggy": 0.5},
        "source": "a",
        "target": "b",
        "embedding": "lite0",
        "scaling": "balanced",
        "scores": {"mmd2": 0.1},
        "scores_of_all": {"mmd2": 0.2},
        "evidence": {"gain": 0.1, "gain_low": None},
        "stability": {"weather": {"sunny": 1.0}},
        "optimum": {"best": 0.1},
        "notes": ["a note"],
    },
}
TABLE = pl.DataFrame(
    {
        "file_name": [f"{row}.png" for row in range(4)],
        "identity": [1, 1, 2, 2],
        "weather": ["sunny", "foggy", "sunny", "foggy"],
        "viewpoint": [0, 0, 90, 90],
    }
)


def places(value: object, at: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every value inside stands."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*([at] if at else []), *(place for name, item in inside for place in places(item, (*at, name)))]


def damaged(place: tuple[Any, ...], value: object) -> dict[str, Any]:
    changed = copy.deepcopy(WHOLE)
    holder: Any = changed
    for name in place[:-1]:
        holder = holder[name]
    holder[place[-1]] = value
    return changed


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(2**70),
    st.floats(),
    st.text(max_size=3),
    st.lists(st.one_of(st.integers(-2, 2), st.text(max_size=2), st.none()), max_size=2),
    st.dictionaries(
        st.one_of(st.text(max_size=2), st.integers()), st.one_of(st.integers(), st.text(max_size=2)), max_size=2
    ),
)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(place=st.sampled_from(places(WHOLE)), value=ANYTHING)
def test_any_field_of_any_kind_is_a_plan_or_a_message(
    place: tuple[Any, ...], value: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.yaml"
    path.write_text(yaml.safe_dump(damaged(place, value)), encoding="utf-8")
    try:
        plan = Plan.load(path)
    except CloserlookError as error:
        assert str(path) in str(error)
        assert len(str(error).splitlines()) == 1
        return
    plan.save(path)
    assert Plan.load(path) == plan
    try:
        assert set(plan.rows(TABLE)) <= set(range(4))
    except CloserlookError as error:
        assert str(error)


def test_the_whole_plan_is_one() -> None:
    assert len(Plan.model_validate(WHOLE).rows(TABLE)) == 2


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("weights", 0, "weight"), float("nan"), "weights.0.weight"),
        (("weights", 0, "weight"), 0.2, "add up to 0.7, not to 1"),
        (("weights", 0, "levels"), {"weather": "foggy", "viewpoint": 90}, "foggy has two weights"),
        (("weights", 0, "levels"), {"weather": "sunny"}, "different attributes"),
        (("weights", 0, "levels"), {}, "weights.0.levels"),
        (("values", "weather"), [], "values.weather"),
        (("values", "weather"), [True], "values.weather.0"),
        (("values", "viewpoint"), [float("inf")], "values.viewpoint.0"),
        (("share",), float("nan"), "share"),
        (("identities",), [2**63], "identities.0"),
        (("control",), "best", "control"),
        (("provenance", "method"), "greed", "provenance.method"),
        (("provenance", "criterion"), "loss", "provenance.criterion"),
        (("provenance", "rule"), "best", "Unknown rule 'best'"),
        (("provenance", "evidence"), {"gain": float("nan")}, "provenance.evidence.gain"),
    ],
)
def test_a_damaged_field_is_named(place: tuple[Any, ...], value: object, message: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(damaged(place, value)), encoding="utf-8")
    with pytest.raises(CloserlookError, match=message) as error:
        Plan.load(path)
    assert str(path) in str(error.value)


def test_a_plan_made_in_code_is_checked_too() -> None:
    with pytest.raises(ValidationError, match=r"add up to 0\.5"):
        Plan.model_validate({**WHOLE, "weights": WHOLE["weights"][:1]})


def test_a_level_that_no_image_has_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    plan = Plan(values={"weather": ("sunny", "fogy", "hail")}, images=2, share=0.5)
    assert plan.rows(TABLE).tolist() == [0, 2]
    assert "No image has weather fogy, hail" in capsys.readouterr().err


def test_all_levels_there_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    assert Plan(values={"viewpoint": ("0", 90)}, images=2, share=0.5).rows(TABLE).tolist() == [0, 1, 2, 3]
    assert not capsys.readouterr().err


def test_weights_of_batches_keep_all_images_and_say_how_often() -> None:
    weights = [
        {"levels": {"weather": "sunny"}, "weight": 0.75},
        {"levels": {"weather": "foggy"}, "weight": 0.25},
    ]
    table = pl.concat([TABLE, TABLE.head(1).with_columns(file_name=pl.lit("4.png"))])
    plan = Plan.model_validate({"values": {}, "images": 5, "share": 1, "weights": weights, "weighted": "batches"})
    kept = plan.apply(table)
    assert kept.drop("sampling_weight").equals(table)
    # three sunny images share 0.75, two foggy ones 0.25
    assert kept["sampling_weight"].to_list() == pytest.approx([1.25, 0.625, 1.25, 0.625, 1.25])
    only = plan.model_copy(update={"weights": plan.weights[:1]})
    assert only.apply(table)["weather"].unique().to_list() == ["sunny"]
    control = plan.random_control(0).apply(table)
    assert control.height == 5
    assert "sampling_weight" not in control.columns


def test_single_images_are_kept_in_a_table_beside_the_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = Plan(values={}, images=2, share=0.5, files=("1.png", "3.png"), file_weights=(0.5, 1.5))
    plan.save(tmp_path / "plan.yaml")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan.images.parquet", "plan.yaml"]
    assert Plan.load(tmp_path / "plan.yaml") == plan
    assert plan.apply(TABLE).select("file_name", "sampling_weight").rows() == [("1.png", 0.5), ("3.png", 1.5)]
    assert plan.rows(TABLE.head(2)).tolist() == [1]
    assert "1 of the 2 images that the plan names are not there" in capsys.readouterr().err


def _replaced(folder: Path) -> None:
    Plan(values={}, images=1, share=0.5, files=("2.png",)).save(folder / "plan.yaml")
    (folder / "other.images.parquet").write_bytes((folder / "plan.images.parquet").read_bytes())
    Plan(values={}, images=1, share=0.5, files=("1.png",)).save(folder / "plan.yaml")
    (folder / "other.images.parquet").replace(folder / "plan.images.parquet")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "plan.images.parquet").unlink(), "There is no table"),
        (lambda folder: (folder / "plan.images.parquet").write_bytes(b"x"), "cannot be read as a table"),
        (_replaced, "is not the table that"),
        (
            lambda folder: (folder / "plan.yaml").write_text(
                "values: {}\nimages: 1\nshare: 0.5\nsingle_images: {table: ../x.parquet, digest: d}"
            ),
            "must lie beside it",
        ),
        (
            lambda folder: (folder / "plan.yaml").write_text("values: {}\nimages: 1\nshare: 0.5\nsingle_images: x"),
            "must name a table and its digest",
        ),
    ],
)
def test_a_table_of_images_that_is_not_the_plans_is_told(
    damage: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    Plan(values={}, images=1, share=0.5, files=("1.png",)).save(tmp_path / "plan.yaml")
    damage(tmp_path)
    with pytest.raises(CloserlookError, match=message) as error:
        Plan.load(tmp_path / "plan.yaml")
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"files": ("1.png", "1.png")}, "named twice"),
        ({"files": ("1.png",), "file_weights": (1.0, 2.0)}, "1 images have 2 weights"),
        ({"files": ("1.png",), "file_weights": (0.0,)}, "greater than 0"),
        ({"files": ("1.png",), "weights": WHOLE["weights"]}, "does one of them"),
    ],
)
def test_single_images_that_cannot_be_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Plan.model_validate({"values": {}, "images": 1, "share": 0.5, **changed})
