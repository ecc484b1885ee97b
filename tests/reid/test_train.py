from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from closerlook.dataset import Dataset, open_dataset
from closerlook.dataset.dataset import DISTRACTOR, JUNK
from closerlook.embedding import weights as finding
from closerlook.errors import CloserlookError, UsageError
from closerlook.reid import Model, Recipe, batches as reading, train, trainer
from closerlook.reid.batches import Batch, Batches
from closerlook.reid.card import model_card
from closerlook.reid.state import State, TrainingModule
from closerlook.reid.validation import Validation
from closerlook.selection import Plan, Provenance
from closerlook.storage.files import alone_in
from closerlook.storage.tensors import read_torch, write_arrays

pytestmark = pytest.mark.slow


TINY = {
    "backbone": "lite0",
    "size": (64, 32),
    "identities_per_batch": 3,
    "images_per_identity": 2,
    "steps": 6,
    "random_erasing": 0.5,
    "color_jitter": 0.2,
    "pad": 2,
}


def weights(model: Model) -> dict[str, torch.Tensor]:
    return model.network.state_dict()


def equal(one: Model, two: Model) -> bool:
    a, b = weights(one), weights(two)
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def distance(one: Model, two: Model) -> float:
    a, b = weights(one), weights(two)
    return max((a[key].float() - b[key].float()).abs().max().item() for key in a)


def batch(batches: Batches, number: int) -> Batch:
    return next(batches.stream([number], torch.device("cpu")))


@pytest.fixture(scope="module")
def trained(people: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Path]:
    out = tmp_path_factory.mktemp("run") / "tiny"
    return train(people, recipe="strong", out=out, seed=5, overrides={**TINY, "ema": 0.5}), out


def test_the_run_folder_says_what_happened(trained: tuple[Model, Path], people: Dataset) -> None:
    model, out = trained
    files = {"README.md", "log.csv", "model.safetensors", "recipe.yaml", "run.json", "tensorboard", "timing.csv"}
    assert {file.name for file in out.iterdir()} == files
    assert "48 images of 6 people from people" in (out / "README.md").read_text()
    run = json.loads((out / "run.json").read_text())
    assert (run["seed"], run["steps"], run["images"], run["identities"]) == (5, 6, len(people), 6)
    assert run["images_drawn"] == 36
    assert set(run["losses"]) == {"loss", "classification", "triplet"}
    assert Recipe.resolve(out / "recipe.yaml").ema == 0.5
    with (out / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["6"]
    assert float(rows[0]["loss"]) == pytest.approx(run["losses"]["loss"], rel=1e-4)
    assert (model.dim, model.size) == (1280, (64, 32))


def test_the_card_says_which_levels_were_kept(people: Dataset, tmp_path: Path) -> None:
    table = people.table.with_columns(weather=pl.Series(["sunny", "clouds", "foggy", "snow"] * 12))
    data = Dataset.from_table(people.root, table, "people").where(weather=["sunny", "foggy"])
    train(data, recipe="strong", out=tmp_path / "run", overrides={**TINY, "steps": 1})
    assert json.loads((tmp_path / "run" / "run.json").read_text())["levels"]["weather"] == ["foggy", "sunny"]
    assert "weather: foggy, sunny." in (tmp_path / "run" / "README.md").read_text()


def test_the_card_says_how_images_were_chosen(people: Dataset, tmp_path: Path) -> None:
    origin = Provenance(
        method="greedy",
        criterion="mmd2",
        rule="not-worse",
        source="made",
        target="street cameras",
        embedding="lite0",
        scaling="balanced",
        evidence={"gain": 0.25, "gain_low": 0.125, "gain_high": 0.375},
    )
    chosen = Plan(
        values={}, images=24, share=0.5, identities=tuple(np.unique(people.identities)[:3].tolist()), provenance=origin
    )
    model = train(people, recipe="strong", out=tmp_path / "run", overrides={**TINY, "steps": 1}, plan=chosen)
    card = (tmp_path / "run" / "README.md").read_text()
    assert "24 images of 3 people" in card
    assert "**Plan**: 24 images, 50.0% of the source, chosen by method greedy, rule not-worse" in card
    assert "street cameras" in card and "0.2500 of squared MMD (95 % interval 0.1250 to 0.3750)" in card
    again = train(people.subset(chosen), recipe="strong", out=tmp_path / "run", overrides={**TINY, "steps": 1})
    assert equal(model, again)  # the same run
    for other, words in ((chosen.random_control(1), "a random control"), (Plan(values={}, images=1, share=1), "hand")):
        assert words in model_card(
            json.loads((tmp_path / "run/run.json").read_text()), Recipe.resolve("strong"), 9, other
        )


def test_tensorboard_shows_what_the_log_says(trained: tuple[Model, Path]) -> None:
    _, out = trained
    board = EventAccumulator(str(out / "tensorboard")).Reload()
    with (out / "log.csv").open() as file:
        (row,) = csv.DictReader(file)
    names = {f"log/{name}" for name in row} | {"timing/seconds", "timing/images_per_second"}
    assert set(board.Tags()["scalars"]) == names - {"log/step"}
    (loss,) = board.Scalars("log/loss")
    assert (loss.step, loss.value) == (6, pytest.approx(float(row["loss"]), rel=1e-4))


def test_same_seed_same_weights_other_seed_other_weights(
    trained: tuple[Model, Path], people: Dataset, tmp_path: Path
) -> None:
    model, _ = trained
    again = train(people, recipe="strong", out=tmp_path / "a", seed=5, overrides={**TINY, "ema": 0.5})
    other = train(people, recipe="strong", out=tmp_path / "b", seed=6, overrides={**TINY, "ema": 0.5})
    assert equal(model, again)
    assert not equal(model, other)


def test_a_finished_run_is_read_not_repeated(
    trained: tuple[Model, Path], people: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, out = trained
    monkeypatch.setattr(trainer, "_fit", None)
    assert equal(train(people, recipe="strong", out=out, seed=5, overrides={**TINY, "ema": 0.5}), model)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seed": 6}, r"seed \(5 there, 6 now\)"),
        ({"overrides": {**TINY, "ema": 0.25}}, r"recipe\.ema \(0.5 there, 0.25 now\)"),
        ({"overrides": {**TINY, "ema": 0.5, "pad": 3}}, r"recipe\.pad \(2 there, 3 now\)"),
        ({"validation": 0.4}, r"data\.name .*data\.images, data\.labels, validation|data\.images.*validation"),
        ({"data": lambda d: d.take(range(40))}, r"data\.images, data\.labels"),
        ({"data": lambda d: replace(d, name="others")}, r"data\.name \(people there, others now\)"),
        ({"data": lambda d: replace(d, table=d.table.with_columns(pl.col("camera") + 1))}, r"data\.labels"),
        ({"data": lambda d: replace(d, table=d.table.with_columns(pl.col("identity") + 1))}, r"data\.labels"),
        ({"data": lambda d: redrawn(d)}, r"data\.images"),
        ({"weights": True}, "weights"),
    ],
)
def test_whatever_a_run_depends_on_is_told(
    trained: tuple[Model, Path],
    people: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    change: dict[str, Any],
    says: str,
) -> None:
    _, out = trained
    data = change.pop("data", lambda d: d)(people)
    if change.pop("weights", False):
        path = tmp_path / "efficientnet-lite0.pth"
        torch.save({"other": torch.ones(1)}, path)
        monkeypatch.setenv("CLOSERLOOK_WEIGHTS", str(tmp_path))
    before = {path: path.read_bytes() for path in out.iterdir() if path.is_file()}
    asked: dict[str, Any] = {"recipe": "strong", "seed": 5, "overrides": {**TINY, "ema": 0.5}, **change}
    with pytest.raises(CloserlookError, match=f"holds a run that differs in ({says}): choose another"):
        train(data, out=out, **asked)
    assert {path: path.read_bytes() for path in out.iterdir() if path.is_file()} == before


def redrawn(data: Dataset) -> Dataset:
    """The same names, with one image that was written again."""
    root = data.root.with_name("redrawn")
    shutil.copytree(data.root, root, dirs_exist_ok=True)
    os.utime(root / data.table["file_name"][3], ns=(0, 0))
    return replace(data, root=root)


def test_a_folder_that_was_moved_holds_the_same_run(
    trained: tuple[Model, Path], people: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, out = trained
    shutil.copytree(people.root, tmp_path / "moved")
    shutil.copytree(out, tmp_path / "run")
    monkeypatch.setattr(trainer, "_fit", None)
    moved = replace(people, root=tmp_path / "moved")
    assert equal(train(moved, recipe="strong", out=tmp_path / "run", seed=5, overrides={**TINY, "ema": 0.5}), model)


def test_a_damaged_run_is_named(trained: tuple[Model, Path], people: Dataset, tmp_path: Path) -> None:
    shutil.copytree(trained[1], tmp_path / "run")
    asked: dict[str, Any] = {"recipe": "strong", "seed": 5, "overrides": {**TINY, "ema": 0.5}}
    model = tmp_path / "run" / "model.safetensors"
    whole = model.read_bytes()
    for damaged in (b"", whole[:-1], whole[:100] + b"x" + whole[101:], whole[:-9] + b"x" + whole[-8:]):
        model.write_bytes(damaged)
        with pytest.raises(CloserlookError, match=r"model\.safetensors is damaged"):
            train(people, out=tmp_path / "run", **asked)
    for text in ("", "[]", "{}", '{"key": 3', "null"):
        (tmp_path / "run" / "run.json").write_text(text)
        with pytest.raises(CloserlookError, match=r"run\.json is damaged"):
            train(people, out=tmp_path / "run", **asked)


def test_a_run_that_stops_early_logs_its_last_steps(
    people: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Validation, "score", lambda self, embed: 0.5)  # never better than the first
    overrides = {**TINY, "steps": 40, "validate_every": 0.1, "patience": 1}
    train(people, recipe="strong", out=tmp_path / "run", overrides=overrides, validation=0.34)
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    with (tmp_path / "run" / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert run["steps"] == 8  # no multiple of 10
    assert [int(row["step"]) for row in rows] == [8]
    assert float(rows[-1]["loss"]) == pytest.approx(run["losses"]["loss"], rel=1e-4)


KILLED = """
import os, signal, sys
import torch
from closerlook.dataset import open_dataset
from closerlook.reid import train, trainer
from closerlook.reid.state import State

torch.set_num_threads(1)
trainer.CHECKPOINT_SECONDS = -1.0
save = State.save

def save_then_die(self, *arguments):
    save(self, *arguments)
    if self.step == 3:
        os.kill(os.getpid(), signal.SIGKILL)

State.save = save_then_die
train(open_dataset(sys.argv[1]), recipe="strong", out=sys.argv[2], seed=5, overrides={overrides}, validation=0.34)
"""


def test_a_killed_run_goes_on_to_the_same_weights(people: Dataset, tmp_path: Path) -> None:
    """With averaged weights and a validation that has both chosen and waited when the run is killed."""
    people.save()
    data = open_dataset(str(people.root))
    overrides = {**TINY, "ema": 0.5, "validate_every": 0.16, "patience": 5}
    whole = train(data, recipe="strong", out=tmp_path / "whole", seed=5, overrides=overrides, validation=0.34)
    script = textwrap.dedent(KILLED).replace("{overrides}", repr(overrides))
    arguments = [sys.executable, "-c", script, str(people.root), str(tmp_path / "killed")]
    assert subprocess.run(arguments, check=False, capture_output=True).returncode == -signal.SIGKILL
    left = {file.name for file in (tmp_path / "killed").iterdir()}
    assert "checkpoint.safetensors" in left
    assert not left & {"model.safetensors", "run.json"}
    with pytest.raises(CloserlookError, match="no model"):
        Model.load(tmp_path / "killed")
    with pytest.raises(CloserlookError, match="unfinished run"):
        train(data, recipe="strong", out=tmp_path / "killed", seed=7, overrides=overrides, validation=0.34)
    steps = []
    backward = trainer._Loop._backward

    def remember(self: trainer._Loop, *arguments: object) -> object:
        steps.append(self.state.step)
        return backward(self, *arguments)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer._Loop, "_backward", remember)
        resumed = train(data, recipe="strong", out=tmp_path / "killed", seed=5, overrides=overrides, validation=0.34)
    assert steps[0] == 3
    assert equal(resumed, whole)
    assert not (tmp_path / "killed" / "checkpoint.safetensors").exists()
    for file in sorted((tmp_path / "whole").iterdir()):
        if file.name not in ("timing.csv", "tensorboard"):
            assert file.read_bytes() == (tmp_path / "killed" / file.name).read_bytes(), file.name


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_a_checkpoint_holds_the_whole_state(optimizer: str, tmp_path: Path) -> None:
    recipe = Recipe.resolve("strong", {**TINY, "optimizer": optimizer, "center_weight": 5e-4, "pooling": "gem"})
    device = torch.device("cpu")
    images, labels = torch.randint(0, 256, (4, 64, 32, 3)), torch.tensor([0, 0, 1, 1])

    def step(state: State) -> None:
        state.module(images, labels, 0.0)[0].backward()
        state.optimizer.step()
        state.optimizer.zero_grad()
        state.step += 1

    one = State.start(recipe, 2, 0, device)
    step(one)
    one.save(tmp_path / "c.safetensors", {"seed": 1}, {"steps": 3})
    two = State.start(recipe, 2, 1, device)
    assert two.resume(tmp_path / "c.safetensors", {"seed": 1}, 6) == {"steps": 3}
    assert two.step == 1
    step(one)
    step(two)
    state = one.module.state_dict()
    assert all(torch.equal(state[key], value) for key, value in two.module.state_dict().items())
    with pytest.raises(CloserlookError, match=r"belongs to an unfinished run that differs in seed \(1 there, 2 now\)"):
        two.resume(tmp_path / "c.safetensors", {"seed": 2}, 6)
    (tmp_path / "c.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(CloserlookError, match="is damaged"):
        two.resume(tmp_path / "c.safetensors", {"seed": 1}, 6)


def test_a_checkpoint_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """With a right checksum: what another program, or a hand, has changed."""
    recipe, device, path = Recipe.resolve("strong", TINY), torch.device("cpu"), tmp_path / "c.safetensors"
    state = State.start(recipe, 2, 0, device)
    state.save(path, {"seed": 1}, {})
    tensors, metadata = read_torch(path, "")
    about = json.loads(metadata["about"])
    name = next(name for name in tensors if name.startswith("module/") and tensors[name].ndim == 4)
    changed: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (tensors, {"step": 10**9}),
        (tensors, {"step": -1}),
        (tensors, {"step": "many"}),
        (tensors, {"best_step": 5}),
        (tensors, {"log": None}),
        ({**tensors, name: tensors[name][:1]}, {}),
        ({key: value for key, value in tensors.items() if key != name}, {}),
        ({**tensors, "optimizer/9999/exp_avg": torch.ones(1)}, {}),
        ({**tensors, "optimizer/x/exp_avg": torch.ones(1)}, {}),
    ]
    for arrays, values in changed:
        write_arrays(path, arrays, {"about": json.dumps({**about, **values})})
        with pytest.raises(CloserlookError, match=r"(?i)c\.safetensors is damaged.*delete it to train from the start"):
            state.resume(path, {"seed": 1}, recipe.steps)
    for missing in ("step", "log", "seconds"):
        write_arrays(path, tensors, {"about": json.dumps({key: v for key, v in about.items() if key != missing})})
        with pytest.raises(CloserlookError, match="is damaged"):
            state.resume(path, {"seed": 1}, recipe.steps)


def test_training_learns_the_people(people: Dataset, tmp_path: Path) -> None:
    changes = {
        **TINY,
        "steps": 25,
        "random_erasing": 0,
        "head_lr_multiplier": 20.0,
        "triplet_distance": "normalized",
        "freeze_bn": True,
    }
    train(people, recipe="strong", out=tmp_path / "run", overrides=changes)
    with (tmp_path / "run" / "log.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert losses[-1] < 0.75 * losses[0]


def test_accumulated_gradients_are_one_large_batchs(people: Dataset, tmp_path: Path) -> None:
    """With a frozen backbone and no metric loss the mean of two half batches is the whole batch."""
    changes = {**TINY, "steps": 2, "bnneck": False, "feature": "pool", "freeze": "head", "triplet_weight": 0}
    plain = {
        **changes,
        "sampling": "random",
        "images_per_identity": 1,
        "random_erasing": 0,
        "color_jitter": 0,
        "pad": 0,
        "flip": 0,
    }
    states = []
    start = State.start

    def remember(*args: object) -> State:
        states.append(start(*args))  # type: ignore[arg-type]
        return states[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(State, "start", remember)
        train(people, recipe="strong", out=tmp_path / "a", overrides={**plain, "identities_per_batch": 8})
        halves = {**plain, "identities_per_batch": 4, "accumulate": 2}
        train(people, recipe="strong", out=tmp_path / "b", overrides=halves)
    whole, summed = (state.module.classifier.weight for state in states)
    torch.testing.assert_close(whole, summed, atol=1e-5, rtol=1e-3)


def test_the_optimiser_gets_the_recipes_rates(people: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Backbone and head, through warm-up, plateau and decay, which depend on the share of the steps alone."""
    seen: list[list[float]] = []
    step = torch.optim.Adam.step

    def spy(self: torch.optim.Adam, *arguments: Any, **options: Any) -> Any:
        seen.append([group["lr"] for group in self.param_groups])
        return step(self, *arguments, **options)

    monkeypatch.setattr(torch.optim.Adam, "step", spy)
    changes = {**TINY, "steps": 4, "warmup": 0.5, "schedule": "steps", "milestones": [0.75], "head_lr_multiplier": 5.0}
    train(people, recipe="strong", out=tmp_path / "run", overrides={**changes, "learning_rate": 1e-4})
    assert np.array(seen) == pytest.approx(np.outer([0.01, 0.505, 1.0, 0.1], [1e-4, 5e-4]))


def test_frozen_steps_stay_as_they_were(people: Dataset, tmp_path: Path) -> None:
    model = train(people, recipe="strong", out=tmp_path / "run", overrides={**TINY, "freeze": "block4", "steps": 2})
    start = Model.pretrained("lite0", (64, 32)).network.backbone.state_dict()
    trained = model.network.backbone.state_dict()
    frozen = [key for key in start if key.startswith(("_conv_stem", "_bn0", *(f"_blocks.{i}." for i in range(5))))]
    assert len(frozen) > 50
    assert all(torch.equal(start[key], trained[key]) for key in frozen)
    assert not torch.equal(start["_blocks.5._expand_conv.weight"], trained["_blocks.5._expand_conv.weight"])


OWN = """
import torch

def small():
    layers = [torch.nn.Conv2d(3, 8, 5, stride=4), torch.nn.BatchNorm2d(8), torch.nn.ReLU(), torch.nn.Conv2d(8, 16, 3)]
    return torch.nn.Sequential(*layers)
"""


def test_a_backbone_of_the_users_is_trained_and_loaded(
    people: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_small.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    changes = {**TINY, "backbone": "own_small:small", "pooling": "gem"}
    model = train(people, recipe="strong", out=tmp_path / "run", overrides=changes)
    assert (model.dim, model.network.backbone.name) == (16, "own_small:small")
    assert equal(Model.load(tmp_path / "run"), model)


def test_a_loss_that_is_not_a_number_stops_and_names_the_batch(
    people: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = TrainingModule.forward

    def poisoned(self: TrainingModule, images: torch.Tensor, labels: torch.Tensor, done: float) -> object:
        return forward(self, images * float("nan"), labels, done)

    monkeypatch.setattr(TrainingModule, "forward", poisoned)
    with pytest.raises(CloserlookError, match=r"step 0; .*failed_batch\.json lists"):
        train(people, recipe="strong", out=tmp_path / "run", overrides=TINY)
    failed = json.loads((tmp_path / "run" / "failed_batch.json").read_text())
    assert len(failed["images"]) == 6
    assert set(failed["images"]) <= set(people.table["file_name"])
    assert not (tmp_path / "run" / "run.json").exists()


def test_ctrl_c_leaves_nothing_that_looks_complete(
    people: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: TrainingModule, images: torch.Tensor, labels: torch.Tensor, done: float) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(TrainingModule, "forward", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(people, recipe="strong", out=tmp_path / "run", overrides=TINY)
    assert {file.name for file in (tmp_path / "run").iterdir()} == {"log.csv", "recipe.yaml", "tensorboard"}


def test_two_runs_in_one_folder_are_refused(people: Dataset, tmp_path: Path) -> None:
    with alone_in(tmp_path / "run", "training in"), pytest.raises(CloserlookError, match="Another run is training in"):
        train(people, overrides=TINY, out=tmp_path / "run")
    assert list((tmp_path / "run").iterdir()) == []


def test_batches_can_be_spread_over_a_column(people: Dataset) -> None:
    recipe = Recipe.resolve("strong", {**TINY, "balance_by": "camera"})
    source = Batches.from_dataset(people, recipe, 0)
    cameras = people.cameras[source.sampler.batch(0)].reshape(3, 2)
    assert (np.sort(cameras, axis=1) == [0, 1]).all()
    with pytest.raises(UsageError, match="Did you mean 'camera'"):
        Batches.from_dataset(people, Recipe.resolve(recipe, {"balance_by": "camra"}), 0)


def test_a_short_run_decodes_only_what_it_draws(people: Dataset) -> None:
    short = Batches.from_dataset(people, Recipe.resolve("strong", {**TINY, "steps": 3}), 0)
    long = Batches.from_dataset(people, Recipe.resolve("strong", {**TINY, "steps": 30}), 0)
    assert len(short.images) <= 18 < len(long.images) == len(people)
    for number in range(3):
        one, two = batch(short, number), batch(long, number)
        assert torch.equal(one[0], two[0])
        assert torch.equal(one[1], two[1])


def test_what_the_data_must_have(people: Dataset, tmp_path: Path) -> None:
    with pytest.raises(CloserlookError, match="have 6 identities; the recipe draws 16"):
        train(people, recipe="cpu-quick", out=tmp_path / "run", overrides={"identities_per_batch": 16})
    nobody = people.filter(pl.col("camera") == 0)
    table = nobody.table.with_columns(identity=pl.lit(None, dtype=pl.Int64))
    unlabeled = Dataset.from_table(people.root, table, "nobody", ())
    with pytest.raises(CloserlookError, match="have no identity"):
        train(unlabeled, recipe="cpu-quick", out=tmp_path / "run")
    assert not (tmp_path / "run" / "run.json").exists()


def test_junk_and_distractors_are_not_trained_on_but_person_0_is(
    people: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    number = pl.col("identity") // 10  # 1 to 6
    marked = people.table.with_columns(
        identity=pl.when(number == 1)
        .then(0)
        .when(number == 5)
        .then(JUNK)
        .when(number == 6)
        .then(DISTRACTOR)
        .otherwise(number)
    )
    mixed = Dataset.from_table(people.root, marked, "mixed")
    only = Dataset.from_table(people.root, marked.filter(pl.col("identity") >= 0), "mixed")
    overrides = {**TINY, "identities_per_batch": 2}
    runs = [
        train(data, recipe="strong", out=tmp_path / name, overrides=overrides)
        for name, data in (("a", mixed), ("b", only))
    ]
    assert equal(*runs)
    assert json.loads((tmp_path / "a" / "run.json").read_text())["identities"] == 4
    assert "16 of 48 images are junk or distractors: they are not trained on" in " ".join(
        capsys.readouterr().err.split()
    )


def test_missing_weights_are_told_before_any_image_is_decoded(
    people: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(*_: object) -> None:
        raise AssertionError("an image was decoded")

    monkeypatch.setattr(finding, "_folders", lambda: [tmp_path])
    monkeypatch.setattr(reading, "image_array", decode)
    monkeypatch.setattr(finding, "download", no_network)
    with pytest.raises(CloserlookError, match="No ImageNet weights for resnet50"):
        train(people, recipe="baseline", out=tmp_path / "run", overrides={**TINY, "backbone": "resnet50"})
    with pytest.raises(UsageError, match="Unknown layer of lite0 'block99'"):
        train(people, recipe="cpu-quick", out=tmp_path / "run", overrides={**TINY, "freeze": "block99"})


def no_network(published: finding.Published, folder: Path) -> Path:
    raise CloserlookError(f"{published.url} cannot be downloaded.")
