import time

import pytest
from rich.console import Console

import closerlook.compute.progress as module
from closerlook.compute.progress import progress, step


def test_without_a_terminal_there_is_a_line_now_and_then_and_at_the_end(monkeypatch, capsys):
    clock = iter([0.0, 10.0, 40.0, 50.0, 60.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(module.console, "_force_terminal", False)
    with progress("Rendering", 100, done=20) as advance:
        advance(10)
        advance(30, "bright")
        advance(40)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["Rendering: 40 of 80 images, 1/s, about 40 s left  bright", "Rendering: 80 images in 60.0 s"]


def test_what_is_slow_is_told_in_seconds_and_the_last_one_by_the_end_alone(monkeypatch, capsys):
    clock = iter([0.0, 50.0, 104.0, 156.0, 156.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(module.console, "_force_terminal", False)
    with progress("Inverting", 3, "layers") as advance:
        for _ in range(3):
            advance(1)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "Inverting: 1 of 3 layers, 50 s each, about 100 s left",
        "Inverting: 2 of 3 layers, 52 s each, about 52 s left",
        "Inverting: 3 layers in 156.0 s",
    ]


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    monkeypatch.setattr(module.console, "_force_terminal", False)


def test_without_a_terminal_what_takes_long_says_so(impatient, capsys):
    with progress("Rendering", 3) as advance:
        advance(1)
        time.sleep(0.2)
        advance(2)
    with step("Counting"):
        time.sleep(0.2)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Rendering: 1 of 3 images ..."
    assert lines[1].startswith("Rendering: 3 images in")
    assert lines[2:] == ["Counting ..."]


def test_what_is_quick_or_inside_of_something_says_nothing(impatient, capsys):
    with step("Counting"), progress("Rendering", 1) as advance:
        advance(1)
    assert capsys.readouterr().err == ""


def test_a_step_ends_with_its_error(impatient, capsys):
    with pytest.raises(ZeroDivisionError), step("Counting"):
        1 / 0  # noqa: B018
    with progress("Rendering", 1) as advance:
        advance(1)
    assert "Rendering: 1 images in" in capsys.readouterr().err


def test_on_a_terminal_a_step_is_a_spinner_and_a_name_is_no_markup(monkeypatch):
    console = Console(force_terminal=True, width=80, record=True)
    monkeypatch.setattr(module, "console", console)
    with step("Opening [red]data"):
        time.sleep(0.2)
    assert "Opening [red]data" in console.export_text()
