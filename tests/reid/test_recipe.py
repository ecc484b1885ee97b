from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
import yaml
from hypothesis import HealthCheck, given, settings, strategies as st

from closerlook.errors import CloserlookError, UsageError
from closerlook.inputs import recipe_names
from closerlook.reid import Recipe, default_recipe
from closerlook.reid.schedule import rate_factor


def test_the_named_recipes_resolve() -> None:
    assert recipe_names() == ["baseline", "cpu-quick", "open-reid-softmax", "open-reid-triplet", "strong"]
    for name in recipe_names():
        assert Recipe.resolve(name).name == name


BAGGED: dict[str, object] = {  # Luo et al. 2019, whose code the paper's reference numbers come from
    "backbone": "resnet50",
    "size": (256, 128),
    "last_stride": 2,
    "bnneck": False,
    "feature": "pool",
    "normalize": True,
    "classification": "cross-entropy",
    "classification_weight": 1.0,
    "label_smoothing": 0.0,
    "triplet_weight": 1.0,
    "triplet_margin": 0.3,
    "triplet_distance": "euclidean",
    "center_weight": 0.0,
    "sampling": "pk",
    "identities_per_batch": 16,
    "images_per_identity": 4,
    "optimizer": "adam",
    "learning_rate": 3.5e-4,
    "head_lr_multiplier": 1.0,
    "weight_decay": 5e-4,
    "warmup": 0.0,
    "schedule": "steps",
    "flip": 0.5,
    "pad": 10,
    "random_erasing": 0.0,
    "freeze": None,
    "freeze_bn": False,
    "pooling": "average",
    "circle_weight": 0.0,
    "ema": 0.0,
    "accumulate": 1,
    "color_jitter": 0.0,
    "blur": 0.0,
    "resample": 0.0,
    "jpeg": 0.0,
}
TRICKS = {
    "last_stride": 1,
    "bnneck": True,
    "feature": "bnneck",
    "label_smoothing": 0.1,
    "random_erasing": 0.5,
    "warmup": 0.0833,
}
SOFTMAX = {  # open-reid: examples/softmax_loss.py; a tenth of its rate for what is pretrained, 50 passes of 50 batches
    "triplet_weight": 0.0,
    "sampling": "random",
    "identities_per_batch": 256,
    "images_per_identity": 1,
    "steps": 2500,
    "optimizer": "sgd",
    "learning_rate": 0.01,
    "head_lr_multiplier": 10.0,
    "milestones": (0.8,),
}
TRIPLET = {  # open-reid: examples/triplet_loss.py
    "classification_weight": 0.0,
    "triplet_margin": 0.5,
    "identities_per_batch": 64,
    "steps": 150 * 11,
    "learning_rate": 2e-4,
    "schedule": "exponential",
    "decay_from": 0.6667,
}


@pytest.mark.parametrize(
    ("name", "changes"),
    [("baseline", {}), ("strong", TRICKS), ("open-reid-softmax", SOFTMAX), ("open-reid-triplet", TRIPLET)],
)
def test_recipes_are_the_published_ones_in_every_column(name: str, changes: dict[str, object]) -> None:
    expected = {**BAGGED, **changes}
    found = Recipe.resolve(name).model_dump()
    assert {field: found[field] for field in expected} == expected


def test_rates_of_the_published_recipes_over_their_epochs() -> None:
    def rates(name: str, epochs: int, *asked: int) -> list[float]:
        recipe = Recipe.resolve(name)
        return [recipe.learning_rate * rate_factor(recipe, math.ceil(e / epochs * recipe.steps)) for e in asked]

    # Luo et al.: 120 epochs, a tenth after 40 and 70; all tricks warm up over 10 epochs from a hundredth
    assert rates("baseline", 120, 0, 39, 40, 69, 70, 119) == pytest.approx([3.5e-4] * 2 + [3.5e-5] * 2 + [3.5e-6] * 2)
    assert rates("strong", 120, 0, 5, 10, 40, 70) == pytest.approx([3.5e-6, 1.77e-4, 3.5e-4, 3.5e-5, 3.5e-6], rel=0.01)
    # open-reid: 50 epochs, a tenth after 40; 150 epochs, from the 100th on a thousandth in 50
    assert rates("open-reid-softmax", 50, 0, 39, 40, 49) == pytest.approx([0.01, 0.01, 0.001, 0.001])
    assert rates("open-reid-triplet", 150, 0, 99, 125) == pytest.approx([2e-4, 2e-4, 2e-4 * 0.001**0.5], rel=0.01)


def test_overrides_and_files_change_fields(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("base: strong\nsteps: 7\nsize: [96, 48]\n")
    recipe = Recipe.resolve(path, {"random_erasing": 0.25})
    assert (recipe.name, recipe.steps, recipe.size, recipe.random_erasing, recipe.bnneck) == (
        "mine",
        7,
        (96, 48),
        0.25,
        True,
    )
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
        ({"optimizer": "adamm"}, "optimizer cannot be 'adamm'"),
        ({"feature": "bnneck"}, "needs 'bnneck: true'"),
        ({"sampling": "random"}, "sampling: pk"),
        ({"images_per_identity": 1}, "two images per identity"),
        ({"classification_weight": 0, "triplet_weight": 0}, "has no loss"),
        ({"size": [100_000, 100_000]}, "size cannot be 100000: .* less than or equal to 4096"),
        ({"size": [8, 128]}, "size cannot be 8: .* greater than or equal to 16"),
        ({"steps": True}, "steps cannot be True"),
        ({"size": [True, 128]}, "size cannot be"),
        ({"flip": math.nan}, "flip cannot be nan"),
        ({"pad": 10**9}, "pad cannot be 1000000000"),
        ({"identities_per_batch": 10**6}, "4,000,000 images is over 65,536"),
        ({"base": "strong"}, "Unknown field of a recipe 'base'"),
    ],
)
def test_what_is_wrong_is_named(overrides: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Recipe.resolve("baseline", overrides)


def test_files_that_are_no_recipes(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'baseline'"):
        Recipe.resolve("baselin")
    with pytest.raises(CloserlookError, match="There is no file"):
        Recipe.resolve(tmp_path / "absent.yaml")
    for content, message in (
        ("a: [", "not valid YAML"),
        ("- 1\n", "holds list"),
        ("stepz: 3", "Did you mean 'steps'"),
        ("steps: " + "[" * 3000 + "]" * 3000, "nested deeper"),
        ("base: [strong]", "'base' must be a recipe's name or file"),
        ("base: 3", "'base' must be a recipe's name or file"),
    ):
        (tmp_path / "bad.yaml").write_text(content)
        with pytest.raises(CloserlookError, match=message):
            Recipe.resolve(tmp_path / "bad.yaml")


@pytest.mark.parametrize("length", [1, 2, 5])
def test_recipes_that_start_from_themselves(tmp_path: Path, length: int) -> None:
    files = [tmp_path / f"r{number}.yaml" for number in range(length)]
    for number, file in enumerate(files):
        file.write_text(f"base: {files[(number + 1) % length]}\n")
    with pytest.raises(CloserlookError, match=r"r0\.yaml starts from .*r0\.yaml: without an end"):
        Recipe.resolve(files[0])


def test_a_long_chain_of_recipes_is_followed(tmp_path: Path) -> None:
    files = [tmp_path / f"r{number}.yaml" for number in range(1500)]
    for file, base in zip(files, [*map(str, files[1:]), "strong"], strict=True):
        file.write_text(f"base: {base}\nsteps: {1 + files.index(file)}\n")
    recipe = Recipe.resolve(files[0])
    assert (recipe.name, recipe.steps, recipe.bnneck) == ("r0", 1, True)


WRONG: dict[str, object] = {
    "text": "no such thing",
    "number as a list": [[1]],
    "mapping": {"a": 1},
    "nan": math.nan,
    "infinity": math.inf,
    "minus infinity": -math.inf,
    "negative": -1,
    "too large": 10**12,
    "nothing": None,
}
FREE = {("name", "text"), ("balance_by", "text"), ("freeze", "text"), ("balance_by", "nothing"), ("freeze", "nothing")}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("field", Recipe.model_fields)
def test_every_field_refuses_what_it_cannot_be(field: str, kind: str) -> None:
    """``balance_by`` and ``freeze`` name what only the data and the network know."""
    if (field, kind) in FREE:
        assert getattr(Recipe.resolve("baseline", {field: WRONG[kind]}), field) == WRONG[kind]
        return
    with pytest.raises(UsageError) as caught:
        Recipe.resolve("baseline", {field: WRONG[kind]})
    assert "\n" not in str(caught.value)
    assert field in str(caught.value)


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats()
    | st.sampled_from(["soft", "bnneck", "pk", "random", "sgd", "lite0", "cosine", "truncated-gce", "1e-3", "bf16"])
    | st.text(max_size=5)
)
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text(max_size=3), scalars, max_size=2)


@given(
    st.sampled_from(["baseline", "cpu-quick", "open-reid-softmax"]),
    st.dictionaries(st.sampled_from(sorted(Recipe.model_fields)), values, max_size=3),
)
@settings(max_examples=400, deadline=None)
def test_any_change_gives_a_sound_recipe_or_one_message(name: str, changes: dict[str, object]) -> None:
    try:
        recipe = Recipe.resolve(name, changes)
    except UsageError as error:
        assert str(error)
        return
    assert Recipe.resolve(recipe) == recipe
    numbers = [value for value in recipe.model_dump().values() if isinstance(value, float)]
    assert all(math.isfinite(number) for number in numbers)
    assert 2 <= recipe.batch_size <= 65_536 or recipe.sampling == "random"
    assert all(0 <= rate_factor(recipe, step) <= 1 for step in (0, recipe.steps // 2, recipe.steps - 1))


@given(st.text(alphabet="base: strongmine.yl&*[]{}-!\n01", max_size=40))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_is_a_recipe_or_one_message(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    try:
        assert Recipe.resolve(tmp_path / "mine.yaml").name
    except CloserlookError as error:
        assert str(error)


def test_without_a_gpu_the_recipe_is_one_for_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    for gpu, name, backbone in ((True, "baseline", "resnet50"), (False, "cpu-quick", "lite0")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda gpu=gpu: gpu)
        assert default_recipe() == name
        assert Recipe.resolve(default_recipe()).backbone == backbone


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


def test_batches_by_camera_take_as_many_people_of_each() -> None:
    recipe = Recipe.resolve("cpu-quick", {"sampling": "camera"})
    assert (recipe.cameras_per_batch, recipe.identities_per_batch, recipe.images_per_identity) == (8, 16, 4)
    with pytest.raises(UsageError, match="must be a multiple"):
        Recipe.resolve("cpu-quick", {"sampling": "camera", "cameras_per_batch": 6})
    with pytest.raises(UsageError, match="needs 'sampling: pk'"):
        Recipe.resolve("cpu-quick", {"sampling": "camera", "balance_by": "camera"})
