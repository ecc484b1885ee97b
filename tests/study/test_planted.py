"""A planted study at the smallest scale at which every stage is still real."""

import json
import re

import polars as pl
import pytest

from closerlook.attributes import ILLUMINATIONS, Design, Factor
from closerlook.dataset import open_dataset
from closerlook.errors import CloserlookError
from closerlook.gap import Gap, save_figures
from closerlook.reporting import report
from closerlook.reporting.page import SECTIONS
from closerlook.study import read_runs
from closerlook.study.planted import PLANS, SEASONS, Scale, hidden_levels, run_planted

pytestmark = pytest.mark.slow


SCALE = Scale(
    design=Design(
        "small",
        8,
        (
            Factor("viewpoint", (0, 90, 180, 270)),
            Factor("weather", ("sunny", "foggy", "blizzard")),
            Factor("illumination", ("noon", "midnight")),
        ),
    ),
    source_identities=6,
    target_identities=3,
    size=(64, 32),
    seeds=1,
    overrides={"steps": 2, "identities_per_batch": 3, "images_per_identity": 2, "size": [64, 32]},
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    run_planted(folder, scale=SCALE)
    return folder


@pytest.mark.parametrize("seed", range(8))
def test_hidden_levels_belong_together(seed):
    hidden = hidden_levels(Design.load("gpr-plus"), seed)
    assert hidden["weather"] in SEASONS
    arc = sorted(hidden["viewpoint"])
    gaps = sorted((b - a) % 360 for a, b in zip(arc, arc[1:] + arc[:1], strict=True))
    assert gaps == [30, 30, 300]
    first, second = (ILLUMINATIONS.index(hour) for hour in hidden["illumination"])
    assert abs(first - second) in (1, 6)


def test_hidden_levels_follow_the_seed():
    design = Design.load("gpr-plus")
    assert hidden_levels(design, 3) == hidden_levels(design, 3)
    assert len({str(hidden_levels(design, seed)) for seed in range(8)}) > 4


def test_the_target_hides_its_labels_and_shares_nothing_with_the_source(study):
    source, target = open_dataset(study / "source"), open_dataset(study / "target")
    assert target.train.table["identity"].null_count() == len(target.train) > 0
    assert not {"viewpoint", "weather", "illumination"} & set(target.table.columns)
    planted = json.loads((study / "study.json").read_text())["planted"]
    shown = open_dataset(study / "target" / "network").table
    assert {name: sorted(shown[name].unique()) for name in planted} == {k: sorted(v) for k, v in planted.items()}
    assert not set(shown["backdrop"]) & set(source.table["backdrop"])


def test_the_target_is_a_network_with_people_apart(study):
    people = open_dataset(study / "target" / "network").table.group_by("split").agg(pl.col("identity").unique())
    train, *test = (set(row["identity"]) for row in people.sort("split", descending=True).iter_rows(named=True))
    assert not train & set.union(*test)
    target = open_dataset(study / "target")
    assert target.table["camera"].is_between(1, 6).all()
    test_split = target.table.filter(pl.col("split") != "train")
    assert test_split.group_by("identity").agg(pl.col("camera").n_unique())["camera"].min() >= 2


def test_each_person_and_camera_has_one_query(study):
    target = open_dataset(study / "target")
    queries = target.query.table.group_by("identity", "camera").len()
    assert set(queries["len"]) == {1}
    everyone = pl.concat([target.query.table, target.gallery.table]).select("identity", "camera").unique()
    assert queries.height == everyone.height


def test_every_arm_ran_on_its_own_images(study):
    runs = {run.arm: run for run in read_runs(study)}
    assert list(runs) == ["imagenet-only", "all", *(name for plan in PLANS for name in (plan, f"{plan}-random"))]
    assert runs["all"].images == len(open_dataset(study / "source"))
    assert runs["every-attribute"].images < runs["all"].images
    for plan in PLANS:
        assert runs[plan].images == runs[f"{plan}-random"].images <= runs["all"].images
        assert runs[plan].identities == runs[f"{plan}-random"].identities == SCALE.source_identities
    assert all(0 < run.mAP <= 1 and run.rank1 <= run.rank5 <= run.rank10 <= 1 for run in runs.values())


def test_a_second_call_trains_nothing_again(study):
    before = {path: path.stat().st_mtime_ns for path in study.glob("runs/*/*")}
    run_planted(study, scale=SCALE)
    assert {path: path.stat().st_mtime_ns for path in study.glob("runs/*/*")} == before


def test_another_study_does_not_overwrite_this_one(study):
    with pytest.raises(CloserlookError, match="another study"):
        run_planted(study, seed=1, scale=SCALE)


def test_the_page_tells_the_whole_story_in_one_file(study):
    text = report(study).read_text()
    for heading in (
        "What is in the data",
        "How far",
        "What to train on",
        "planted target",
        "What it gained",
        "Ranked lists",
    ):
        assert heading in text
    assert "mAP by weather of the query" in text  # which the study itself never sees
    assert "no selection surely gained" in text  # one seed can say nothing else
    named = re.findall(r'(?:src|href)="([^"]*)"|url\(([^)]*)\)', text)
    assert {(one or two)[:5] for one, two in named} <= {"data:"} | {
        f"#{name}"[:5] for name in ("answer", *SECTIONS)
    }  # nothing from elsewhere
    assert text.count("<script") == 1 and "script-src 'sha256-" in text
    assert len(text) < 5_000_000


def test_pages_of_an_analysis_and_of_a_run(study):
    gap, source = Gap.load(study / "gap"), open_dataset(study / "source")
    assert "lowest and highest loss" not in report(study / "gap", out=study / "gap.html").read_text()
    save_figures(gap, source, study / "gap" / "figures")
    text = report(study / "gap", out=study / "gap.html").read_text()
    assert "total loss" in text
    assert text.count("lowest and highest loss") == len(gap.factors)
    assert "Training run all-0" in report(study / "runs" / "all-0", out=study / "run.html").read_text()


def test_a_page_is_written_without_pictures_where_the_data_set_has_gone(study, tmp_path):
    import shutil

    moved = tmp_path / "moved"
    shutil.copytree(study, moved, ignore=shutil.ignore_patterns("source", "target"))
    text = report(moved).read_text()
    assert "What it gained" in text
    assert "What is in the data" not in text
