from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings, strategies as st
from sklearn.metrics import average_precision_score

from closerlook.dataset import Dataset, concatenate
from closerlook.errors import CloserlookError, UsageError
from closerlook.reid import Model, Recipe, train
from closerlook.reid.state import State
from closerlook.reid.validation import Validation, hold_out

pytestmark = pytest.mark.slow


TINY = {
    "backbone": "lite0",
    "size": (64, 32),
    "identities_per_batch": 2,
    "images_per_identity": 2,
    "steps": 8,
    "validate_every": 0.25,
    "freeze_bn": True,
}


def test_a_share_of_the_people_is_put_aside(people: Dataset) -> None:
    kept, aside = hold_out(people, 0.34, seed=0)
    assert (kept.counts()["identities"], aside.counts()["identities"]) == (4, 2)
    assert not set(kept.identities) & set(aside.identities)
    assert len(kept) + len(aside) == len(people)
    assert set(hold_out(people, 0.34, seed=0)[1].identities) == set(aside.identities)
    for share in (0.0, 0.1, 0.9, 1.5, -1.0):
        with pytest.raises(UsageError, match="leaves too few"):
            hold_out(people, share, seed=0)


@pytest.mark.parametrize("split", ["query", "gallery"])
def test_a_test_split_is_refused(people: Dataset, tmp_path: Path, split: str) -> None:
    half = people.table.with_columns(
        split=pl.when(pl.col("identity") > 30).then(pl.lit(split)).otherwise(pl.lit("train"))
    )
    target = Dataset.from_table(people.root, half, "target", ())
    with pytest.raises(CloserlookError, match=f"target holds {split} images: .* has seen the test"):
        train(people, recipe="cpu-quick", out=tmp_path / "run", validation=target)
    assert not (tmp_path / "run").exists()


def test_people_trained_on_are_refused(people: Dataset) -> None:
    first = people.filter(pl.col("identity") <= 30)
    with pytest.raises(CloserlookError, match="3 identities of people are trained on"):
        hold_out(people, first, seed=0)
    rest = people.filter(pl.col("identity") > 30)
    assert hold_out(first, rest, seed=0) == (first, rest)


def test_people_of_one_of_several_sources_are_refused_though_their_numbers_are_others(people: Dataset) -> None:
    other = Dataset.from_table(people.root.parent / "other", people.table, "other", ())
    both = concatenate(other, people)
    with pytest.raises(CloserlookError, match="6 identities of people are trained on"):
        hold_out(both, people, seed=0)
    apart = Dataset.from_table(people.root.parent / "third", people.table, "third", ())
    assert hold_out(both, apart, seed=0) == (both, apart)


@settings(deadline=None)
@given(st.integers(0, 1000), st.booleans())
def test_the_score_is_mean_average_precision(seed: int, has_cameras: bool) -> None:
    rng = np.random.default_rng(seed)
    identities = rng.integers(0, 4, 20)
    cameras = rng.integers(0, 3, 20) if has_cameras else np.full(20, -1)
    features = rng.normal(size=(20, 5)).astype(np.float32)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    expected = []
    for query in range(20):
        same = identities == identities[query]
        gallery = (np.arange(20) != query) & ~(same & (cameras == cameras[query]))
        if not (gallery & same).any():
            gallery = np.arange(20) != query
        if (gallery & same).any():
            expected.append(average_precision_score(same[gallery], unit[gallery] @ unit[query]))
    images = np.arange(20, dtype=np.uint8).reshape(20, 1, 1, 1).repeat(3, 3)
    validation = Validation(images, identities, cameras)
    score = validation.score(lambda x: torch.from_numpy(features)[x[:, 0, 0, 0].long()])
    assert score == pytest.approx(np.mean(expected), abs=1e-5)


def test_it_looks_at_few_images_of_each_camera(people: Dataset, tmp_path: Path) -> None:
    copies = []
    for copy in "abc":
        (tmp_path / copy).symlink_to(people.root)
        copies.append(people.table.with_columns(file_name=f"{copy}/" + pl.col("file_name")))
    many = Dataset.from_table(tmp_path, pl.concat(copies), "many", ())
    validation = Validation.from_dataset(many, (64, 32), seed=0)
    assert validation.images.shape == (48, 64, 32, 3)
    for identity in set(validation.identities.tolist()):
        cameras = validation.cameras[validation.identities == identity]
        assert np.bincount(cameras).tolist() == [4, 4]


Weights = dict[str, torch.Tensor]


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Weights]]:
    """Let validation find these scores, one after another; returns the weights that it was asked about."""

    def script(*scores: float) -> list[Weights]:
        left, seen, validated = list(scores), [], State.validated
        monkeypatch.setattr(Validation, "score", lambda self, embed: left.pop(0))

        def remember(state: State, score: float) -> None:
            seen.append({name: value.clone() for name, value in state.network.state_dict().items()})
            validated(state, score)

        monkeypatch.setattr(State, "validated", remember)
        return seen

    return script


def test_the_best_checkpoint_is_kept(people: Dataset, tmp_path: Path, scripted: Callable[..., list[Weights]]) -> None:
    seen = scripted(0.2, 0.5, 0.4, 0.3)
    model = train(people, recipe="strong", out=tmp_path / "run", overrides=TINY, validation=0.34)
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (run["steps"], run["validation"]["best_step"], run["validation"]["mAP"]) == (8, 4, 0.5)
    assert run["validation"]["identities"] == 2
    assert run["identities"] == 4
    with (tmp_path / "run" / "validation.csv").open() as file:
        assert [(row["step"], row["mAP"]) for row in csv.DictReader(file)] == [
            ("2", "0.2"),
            ("4", "0.5"),
            ("6", "0.4"),
            ("8", "0.3"),
        ]
    assert "whom training did not see" in (tmp_path / "run" / "README.md").read_text()
    after_four = seen[1]
    assert all(torch.equal(value, after_four[name]) for name, value in model.network.state_dict().items())
    assert any(not torch.equal(value, after_four[name]) for name, value in seen[3].items())


def test_patience_ends_a_run_early(people: Dataset, tmp_path: Path, scripted: Callable[..., list[Weights]]) -> None:
    scripted(0.5, 0.4, 0.3)
    train(people, recipe="strong", out=tmp_path / "run", overrides={**TINY, "patience": 2}, validation=0.34)
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (run["steps"], run["validation"]["best_step"]) == (6, 2)


def test_without_validation_the_last_step_is_kept(people: Dataset, tmp_path: Path) -> None:
    train(people, recipe="strong", out=tmp_path / "run", overrides={**TINY, "steps": 2})
    assert json.loads((tmp_path / "run" / "run.json").read_text())["validation"] is None
    assert not (tmp_path / "run" / "validation.csv").exists()
    assert "**Choice of the checkpoint**: the last step" in (tmp_path / "run" / "README.md").read_text()
    assert isinstance(Model.load(tmp_path / "run"), Model)


def test_the_loss_scale_is_in_a_checkpoint(tmp_path: Path) -> None:
    recipe = Recipe.resolve("strong", {**TINY, "precision": "fp16"})
    device = torch.device("cpu")
    one = State.start(recipe, 2, 0, device, torch.amp.GradScaler("cpu", init_scale=8.0))
    assert one.scaler is not None
    one.scaler.scale(torch.ones(1))
    one.scaler.update(32.0)
    one.save(tmp_path / "c.safetensors", {"seed": 1}, {})
    two = State.start(recipe, 2, 0, device, torch.amp.GradScaler("cpu", init_scale=8.0))
    assert two.scaler is not None
    two.resume(tmp_path / "c.safetensors", {"seed": 1}, recipe.steps)
    assert two.scaler.get_scale() == 32.0
