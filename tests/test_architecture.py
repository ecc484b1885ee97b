"""The layers that docs/architecture.md shows are those of the imports."""

import ast
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "closerlook"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("draw_architecture", ROOT / "tools" / "draw_architecture.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def imported_rooms(file):
    """Rooms that a file imports, anywhere in it: the folders below ``closerlook``."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for parts in (name.split(".") for name in names):
            if parts[0] == "closerlook" and len(parts) > 1 and (SOURCE / parts[1]).is_dir():
                yield parts[1]


def test_every_room_imports_only_from_layers_below(tool):
    layer = {room: height for height, (_, rooms) in enumerate(tool.LAYERS) for room in rooms}
    assert set(layer) == {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    upwards = [
        f"{file.relative_to(SOURCE)} imports {room}"
        for own in layer
        for file in (SOURCE / own).rglob("*.py")
        for room in imported_rooms(file)
        if room != own and layer[room] >= layer[own]
    ]
    assert not upwards


def test_modules_without_a_room_import_the_foundations_only(tool):
    foundations = set(tool.LAYERS[0][1])
    for file in set(SOURCE.glob("*.py")) - {SOURCE / "__init__.py", SOURCE / "__main__.py"}:
        assert set(imported_rooms(file)) <= foundations, file


def test_the_picture_is_drawn_from_the_layers(tool):
    assert tool.PICTURE.read_text(encoding="utf-8") == tool.picture(), "run: python tools/draw_architecture.py"
    assert f"]({tool.PICTURE.relative_to(ROOT / 'docs')})" in (ROOT / "docs" / "architecture.md").read_text("utf-8")
