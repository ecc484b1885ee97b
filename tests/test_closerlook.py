"""The Python surface: what there is, how it shows itself, and that scores are shares everywhere."""

import inspect
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import closerlook
from closerlook.selection.plan import CellWeight
from closerlook.study.tables import TABLES

HOSTILE = "<script>alert(1)</script>&"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;&amp;"


def test_dir_lists_the_api_and_nothing_else() -> None:
    assert dir(closerlook) == sorted(closerlook.__all__)
    assert {"analyze", "select", "select_identities", "render_next", "evaluate", "Dataset"} < set(dir(closerlook))
    for name in dir(closerlook):
        assert getattr(closerlook, name) is getattr(closerlook, name)
    with pytest.raises(AttributeError, match="no attribute 'gone'"):
        closerlook.gone  # noqa: B018


def test_every_name_is_typed() -> None:
    text = Path(closerlook.__file__).read_text(encoding="utf-8")
    assert set(re.findall(r"(\w+) as (\w+)", text)) >= {
        (name, name) for name in dir(closerlook) if name != "__version__"
    }


def test_names_are_imported_when_they_are_used() -> None:
    program = "import closerlook, sys; dir(closerlook); sys.exit(any(m in sys.modules for m in ('torch', 'polars')))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    star = "from closerlook import UsageError, Design; import sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", star], check=False).returncode == 0


FUNCTIONS = [name for name in closerlook.__all__ if inspect.isfunction(getattr(closerlook, name))]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_a_test_file_of_its_own_name(name: str) -> None:
    package = closerlook._HOMES[name].rpartition(".")[2]
    (tests,) = (Path(__file__).parent / package).rglob(f"test_{name}.py")
    assert re.search(rf"^    .*\b{name}\(", tests.read_text(encoding="utf-8"), re.MULTILINE), f"{tests} never calls it"


def dataset(name: str = "made") -> closerlook.Dataset:
    rows = {"file_name": ["a", "b", "c"], "identity": [0, 1, -1], "camera": [1, 2, None], "weather": ["x", "y", "x"]}
    return closerlook.Dataset.from_table(Path("there"), pl.DataFrame(rows), name)


def test_a_data_set_shows_itself_in_a_line_and_as_a_table() -> None:
    assert repr(dataset()) == "Dataset('made': 3 images, 2 identities, 2 cameras; weather (2))"
    shown = dataset(HOSTILE)._repr_html_()
    assert ESCAPED in shown and HOSTILE not in shown and "<th>weather</th><td>x, y</td>" in shown


def test_a_plan_shows_itself_in_a_line_and_as_a_table() -> None:
    plan = closerlook.Plan(values={"weather": ("sunny", HOSTILE)}, images=1200, share=0.25, identities=(1, 2))
    assert repr(plan) == str(plan) == f"Plan(1,200 images (25.0%) of 2 people; weather sunny, {HOSTILE})"
    assert ESCAPED in plan._repr_html_() and HOSTILE not in plan._repr_html_()
    weighted = plan.model_copy(update={"weights": (CellWeight(levels={"weather": "sunny"}, weight=1.0),)})
    assert "1 weighted combinations" in repr(weighted)


def test_a_result_shows_itself_and_its_scores_are_shares() -> None:
    vectors, people = np.eye(4, dtype=np.float32), [0, 1, 0, 1]
    result = closerlook.evaluate((vectors[:2], people[:2], [1, 1]), (vectors[[0, 1, 0, 2]], people, [2, 2, 2, 2]))
    assert repr(result) == "Result('features': mAP 87.5 %, rank-1 100.0 %; 2 queries, 4 gallery images)"
    named = replace(result, name=HOSTILE)
    assert ESCAPED in named._repr_html_() and HOSTILE not in named._repr_html_()
    saved = result.to_dict()
    scores = [result.mAP, result.mINP, *result.cmc, *result.interval(), saved["mAP"], *saved["mAP_interval_95"]]
    scores += [*saved["cmc"], *result.per_query["ap"], *result.by("camera")["mAP"], *result.by_camera_pair()["mAP"]]
    assert all(0 <= score <= 1 for score in scores)
    assert result.mAP == pytest.approx(0.875)


def test_the_papers_scores_are_shares_too() -> None:
    papers = [score for rows in TABLES.values() for row in rows for score in row.paper or ()]
    assert len(papers) == 42
    assert all(0 < score < 1 for score in papers)
    assert TABLES["market"][2].paper == (0.174, 0.418, 0.606)
