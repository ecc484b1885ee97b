"""A training run's page, and folders that hold nothing or something damaged."""

import json

import pytest

from closerlook.errors import CloserlookError, UsageError
from closerlook.reporting import report

RUN = {
    "key": {},
    "recipe": "cpu-quick",
    "seed": 0,
    "data": "made",
    "images": 144,
    "identities": 12,
    "cameras": 0,
    "levels": {"weather": ["sunny", "foggy"]},
    "steps": 20,
    "images_drawn": 640,
    "losses": {"loss": 3.5},
    "validation": None,
    "device": "cpu",
    "threads": 1,
    "versions": {"torch": "2"},
}
LOG = "step,learning_rate,loss,triplet\n10,1e-3,4.5,0.5\n20,1e-3,3.5,0.4\n20,1e-3,3.5,0.4\n"


@pytest.fixture
def run(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(RUN))
    (tmp_path / "log.csv").write_text(LOG)
    return tmp_path


def test_a_runs_page_shows_its_losses_and_what_it_trained_on(run):
    text = report(run).read_text()
    assert text.count("<polyline") == 2
    for part in ("How the losses fell", "sunny, foggy", "cpu-quick", "144", "torch"):
        assert part in text


def test_a_run_without_a_log_has_a_page_too(run):
    (run / "log.csv").unlink()
    assert "<svg" not in report(run).read_text()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.json", b"{"),
        ("run.json", b"\xff\xfe"),
        ("log.csv", b""),
        ("study.json", b"{"),
        ("gap.json", b"{"),
    ],
)
def test_a_damaged_file_is_explained_and_an_old_page_kept(run, name, content):
    page = report(run, out=run / "old.html").read_text()
    (run / name).write_bytes(content)
    with pytest.raises(CloserlookError, match=str(run.name)):
        report(run, out=run / "old.html")
    assert (run / "old.html").read_text() == page


def test_an_empty_folder_and_none(tmp_path):
    with pytest.raises(CloserlookError, match="holds neither a study"):
        report(tmp_path)
    with pytest.raises(CloserlookError, match="There is no folder"):
        report(tmp_path / "x")


def test_layers_are_not_shown_of_a_run(run):
    with pytest.raises(UsageError, match="leave out --reconstruct"):
        report(run, reconstruct=True)
