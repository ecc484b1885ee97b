import closerlook.compute.progress as module
from closerlook.compute.progress import progress


def test_without_a_terminal_there_is_a_line_now_and_then_and_at_the_end(monkeypatch, capsys):
    clock = iter([0.0, 10.0, 40.0, 50.0, 60.0])
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(module.console, "_force_terminal", False)
    with progress("Rendering", 100, done=20) as advance:
        advance(10)
        advance(30, "bright")
        advance(40)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["Rendering: 40 of 80 images, 1/s, about 40 s left  bright", "Rendering: 80 images in 60.0 s"]
