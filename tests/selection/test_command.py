import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from closerlook.cli import app
from closerlook.cli.select import _parse_caps
from closerlook.dataset import Dataset, open_dataset
from closerlook.errors import CloserlookError, UsageError
from closerlook.gap import Gap
from closerlook.selection import Plan, select_identities

from .conftest import Made

pytestmark = pytest.mark.slow


runner = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Made((4, 3), 8, per_cell=24)
    near = np.isin(made.cells[:, 0], [1, 2])[made.cell]
    made.source = np.random.default_rng(0).normal(size=made.source.shape) + np.where(near, 0.0, 1.0)[:, None]
    made.target = np.random.default_rng(1).normal(size=made.target.shape)
    folder = tmp_path_factory.mktemp("gap")
    replace(made.gap, measurement=made.remeasure()).save(folder)
    return folder


def run(*arguments: object, verb: str = "select") -> str:
    result = runner.invoke(app, [verb, *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_says_what_was_chosen_and_how_sure_it_is(folder: Path, tmp_path: Path) -> None:
    text = run(folder, "--out", tmp_path / "plan.yaml")
    assert "f0: l1, l2" in text
    assert "95 % interval" in text
    assert re.search(r"Of 20 random halves of people and target, \d+% choose exactly this", text)
    assert Plan.load(tmp_path / "plan.yaml").values["f0"] == ("l1", "l2")


def test_controls_are_plans_beside_the_plan(folder: Path, tmp_path: Path) -> None:
    run(folder, "--out", tmp_path / "plan.yaml", "--controls", 2)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["plan-all.yaml", "plan-random-0.yaml", "plan-random-1.yaml", "plan-worst.yaml", "plan.yaml"]
    assert Plan.load(tmp_path / "plan-worst.yaml").values["f0"] == ("l0", "l3")
    assert Plan.load(tmp_path / "plan-random-1.yaml").control == "random"


def test_the_front_is_a_table(folder: Path, tmp_path: Path) -> None:
    run(folder, "--out", tmp_path / "plan.yaml", "--front", tmp_path / "front.csv")
    front = pl.read_csv(tmp_path / "front.csv")
    assert front.columns == ["images", "mmd2", "f0", "f1"]
    assert front["images"].is_sorted()
    assert front["mmd2"].is_sorted()


def test_a_mixture_says_its_certificate(folder: Path, tmp_path: Path) -> None:
    text = run(folder, "--out", tmp_path / "plan.yaml", "--method", "quadratic", "--budget", 500, "--cap", "f0=l1:0.2")
    assert "no distribution has less" in text
    plan = Plan.load(tmp_path / "plan.yaml")
    assert sum(cell.weight for cell in plan.weights if cell.levels["f0"] == "l1") <= 0.2 + 1e-6


def test_an_order_for_the_renderer(folder: Path, tmp_path: Path) -> None:
    text = run(folder, "--out", tmp_path / "next.yaml", "--images", 64, verb="render-next")
    assert "Expected to save" in text
    assert Plan.load(tmp_path / "next.yaml").images == 64


def test_people_are_chosen_from_a_plan(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which people is the affair of choose_identities; here every one has the same images."""
    gap, data = Gap.load(folder), tmp_path / "data"
    data.mkdir()
    table = gap.losses.select("file_name", "identity", "f0", "f1")
    Dataset.from_table(data, table, "made", None).save()
    plan = Plan(values={"f0": ("l1", "l2")}, images=1, share=0.5)
    plan.save(tmp_path / "plan.yaml")
    monkeypatch.setattr(
        "closerlook.selection.identities.choose_identities",
        lambda gap, source, number, **_: np.unique(source.identities)[:number],
    )
    options = ["--identities", 3, "--plan", tmp_path / "plan.yaml", "--out", tmp_path / "few.yaml"]
    text = run(folder, data, *options, verb="select-identities")
    few = Plan.load(tmp_path / "few.yaml")
    assert few.identities == tuple(np.unique(table["identity"])[:3])
    assert few.values == plan.values
    assert f"3 people, {few.images:,} images" in text
    everybody = select_identities(gap, open_dataset(data), 4)
    assert everybody.values == {factor.name: factor.levels for factor in gap.factors}
    assert len(everybody.identities) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--identities", 0], "greater than or equal to 1"),
        (["--identities", 3, "--by", "age"], "'age' is not one of"),
        (["--identities", 3, "--by", "near"], "--by near needs --target"),
        (["--identities", 3, "--plan", "none.yaml"], "There is no plan none.yaml"),
    ],
)
def test_wrong_requests_for_people_are_explained(folder: Path, arguments: list[object], message: str) -> None:
    result = runner.invoke(app, ["select-identities", str(folder), str(folder), *map(str, arguments)])
    told = str(result.exception) if isinstance(result.exception, CloserlookError) else " ".join(result.output.split())
    assert message in told


def test_caps_are_read_and_checked() -> None:
    assert _parse_caps(["weather=foggy:0.1,sunny:0.5"]) == {"weather": {"foggy": 0.1, "sunny": 0.5}}
    for text in ("weather=foggy", "weather=foggy:much"):
        with pytest.raises(UsageError, match="must look like"):
            _parse_caps([text])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "greed"], "'greed' is not one of"),
        (["--criterion", "loss"], "'loss' is not one of"),
        (["--rule", "best"], "Unknown rule 'best'"),
        (["--method", "quadratic", "--budget", 100, "--rule", "best"], "Unknown rule 'best'"),
        (["--budget", 0], "at least one image"),
        (["--method", "exhaustive", "--diversity", "nan"], "0 or more, not nan"),
        (["--all-levels", "weather"], "Unknown attribute to take all levels of: 'weather'"),
        (["--front", "plan.yaml"], "same file"),
        (["--cap", "f0=l9:0.5", "--method", "quadratic"], "Unknown level of f0 'l9'"),
    ],
)
def test_nothing_is_written_on_a_wrong_request(
    folder: Path, tmp_path: Path, arguments: list[object], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = runner.invoke(app, ["select", str(folder), *map(str, arguments)])
    told = str(result.exception) if isinstance(result.exception, UsageError) else " ".join(result.output.split())
    assert message in told
    assert not list(tmp_path.iterdir())


def test_the_optimum_is_told_in_its_own_measure(folder: Path, tmp_path: Path) -> None:
    text = run(folder, "--out", tmp_path / "plan.yaml", "--method", "exhaustive", "--criterion", "total_loss")
    assert re.search(r"greedy is [0-9.]+ of total_loss above it", text)
    optimum = Plan.load(tmp_path / "plan.yaml").provenance.optimum
    assert optimum["greedy_gap"] >= 0
