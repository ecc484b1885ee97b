"""The contributor's door says what there is: files, targets of make, settings; and its recipe is one."""

import re
import tomllib
from pathlib import Path

import yaml

from closerlook import __version__
from closerlook.reid import Recipe

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_file_and_name_in_it_is_there():
    paths = set(re.findall(r"`((?:src|tests|docs|tools)/[\w/.-]+)`", TEXT))
    assert len(paths) > 10
    assert not [path for path in paths if not (ROOT / path).exists()]
    named = re.findall(r"`(\w+)` (?:of|in) `(src/[\w/]+\.py)`", TEXT)
    assert len(named) > 3
    assert not [(name, path) for name, path in named if name not in (ROOT / path).read_text(encoding="utf-8")]


def test_its_make_targets_are_the_makefiles():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`", TEXT)) <= targets


def test_its_recipe_is_one(tmp_path):
    (block,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "resnet18-quick.yaml").write_text(block, encoding="utf-8")
    assert Recipe.resolve(tmp_path / "resnet18-quick.yaml").backbone == "resnet18"


def test_versions_and_pythons_are_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["version"] == __version__
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    steps = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text("utf-8"))["jobs"]["test"]["steps"]
    (python,) = [step["with"]["python-version"] for step in steps if "with" in step]
    tried = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d+$", line)]
    assert tried == [python]


def test_what_runs_before_a_commit_is_what_make_test_runs():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    for hook in hooks:
        tool = hook["entry"].split()[0].removeprefix(".venv/bin/")
        assert f"$(BIN)/{tool}" in recipe
