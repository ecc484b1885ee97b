"""Names from data (levels, data sets, arms, plans) are shown on pages, in figures and in cards, never run."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import altair as alt
import numpy as np
import polars as pl
import pytest
import yaml

from closerlook.attributes import Factor
from closerlook.charts import save_chart
from closerlook.dataset import Dataset, open_dataset
from closerlook.escaping import ScriptEncoder, code_block, in_markdown
from closerlook.gap import analyze, save_figures
from closerlook.reid import train
from closerlook.reporting import report
from closerlook.selection import select
from closerlook.study import run_study
from robustness.made import TRAINING, VIEWPOINT, make_source, make_target

pytestmark = pytest.mark.slow


SCRIPT = "</script><script>alert(1)</script>"
HOSTILE = (
    SCRIPT,
    '"><img src=x onerror=alert(1)>',
    "<!--<script>",
    "]]></style>&lt;b&gt;",
    "'`${1}`*_[x](javascript:alert(1))_*|\\",
    "a\x00b\x0b\x1b[31m",
    "\u2028\u202e\ufffe",
    "# a\n## b\n---\n```",
)


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the texts of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)

    def handlers(self) -> list[str]:
        return [key for _, attributes in self.tags for key in attributes if key.startswith("on")]


def hostile_chart(name: str) -> alt.Chart:
    """As those of an analysis: levels and titles are any text; axes are named by factors, which are plain words."""
    table = pl.DataFrame({"level": [name], "value": [1.0]})
    return alt.Chart(table, title=name).mark_bar().encode(x="value:Q", y=alt.Y("level:N", title="level"))


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_figures_files_show_the_name_and_run_nothing(tmp_path: Path, name: str) -> None:
    for ending in ("html", "svg", "png"):
        save_chart(hostile_chart(name), tmp_path / f"a.{ending}")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    plain = tmp_path / "plain.html"
    save_chart(hostile_chart("plain"), plain)
    found, expected = (Elements(path.read_text(encoding="utf-8")) for path in (tmp_path / "a.html", plain))
    assert [tag for tag, _ in found.tags] == [tag for tag, _ in expected.tags] and not found.handlers()
    assert json.dumps(name, cls=ScriptEncoder) in page  # as data, whole
    root = ElementTree.fromstring((tmp_path / "a.svg").read_text(encoding="utf-8"))
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {"svg", "g", "path", "rect", "text", "line"}
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


def test_json_in_a_script_is_the_same_value() -> None:
    value = {name: [name] for name in HOSTILE}
    text = json.dumps(value, cls=ScriptEncoder)
    assert json.loads(text) == value and not set("<>&\u2028\u2029") & set(text)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_markdown_shows_a_name_on_one_line_as_it_is(name: str) -> None:
    text = in_markdown(name)
    assert "\n" not in text and not re.search(r"[<>]|(?<!\\)[\[`*_|]", text)
    shown = re.sub(r"\\(.)", r"\1", text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert shown.split() == "".join(c if c.isprintable() else " " for c in name).split()


def test_a_code_block_cannot_be_left() -> None:
    for text in ("plain\n", "```\n# out", "a ````` b"):
        first, *lines, last = code_block(text, "yaml").splitlines()
        assert first == f"{last}yaml" and "\n".join(lines) == text.rstrip("\n") and last not in text


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of a data set whose levels, names, plan and arms are all hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    rng = np.random.default_rng(0)
    plain, target = make_source(folder / "source", rng), make_target(folder / "target", rng)
    level = pl.col("weather").replace({"sunny": SCRIPT, "foggy": HOSTILE[5]})
    factors = (Factor("weather", (SCRIPT, HOSTILE[5])), VIEWPOINT)
    Dataset.from_table(plain.root, plain.table.with_columns(level), SCRIPT, factors).save()
    source = replace(open_dataset(plain.root), name=HOSTILE[1])
    target = replace(target, name=SCRIPT)
    gap = analyze(source, target.train, embedding="lite0-pooled", size=(32, 16), out=folder / "gap")
    save_figures(gap, source, folder / "gap" / "figures")
    plan = select(gap)
    train(source, recipe="cpu-quick", out=folder / "run", overrides={**TRAINING, "name": HOSTILE[7]}, plan=plan)
    arm = "<b onclick=alert(1)>&amp;*"
    run_study(
        source,
        target,
        out=folder / "study",
        plans={arm: plan},
        gap=folder / "gap",
        recipe="cpu-quick",
        overrides=TRAINING,
        seeds=1,
    )
    return folder


def test_the_report_and_the_figures_of_hostile_data_run_nothing(hostile: Path) -> None:
    for part in ("study", "gap", "run"):
        page = Elements(report(hostile / part, out=hostile / f"{part}.html").read_text(encoding="utf-8"))
        assert page.count("script") == 1 and page.count("b") == 0 and not page.handlers()
        assert all(not str(one.get("src", "data:")).startswith("x") for tag, one in page.tags if tag == "img")
    assert "&lt;/script&gt;&lt;script&gt;" in (hostile / "study.html").read_text(encoding="utf-8")
    for path in (hostile / "gap" / "figures").glob("*.html"):
        figure = Elements(path.read_text(encoding="utf-8"))
        assert figure.count("script") == 2 and not figure.handlers(), path  # the library, and the chart
        assert f"{SCRIPT[:10]}script" not in path.read_text(encoding="utf-8")
    for path in (hostile / "gap" / "figures").glob("*.svg"):
        ElementTree.fromstring(path.read_text(encoding="utf-8"))


def test_the_card_of_hostile_data_is_one_card(hostile: Path) -> None:
    card = (hostile / "run" / "README.md").read_text(encoding="utf-8")
    head, _, body = card.removeprefix("---\n").partition("\n---\n")
    assert set(yaml.safe_load(head)) == {"library_name", "tags"}
    prose, _, recipe = body.partition("## Recipe")
    assert "<" not in prose and "\x00" not in card
    assert re.findall("^#+ [A-Z]?", prose, re.MULTILINE) == ["# ", "## I", "## N"]
    fence = re.search("^(`+)yaml$", recipe, re.MULTILINE)
    assert fence is not None and recipe.count(f"\n{fence[1]}\n") == 1 and recipe.endswith(f"\n{fence[1]}\n")
