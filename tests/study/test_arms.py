import math
import os
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import simplejpeg
import torch

from closerlook import evaluation, reid
from closerlook.dataset import Dataset
from closerlook.errors import CloserlookError
from closerlook.evaluation import Protocol
from closerlook.reid import Recipe
from closerlook.study import arms
from closerlook.study.arms import Run, fixed_arm, read_runs, run_arms, summarize

pytestmark = pytest.mark.slow


def run(arm, seed, mean_average_precision, control=None):
    return Run(arm, seed, 100, 10, mean_average_precision, 0.5, 0.6, 0.7, 3.0, control)


def test_gain_is_paired_by_seed_with_students_interval():
    runs = [run("all", 0, 0.2), run("random", 0, 0.10), run("random", 1, 0.20), run("random", 2, 0.30)]
    runs += [run("plan", seed, value, "random") for seed, value in enumerate([0.13, 0.22, 0.34])]
    plan = {summary.arm: summary for summary in summarize(runs)}["plan"]
    assert plan.gain == pytest.approx(0.03)
    # Differences .03, .02, .04: standard error .01 / sqrt 3, Student's t with 2 degrees of freedom 4.302653.
    assert plan.gain_high - plan.gain == pytest.approx(4.302653 * 0.01 / math.sqrt(3), rel=1e-6)
    assert plan.gain - plan.gain_low == pytest.approx(plan.gain_high - plan.gain)


def test_the_interval_of_a_gain_counts_test_people_too():
    """Runs that all gain the same say nothing of how few people they were tested on."""
    people = {"plan": {1: (2, 0.1), 2: (2, 0.9), 3: (4, 0.5)}, "random": {1: (2, 0.2), 2: (2, 0.6), 3: (4, 0.4)}}
    mean = {name: sum(q * ap for q, ap in own.values()) / 8 for name, own in people.items()}
    both = [replace(run("random", seed, mean["random"]), people=people["random"]) for seed in range(3)]
    both += [replace(run("plan", seed, mean["plan"], "random"), people=people["plan"]) for seed in range(3)]
    plan = {summary.arm: summary for summary in summarize(both)}["plan"]
    differences, shares = np.array([-0.1, 0.3, 0.1]), np.array([2, 2, 4]) / 8
    assert plan.gain == pytest.approx(differences @ shares)
    error = math.sqrt(((shares * (differences - plan.gain)) ** 2).sum() * 3 / 2)
    assert plan.gain_high - plan.gain == pytest.approx(4.302653 * error, rel=1e-6)
    alike = [replace(one, people=None) for one in both]
    assert {summary.arm: summary for summary in summarize(alike)}["plan"].gain_low == pytest.approx(plan.gain)


def test_one_pair_has_a_gain_but_no_interval():
    summary = summarize([run("random", 0, 0.1), run("plan", 0, 0.2, "random")])[1]
    assert summary.gain == pytest.approx(0.1)
    assert summary.gain_low is None
    assert math.isnan(summary.spread["mAP"])


def test_without_a_common_seed_there_is_no_gain():
    assert summarize([run("random", 5, 0.1), run("plan", 0, 0.2, "random")])[1].gain is None


TINY = {
    "backbone": "lite0",
    "size": (64, 32),
    "identities_per_batch": 2,
    "images_per_identity": 2,
    "steps": 1,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Four people, four images each: two to train on, a query and a gallery image from another camera."""
    root, rows = tmp_path_factory.mktemp("data"), []
    for identity in range(1, 5):
        for number, split in enumerate(("train", "train", "query", "gallery")):
            image = np.random.default_rng(10 * identity + number).integers(0, 256, (64, 32, 3), dtype=np.uint8)
            (root / f"{identity}_{number}.jpg").write_bytes(simplejpeg.encode_jpeg(image))
            rows.append((f"{identity}_{number}.jpg", identity, number, split))
    table = pl.DataFrame(rows, schema=["file_name", "identity", "camera", "split"], orient="row")
    return Dataset.from_table(root, table, "data", ())


@pytest.fixture
def work(monkeypatch):
    """What is done: trainings by their folder's name, and evaluations."""
    done = []

    def training(*arguments, **options):
        done.append(f"train {options['out'].name}")
        return reid.train(*arguments, **options)

    def evaluating(*arguments, **options):
        done.append("evaluate")
        return evaluation.evaluate(*arguments, **options)

    monkeypatch.setattr(arms, "train", training)
    monkeypatch.setattr(arms, "evaluate", evaluating)
    torch.set_num_threads(1)
    return done


def test_a_result_is_reused_only_where_everything_is_the_same(data, work, tmp_path, capsys, monkeypatch):
    def study(part=data.train, target=data, control="all", protocol="market1501", seeds=(0,), **recipe):
        work.clear()
        both = [fixed_arm("all", data.train), fixed_arm("part", part, control)]
        resolved = Recipe.resolve("cpu-quick", {**TINY, **recipe})
        found = run_arms(both, target, recipe=resolved, seeds=seeds, out=tmp_path, protocol=protocol)
        assert [replace(run, seconds=0) for run in found] == [replace(run, seconds=0) for run in read_runs(tmp_path)]
        return found

    everything = ["evaluate", "train all-0", "evaluate", "train part-0", "evaluate"]
    part = ["train part-0", "evaluate"]
    score = ["train part-0", "evaluate"]  # where train finds its model finished
    scores = ["evaluate", "train all-0", "evaluate", *score]
    first = study()
    assert work == everything
    assert study() == first and work == []
    fewer = data.train.filter(pl.col("identity") < 4)
    assert study(part=fewer)[2].images == 6 and work == part
    assert "part, seed 0: its training differs in data.images, data.labels" in capsys.readouterr().err
    assert study(part=fewer)[2].images == 6 and work == []
    study(part=fewer, control=None)
    assert work == score
    study(part=fewer, control=None, steps=2)
    assert work == everything[1:]  # the pretrained backbone has no steps
    assert "recipe.steps (1 there, 2 now)" in capsys.readouterr().err
    study(part=fewer, control=None, steps=2, protocol=Protocol.load("no-cameras"))
    assert work == scores
    other = replace(data, table=data.table.with_columns(camera=pl.col("camera") + 1))
    study()
    for target in (other, data, data.filter((pl.col("identity") < 4) | (pl.col("split") == "train"))):
        study(target=target)
        assert work == scores
    os.utime(data.paths[3], ns=(1, 1))  # a gallery image was written again
    study()
    assert work == scores
    study(seeds=(0, 1))
    assert work == ["train all-1", "evaluate", "train part-1", "evaluate"]
    monkeypatch.setattr(arms, "FORMAT", arms.FORMAT + 1)
    study()
    assert work == scores


def test_files_of_results_hold_no_time(data, work, tmp_path):
    recipe = Recipe.resolve("cpu-quick", TINY)
    runs = run_arms([fixed_arm("all", data.train)], data, recipe=recipe, seeds=[0], out=tmp_path)
    assert runs[1].seconds > 0 and read_runs(tmp_path)[1].seconds == runs[1].seconds
    for name in ("results.json", "runs/all-0/score.json", "runs/all-0/run.json"):
        assert "seconds" not in (tmp_path / name).read_text()


@pytest.mark.parametrize("text", ["", "[]", "null", '{"run": {}}', '{"key": {}, "run": {"arm": 1}}'])
def test_a_damaged_score_is_named(data, work, tmp_path, text):
    folder = tmp_path / "runs" / "imagenet-only"
    folder.mkdir(parents=True)
    (folder / "score.json").write_text(text)
    with pytest.raises(CloserlookError, match=r"score\.json is damaged.*Delete it"):
        run_arms([], data, recipe=Recipe.resolve("cpu-quick", TINY), seeds=[0], out=tmp_path)
    assert (folder / "score.json").read_text() == text
