"""What the page of a study says, and in which order."""

import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
from PIL import Image

from closerlook.dataset.audit import audit
from closerlook.errors import UsageError
from closerlook.reporting import reconstruction
from closerlook.reporting.page import SECTIONS, render_page
from closerlook.reporting.reconstruction import read_reconstructions, reconstruct
from closerlook.selection.plan import PredictedGain
from closerlook.storage.files import write_json


def test_answers_come_before_the_data(page):
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"<h2>(.*?)</h2>", text)
    assert headings == [heading for name, (heading, _) in SECTIONS.items() if name != "result"]
    assert re.findall(r'<a href="#(\w+)">', text) == ["answer", *[name for name in SECTIONS if name != "result"]]
    first = re.search(r'<p class="decision">(.*?)</p>', text)
    assert first is not None and first[1].startswith("Selecting helped: trained on the 24 images of “near”")


def test_a_row_says_its_levels_and_what_was_published(page):
    text = page.read_text(encoding="utf-8")
    assert "near<small>weather without night</small>" in text
    assert "10.0 / 20.0 / 30.0" in text


def test_hits_and_misses_are_told_by_more_than_color(page):
    text = page.read_text(encoding="utf-8")
    marks = re.findall(r'<li class="([\w-]+)">.*?<span>(.*?)</span></li>', text)
    assert marks == [("query", "query"), ("other-person", "✗ 1"), ("match", "✓ 2"), ("other-person", "✗ 3")]


def test_a_predicted_gain_is_shown_where_there_is_one(study):
    gain = PredictedGain(mean=0.012, low=-0.01, high=0.03, basis="30 subsets")
    plan = SimpleNamespace(values={"weather": ("sunny",)}, images=24, share=0.5, provenance=None, predicted_gain=gain)
    text = render_page(replace(study, plans={"near": plan}))
    assert "+1.2 mAP over as many random images (95 % interval −1.0 to +3.0; by 30 subsets)" in text
    assert "Predicted gain" not in render_page(study)


def test_a_target_that_is_not_rendered_is_not_shown(study):
    text = render_page(replace(study, target=None, ranked=("", ())))
    assert "Images of the target" not in text and "Ranked lists" not in text


def test_layers_are_shown_of_source_and_target(source, target, tmp_path, monkeypatch):
    monkeypatch.setattr(reconstruction, "LAYERS", {"lite0": ("stem", "block0")})
    monkeypatch.setattr(reconstruction, "STEPS", 1)
    assert read_reconstructions(tmp_path) == []
    reconstruct(tmp_path, source, target, "lite0-pooled")
    found = read_reconstructions(tmp_path)
    assert [(one.side, [layer for layer, _ in one.layers]) for one in found] == [
        ("source", ["image", "stem", "block0"]),
        ("target", ["image", "stem", "block0"]),
    ]
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "reconstruction").iterdir()}
    reconstruct(tmp_path, source, target, "lite0")
    assert times == {path: path.stat().st_mtime_ns for path in (tmp_path / "reconstruction").iterdir()}
    with pytest.raises(UsageError, match="not for resnet50-pooled"):
        reconstruct(tmp_path, source, target, "resnet50-pooled")
    with pytest.raises(UsageError, match="--source"):
        reconstruct(tmp_path, None, None, "lite0")


@pytest.mark.parametrize("dark", [False, True])
def test_what_an_audit_of_the_source_found_is_shown(study, source, tmp_path, dark):
    data = replace(source, root=tmp_path / "copy")
    shutil.copytree(source.root, data.root)
    if dark:
        Image.new("RGB", (32, 64)).save(data.paths[0])
    context = replace(study, source=data)
    assert "What an audit found" not in render_page(context)
    write_json(data.root / "audit.json", audit(data).to_dict())
    page = render_page(context)
    assert "What an audit found" in page
    assert ("PROBLEM: 1 images are too dark to show anybody: 0_sunny_0.png" in page) == dark
    assert ("Nothing that is likely to spoil a result" in page) != dark
