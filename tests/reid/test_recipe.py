from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, strategies as st

from closerlook.errors import CloserlookError, UsageError
from closerlook.reid import Recipe, recipe_names
from closerlook.reid.schedule import rate_factor


def test_the_named_recipes_resolve() -> None:
    assert recipe_names() == ["baseline", "cpu-quick", "open-reid-softmax", "open-reid-triplet", "strong"]
    for name in recipe_names():
        assert Recipe.resolve(name).name == name


def test_baseline_is_the_reference_one() -> None:
    recipe = Recipe.resolve("baseline")
    assert (recipe.backbone, recipe.size, recipe.last_stride, recipe.feature) == ("resnet50", (256, 128), 2, "pool")
    assert (recipe.identities_per_batch, recipe.images_per_identity, recipe.batch_size) == (16, 4, 64)
    assert (recipe.learning_rate, recipe.weight_decay, recipe.triplet_margin) == (3.5e-4, 5e-4, 0.3)
    assert recipe.classification_weight == recipe.triplet_weight
    assert not recipe.neck
    assert recipe.erase == 0


def test_strong_adds_the_tricks() -> None:
    recipe = Recipe.resolve("strong")
    assert (recipe.last_stride, recipe.neck, recipe.feature, recipe.label_smoothing) == (1, True, "neck", 0.1)
    assert (recipe.erase, recipe.warmup) == (0.5, pytest.approx(1 / 12, abs=1e-3))


def test_overrides_and_files_change_fields(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("base: strong\nsteps: 7\nsize: [96, 48]\n")
    recipe = Recipe.resolve(path, {"erase": 0.25})
    assert (recipe.name, recipe.steps, recipe.size, recipe.erase, recipe.neck) == ("mine", 7, (96, 48), 0.25, True)
    assert Recipe.resolve(recipe, {"steps": 9}).steps == 9


@pytest.mark.parametrize("name", ["baseline", "cpu-quick", "strong"])
def test_a_saved_recipe_is_the_same_recipe(tmp_path: Path, name: str) -> None:
    recipe = Recipe.resolve(name)
    recipe.save(tmp_path / "r.yaml")
    assert Recipe.resolve(tmp_path / "r.yaml") == recipe
    assert set(yaml.safe_load((tmp_path / "r.yaml").read_text())) == set(Recipe.model_fields)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"learning_rat": 1}, "Did you mean 'learning_rate'"),
        ({"backbone": "resnet5"}, "Did you mean 'resnet50'"),
        ({"steps": 0}, "steps cannot be 0"),
        ({"steps": "many"}, "steps cannot be 'many'"),
        ({"size": [128]}, "size cannot be"),
        ({"optimiser": "adamm"}, "optimiser cannot be 'adamm'"),
        ({"feature": "neck"}, "needs 'neck: true'"),
        ({"sampling": "random"}, "sampling: pk"),
        ({"images_per_identity": 1}, "two images an identity"),
        ({"classification_weight": 0, "triplet_weight": 0}, "has no loss"),
    ],
)
def test_what_is_wrong_is_named(overrides: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Recipe.resolve("baseline", overrides)


def test_files_that_are_no_recipes(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'baseline'"):
        Recipe.resolve("baselin")
    with pytest.raises(CloserlookError, match="no recipe file"):
        Recipe.resolve(tmp_path / "absent.yaml")
    for content, message in (("a: [", "not valid YAML"), ("- 1\n", "holds list"), ("stepz: 3", "Did you mean 'steps'")):
        (tmp_path / "bad.yaml").write_text(content)
        with pytest.raises(CloserlookError, match=message):
            Recipe.resolve(tmp_path / "bad.yaml")


def test_schedule_of_the_baseline() -> None:
    recipe = Recipe.resolve("baseline", {"steps": 120})
    factors = [rate_factor(recipe, step) for step in (0, 39, 40, 69, 70, 119)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_schedules_fall_from_one() -> None:
    cosine = Recipe.resolve("baseline", {"steps": 100, "schedule": "cosine", "decay_from": 0.5})
    assert [rate_factor(cosine, step) for step in (0, 50, 75)] == pytest.approx([1, 1, 0.5])
    exponential = Recipe.resolve("open-reid-triplet", {"steps": 150})
    assert rate_factor(exponential, 100) == pytest.approx(1, abs=1e-3)
    assert rate_factor(exponential, 125) == pytest.approx(0.001**0.5, rel=1e-2)


@given(
    st.integers(1, 500),
    st.sampled_from(["steps", "cosine", "exponential"]),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_rates_stay_between_zero_and_one(steps: int, schedule: str, warmup: float, decay_from: float) -> None:
    values = {"steps": steps, "schedule": schedule, "warmup": warmup, "decay_from": decay_from}
    recipe = Recipe.resolve("baseline", values)
    assert all(0 <= rate_factor(recipe, step) <= 1 for step in range(steps))
