"""The whole experiment, very small: what it writes, that it goes on, what it refuses; and its answer on made runs."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import simplejpeg

import closerlook as cl
from closerlook.attributes import Factor
from closerlook.cli.validate_gap import _share
from closerlook.dataset import Dataset
from closerlook.errors import CloserlookError, UsageError
from closerlook.reid import Recipe
from closerlook.reporting import report
from closerlook.reporting.validation import answer
from closerlook.validation import Validation, runs as runs_module
from closerlook.validation.outcome import Before, find_outcome, scores_of
from closerlook.validation.runs import make_runs, plan_runs
from closerlook.validation.subsets import Candidates
from closerlook.validation.validate import _some_people

pytestmark = pytest.mark.slow


ASKED: dict[str, Any] = {"subsets": 6, "controls": 2, "recipe": "cpu-quick", "cameras": True}
WEATHER, HOUR = Factor("weather", ("sunny", "foggy", "snow")), Factor("hour", ("noon", "dusk", "night"))
TINY = {
    "backbone": "lite0",
    "size": (64, 32),
    "identities_per_batch": 2,
    "images_per_identity": 2,
    "steps": 1,
}


def write(path: Path, rng: np.random.Generator, light: float) -> None:
    pixels = (light + 40 * rng.normal(size=(64, 32, 3))).clip(0, 255).astype(np.uint8)
    path.write_bytes(simplejpeg.encode_jpeg(pixels))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    root, rng, rows = tmp_path_factory.mktemp("source"), np.random.default_rng(0), []
    for person in range(8):
        for w, weather in enumerate(WEATHER.levels):
            for h, hour in enumerate(HOUR.levels):
                for view in range(2):
                    name = f"{person}_{weather}_{hour}_{view}.jpg"
                    write(root / name, rng, 90 + 20 * w + 15 * h + 3 * person)
                    rows.append({"file_name": name, "identity": person, "weather": weather, "hour": hour})
    return Dataset.from_table(root, pl.DataFrame(rows), "source", (WEATHER, HOUR))


def make_target(root: Path, name: str, light: float) -> Dataset:
    rng, rows = np.random.default_rng(int(light)), []
    for person in range(6):
        for number, split in enumerate(("train", "train", "train", "query", "gallery", "gallery")):
            file = f"{name}_{person}_{number}.jpg"
            write(root / file, rng, light + 5 * person)
            rows.append({"file_name": file, "identity": person, "camera": number % 2, "split": split})
    return Dataset.from_table(root, pl.DataFrame(rows), name, ())


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> list[Dataset]:
    root = tmp_path_factory.mktemp("targets")
    return [make_target(root, "day", 100.0), make_target(root, "night", 60.0)]


@pytest.fixture(scope="module")
def found(source: Dataset, targets: list[Dataset], tmp_path_factory: pytest.TempPathFactory) -> tuple[Validation, Path]:
    out = tmp_path_factory.mktemp("out") / "validation"
    return cl.validate_gap(source, targets, out=out, overrides=TINY, **ASKED), out


def test_the_experiment_and_what_it_writes(found: tuple[Validation, Path]) -> None:
    validation, out = found
    runs = validation.runs
    assert runs.filter(pl.col("camera").is_null()).height == (6 + 2 + 2 + 1) * 2
    assert set(runs["subset"]) == {-2, -1, *range(6)}
    assert runs["mAP"].is_between(0, 1).all()
    assert (runs.filter(pl.col("camera").is_null())["queries"] == 6).all()
    outcome = validation.outcome
    assert [own.target for own in outcome.targets] == ["day", "night"]
    assert {"gap", "style", "content", "pooled", "likelihood", "trained head", "mixture"} <= {
        row.measure for row in outcome.associations
    }
    assert outcome.interaction is not None
    assert outcome.interaction.renamings == 36
    assert [(row.runs, row.controls) for row in outcome.nearest] == [(2, 2)] * 2
    assert validation.of_cameras is not None
    assert validation.of_cameras.targets[0].target == "day, camera 1"
    summary = json.loads((out / "summary.json").read_text())
    assert summary["verdict"] == outcome.verdict
    assert Validation.load(out).outcome == outcome or summary["interaction"]["p"] == outcome.interaction.p
    assert (out / "figures" / "scatter.svg").is_file()
    page = report(out).read_text()
    assert answer(outcome) in page
    assert page.count("<svg") == 2
    assert "By camera" in page


def test_a_finished_experiment_trains_nothing_and_says_the_same(
    found: tuple[Validation, Path], source: Dataset, targets: list[Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    validation, out = found

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(runs_module, "train", refuse)
    again = cl.validate_gap(source, targets, out=out, overrides=TINY, **ASKED)
    assert again.identities.equals(validation.identities)
    assert again.measures.equals(validation.measures)
    with pytest.raises(CloserlookError, match=r"another experiment \(its subsets is 6"):
        cl.validate_gap(source, targets, out=out, overrides=TINY, **{**ASKED, "subsets": 7})
    recipe = Recipe.resolve("cpu-quick", {**TINY, "steps": 2})
    with pytest.raises(AssertionError, match="trained again"):
        make_runs(plan_runs(6, 2, 1, 1 / 3, 0), lambda number: source, targets, recipe, out / "runs")


def test_what_cannot_be_asked_is_refused_before_any_work(
    source: Dataset, targets: list[Dataset], tmp_path: Path
) -> None:
    def asked(*of: Dataset, **options: Any) -> None:
        cl.validate_gap(source, list(of), out=tmp_path / "out", recipe="cpu-quick", overrides=TINY, **options)

    day = targets[0]
    with pytest.raises(UsageError, match="Target day has no 'query' images"):
        asked(day.filter(pl.col("split") != "query"))
    unlabeled = pl.when(pl.col("split") == "gallery").then(None).otherwise("identity").alias("identity")
    with pytest.raises(UsageError, match="gallery images without an identity"):
        asked(replace(day, table=day.table.with_columns(unlabeled)))
    with pytest.raises(UsageError, match="without a camera"):
        asked(replace(day, table=day.table.with_columns(pl.lit(None, pl.Int64).alias("camera"))))
    with pytest.raises(UsageError, match="Two targets are called 'day'"):
        asked(day, day)
    with pytest.raises(UsageError, match="at least one target"):
        asked()
    with pytest.raises(UsageError, match="3 subsets say nothing: at least 6 are needed"):
        asked(day, factors=["weather"])
    with pytest.raises(UsageError, match="share from 0 to 1"):
        asked(day, second_seeds=2.0)
    with pytest.raises(UsageError, match="8 people; recipe 'cpu-quick' draws 9"):
        cl.validate_gap(
            source, targets, out=tmp_path / "out", overrides={**TINY, "identities_per_batch": 9}, recipe="cpu-quick"
        )
    assert not (tmp_path / "out").exists()


def test_a_quick_look_at_a_large_target_scores_some_of_its_people(
    targets: list[Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    day = targets[0]
    assert _some_people(day, 0) is day
    monkeypatch.setattr("closerlook.validation.validate.QUICK_SCORED", 10)
    some = _some_people(day, 0)
    assert some.train.table.equals(day.train.table)
    assert len(some.query) == 3  # three images of each person: one asks, two are searched
    assert set(some.query.identities) == set(some.gallery.identities)


def test_an_unfinished_experiment_has_no_page(found: tuple[Validation, Path], tmp_path: Path) -> None:
    found[0].config.save(tmp_path)
    with pytest.raises(CloserlookError, match="has not been finished"):
        report(tmp_path)


def test_the_share_of_second_seeds() -> None:
    assert _share("1/3") == pytest.approx(1 / 3)
    assert _share("0.25") == 0.25
    for wrong in ("a third", "1/0", ""):
        with pytest.raises(UsageError, match="must be a share such as 1/3"):
            _share(wrong)


SPACE = Candidates((Factor("weather", tuple("abcdefg")), Factor("hour", tuple("ABCDEFG"))))


def simulated(
    slope: float, noise: float, seed: int, targets: int = 2, spread: float = 0.01
) -> tuple[Before, np.ndarray, pl.DataFrame]:
    """30 subsets whose mAP falls by ``slope`` a unit of gap, varies by ``spread`` for other reasons and by ``noise``
    from run to run; and 4 controls, all scored on 40 people."""
    rng = np.random.default_rng(seed)
    gaps = rng.uniform(0, 1, (*SPACE.shape, targets))
    place = SPACE.places(rng.choice(len(SPACE), 30, replace=False))
    names = tuple(f"target {number}" for number in range(targets))
    own = gaps[tuple(place.T)]
    measures = {"gap": own, "diversity": rng.normal(size=own.shape), "style": rng.normal(size=own.shape)}
    before = Before(names, np.arange(30), measures, rng.normal(size=30), gaps, place, SPACE.sets)
    truth = 0.3 + slope * own + spread * rng.normal(size=own.shape)
    person = 0.1 * rng.normal(size=40)
    rows = []
    for subset in range(-4, 30):
        for run in range(2 if subset % 3 == 0 else 1):
            for column, name in enumerate(names):
                mean = truth[subset, column] if subset >= 0 else 0.3 + slope * 0.5
                ap = mean + noise * rng.normal() + person
                table = {
                    "subset": subset,
                    "seed": run,
                    "target": name,
                    "identity": np.arange(40),
                    "queries": 2,
                    "ap": ap,
                }
                rows.append(pl.DataFrame(table))
    people = pl.concat(rows)
    runs = people.group_by("subset", "seed", "target").agg(pl.col("ap").mean().alias("mAP"))
    return before, scores_of(runs, before.number, names), people


def test_the_answer_is_what_was_simulated() -> None:
    before, scores, people = simulated(-0.04, 0.002, 0)
    found = find_outcome(before, scores, people)
    assert found.verdict == "predicts"
    assert found.gain.value == pytest.approx(0.02, abs=0.006)  # half a unit of gap
    assert found.choice is not None
    assert found.choice.measure == "gap"
    assert found.interaction is not None
    assert found.interaction.p < 0.05
    clear = find_outcome(*simulated(-0.04, 0.002, 0, spread=0.002)).nearest[0].gain
    assert clear.low > 0
    assert clear.value == pytest.approx(0.04 * (0.5 - np.sort(before.measures["gap"][:, 0])[:4].mean()), abs=0.004)
    assert answer(found).startswith("On these 2 targets the gap predicts which part trains the better model: ")
    assert find_outcome(*simulated(0.04, 0.002, 0)).verdict == "misleads"


def test_no_effect_is_only_denied_where_one_would_have_been_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("closerlook.validation.renaming.MOST", 99)
    verdicts = [find_outcome(*simulated(0.0, 0.002, seed)).verdict for seed in range(12)]
    assert verdicts.count("does not") >= 10
    noisy = find_outcome(*simulated(0.0, 0.05, 0))
    assert noisy.verdict == "unknown"
    assert "cannot tell" in answer(noisy)
    assert "chance on target 0, target 1" in answer(noisy)
    before, scores, people = simulated(0.0, 0.002, 0)
    scores[:, 1:] = np.nan  # without second runs nobody knows what chance does
    assert find_outcome(before, scores, people.filter(pl.col("seed") == 0)).verdict == "unknown"


def test_runs_that_are_missing_leave_their_places_empty() -> None:
    runs = pl.DataFrame(
        {"subset": [0, 0, 2, -1], "seed": [3, 7, 7, 3], "target": ["a"] * 4, "mAP": [0.1, 0.2, 0.3, 0.4]}
    )
    scores = scores_of(runs, np.array([0, 1, 2]), ["a"])
    np.testing.assert_array_equal(scores[:, :, 0], [[0.1, 0.2], [np.nan, np.nan], [0.3, np.nan]])
