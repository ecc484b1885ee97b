"""What the tutorial, the how-to pages and the notebook show is run as it stands, page by page, on a tiny rendered set.

In a page's fenced blocks ``sh`` is commands, ``python`` is run with the names of the blocks before, and a block with
``title="NAME"`` is a file that the reader writes. Everything else of a page is ``text`` and only shown. A page that
needs a small scale says so where nobody sees it: ``<!-- in tests, "--identities 60" is "--identities 4" -->``.
"""

import json
import os
import re
import shlex
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image
from typer.testing import CliRunner

import closerlook.cli as cli
from closerlook.dataset.export import export
from closerlook.synthesis import generate

pytestmark = pytest.mark.extended

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "docs" / "tutorial.md", *sorted((ROOT / "docs" / "how-to").glob("*.md"))]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
FENCE = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN = [page for page in PAGES if "```sh" in page.read_text(encoding="utf-8")]
SMALL = re.compile(r'^<!-- in tests, "([^"]+)" is "([^"]*)" -->$', re.MULTILINE)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """What a reader has: a folder of pictures, a labeled set in Market-1501's layout, frames of two cameras with
    boxes, and one without anybody."""
    folder = tmp_path_factory.mktemp("real")
    people = generate(
        "gpr-plus",
        out=folder / "rendered",
        identities=8,
        levels={"weather": ["sunny", "clouds"], "illumination": ["noon", "afternoon"]},
        cameras=3,
        splits=True,
        seed=9,
        size=(64, 32),
        workers=1,
    )
    export(people, folder / "Market-1501", layout="market1501")
    (folder / "pictures").mkdir()
    for name in people.table["file_name"][:60]:
        shutil.copy(people.root / name, folder / "pictures")
    shutil.rmtree(folder / "rendered")
    _write_frames(folder, sorted((folder / "pictures").iterdir())[:24])
    return folder


def _write_frames(folder, crops):
    """A frame for every two crops, by the gate and in the yard in turn, with their boxes; and one without anybody."""
    images: list[dict[str, object]] = []
    boxes: list[dict[str, object]] = []
    for number in range(0, len(crops), 2):
        frame = Image.new("RGB", (320, 180), (118, 120, 116))
        name = f"{'gate' if number % 4 else 'yard'}/{number:04d}.png"
        for at, crop in enumerate(crops[number : number + 2]):
            frame.paste(Image.open(crop), (100 * at + 40, 90))
            box = {"bbox": [100 * at + 40, 90, 32, 64], "image_id": number, "category_id": 1}
            boxes.append({"id": len(boxes), "area": 2048, "iscrowd": 0, **box})
        (folder / "frames" / name).parent.mkdir(parents=True, exist_ok=True)
        frame.save(folder / "frames" / name)
        images.append({"id": number, "file_name": name, "width": 320, "height": 180})
    categories = [{"id": 1, "name": "person"}]
    said = {"images": images, "annotations": boxes, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(said), encoding="utf-8")
    (folder / "empty").mkdir()
    Image.new("RGB", (1280, 720), (118, 120, 116)).save(folder / "empty" / "yard.png")


@pytest.fixture
def home(real, tmp_path, monkeypatch):
    shutil.copytree(real, tmp_path, dirs_exist_ok=True, copy_function=os.link)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def small(text):
    """A page as its hidden lines want it in tests."""
    for shown, instead in SMALL.findall(text):
        assert f"{shown}" in SMALL.sub("", text), f'"{shown}" is on the page no more'
        text = SMALL.sub(lambda line: line[0].replace('"', "'"), text).replace(shown, instead)
    return text


def run_command(line):
    words = shlex.split(line, comments=True)
    if words:
        assert words[0] == "closerlook", f"{line}: other programs are shown in a block of text"
        done = CliRunner().invoke(cli.app, words[1:], catch_exceptions=False)
        found = 3 if words[1:3] == ["dataset", "audit"] else 0  # a few people of noise and boxes have something wrong
        assert done.exit_code in (0, found), f"{line}\n{done.output}"


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_a_page_runs_from_top_to_bottom(page, home):
    text = page.read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for language, title, block in FENCE.findall(small(text)):
        if title:
            (home / title).write_text(block, encoding="utf-8")
        elif language == "sh":
            for line in block.replace("\\\n", " ").splitlines():
                run_command(line)
        elif language == "python":
            exec(compile(block, str(page), "exec"), names)
        else:
            assert language == "text", f"{page}: a block of {language} needs a title, the file that it is"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_is_kept_without_outputs(path, home):
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in cells)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(home)}}).execute()
