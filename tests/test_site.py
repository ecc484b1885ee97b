"""The site that make docs builds: strictly, with every command and public name, and nothing from the network."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import closerlook
import closerlook.cli as cli

pytestmark = pytest.mark.extended

ROOT = Path(__file__).parent.parent
FETCHED = re.compile(
    r"""<(?:script|img|iframe)\b[^>]*\bsrc=["']?(?:https?:)?//|<link\b[^>]*\bstylesheet[^>]*//|@import"""
    r"""|url\(["']?(?:https?:)?//"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr  # warnings are errors: links, anchors, pages in no menu
    return folder


def test_nothing_is_fetched_from_the_network(site):
    pages = [path for path in site.rglob("*") if path.suffix in (".html", ".css")]
    assert len(pages) > 20
    for page in pages:
        found = FETCHED.search(page.read_text(encoding="utf-8"))
        assert found is None, f"{page.name}: {found and found[0]}"


def test_every_command_and_every_public_name_has_its_entry(site):
    commands = (site / "commands.html").read_text(encoding="utf-8")
    for verb in (*cli.app.registered_commands, *cli.dataset.app.registered_commands):
        name = verb.name or verb.callback.__name__.replace("_", "-")
        assert re.search(rf'<h2 id="(dataset-)?{name}"', commands), name
    page = (site / "api.html").read_text(encoding="utf-8")
    for name in set(closerlook.__all__) - {"__version__"}:
        assert f'id="{getattr(closerlook, name).__module__}.{name}"' in page, name
    assert ":class:" not in page
