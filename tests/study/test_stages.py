import pytest

from closerlook.study.stages import Stages, read_stages


def test_seconds_add_up_over_resumed_runs(tmp_path, monkeypatch):
    clock = iter([0.0, 4.0, 10.0, 11.0])
    monkeypatch.setattr("closerlook.study.stages.time.perf_counter", lambda: next(clock))
    for _ in range(2):
        with Stages(tmp_path, {"render": 2.0, "train": 6.0}).run("render"):
            pass
    assert read_stages(tmp_path) == {"render": 5.0}


def test_time_left_scales_with_how_fast_this_machine_has_been(tmp_path, monkeypatch):
    clock = iter([0.0, 4.0])
    monkeypatch.setattr("closerlook.study.stages.time.perf_counter", lambda: next(clock))
    stages = Stages(tmp_path, {"render": 2.0, "train": 6.0})
    assert stages.left("render") == 8.0
    with stages.run("render"):
        pass
    assert stages.left("train") == 12.0


def test_a_stage_that_fails_is_not_recorded(tmp_path):
    with pytest.raises(ValueError, match="broken"), Stages(tmp_path, {"render": 2.0}).run("render"):
        raise ValueError("broken")
    assert read_stages(tmp_path) == {}
