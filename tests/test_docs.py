"""The pages of docs/ and the code say the same."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import closerlook.cli as cli
from closerlook.embedding.content_style import write_gram

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").rglob("*.md"))


def test_the_page_of_scene_parameters_is_what_the_code_says():
    path = ROOT / "tools" / "write_scene_page.py"
    spec = importlib.util.spec_from_file_location("write_scene_page", path)
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.scene_page() == (ROOT / "docs" / "scene.md").read_text(encoding="utf-8"), f"run: python {path}"
    assert all(name in tool.scene_page() for name in tool.known_parameters())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_short_and_names_modules_and_verbs_that_there_are(page):
    text = page.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 200
    for module in re.findall(r"`((?:\w+/)+(?:\w+\.py)?)`", text):
        if module.split("/")[0] in ("gap", "embedding", "selection", "study", "reid", "evaluation", "validation"):
            assert (ROOT / "src" / "closerlook" / module).exists(), module
    verbs = {command.callback.__name__.replace("_", "-") for command in cli.app.registered_commands} | {"dataset"}
    assert set(re.findall(r"closerlook (?!as cl\b)([a-z]+(?:-[a-z]+)*)\b", text)) <= verbs


def test_the_vector_of_the_method_page_has_the_papers_loss_as_its_distance():
    """Eqs. 1 to 3 written out for one layer, against the distance of Phi with the page's factors."""
    rng = np.random.default_rng(0)
    x, y = (torch.from_numpy(rng.random((1, 5, 4, 3))) for _ in range(2))
    filters, places, w, alpha, beta = 5, 12, 0.2, 0.9, 1.0
    fx, fy = (value.reshape(filters, places) for value in (x, y))
    style = w / (4 * filters**2 * places**2) * ((fx @ fx.T - fy @ fy.T) ** 2).sum()
    total = alpha * style + beta * ((fx - fy) ** 2).sum() / 2

    def phi(value):
        gram = torch.empty(1, filters * (filters + 1) // 2, dtype=value.dtype)
        write_gram(value, gram)
        return torch.cat([(alpha * w) ** 0.5 / (2 * filters * places) * gram[0], (beta / 2) ** 0.5 * value.flatten()])

    assert ((phi(x) - phi(y)) ** 2).sum() == pytest.approx(float(total))
