"""The command line as a user meets it: exit codes, messages, nothing half-written."""

import errno
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import closerlook.cli as cli
from closerlook import __version__ as closerlook_version
from closerlook.dataset.formats import FORMATS
from closerlook.errors import CloserlookError, UsageError


def closerlook(*arguments, cwd=None):
    program = "from closerlook.cli import main; main()"
    environment = {**os.environ, "COLUMNS": "200"}
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=False)


def run_main(monkeypatch, error):
    def app():
        raise error

    monkeypatch.setattr(cli, "app", app)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (CloserlookError("no folder [data]"), 1, "no folder [data]"),
        (UsageError("unknown level"), 2, "unknown level"),
        (KeyboardInterrupt(), 1, "run the same command again"),
        (OSError(errno.ENOSPC, "No space left", "/some/where"), 1, "disk is full"),
    ],
)
def test_errors_become_one_message_and_an_exit_code(monkeypatch, capsys, error, code, says):
    assert run_main(monkeypatch, error) == code
    shown = capsys.readouterr().err
    assert says in shown
    assert "Traceback" not in shown


def test_a_bug_keeps_its_traceback(monkeypatch):
    with pytest.raises(ZeroDivisionError):
        run_main(monkeypatch, ZeroDivisionError())


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["generate", "gpr-pluss", "--out", "x"], 2, "Did you mean 'gpr-plus'"),
        (["generate", "gpr-plus", "--out", "x", "--level", "weather=suny"], 2, "Did you mean 'sunny'"),
        (["generate", "gpr-plus", "--out", "x", "--size", "12"], 2, "--size"),
        (["analyze", "nowhere", "nowhere", "--out", "x"], 1, "nowhere"),
        (["analyze", "empty", "empty", "--out", "x"], 1, "no images"),
        (["analyze", "marketx:empty", "empty", "--out", "x"], 2, "market1501"),
        (["select", "nowhere"], 1, "nowhere"),
        (["train", "nowhere", "--out", "x"], 1, "nowhere"),
        (["evaluate", "nowhere", "--target", "empty"], 1, "empty"),
        (["extract", "lite0", "nowhere"], 1, "nowhere"),
        (["extract", "lite0", "nowhere", "--out", "x.csv"], 2, ".parquet"),
        (["export", "nowhere"], 2, "Unknown model 'nowhere'"),
        (["evaluate", "lite0"], 2, "Give either MODEL and --target"),
        (["evaluate", "lite0", "--target", "empty", "--pictures", "x.txt"], 2, "--pictures x.txt must end in .png"),
        (["evaluate", "lite0", "--target", "empty", "--attention"], 2, "--pictures"),
        (["evaluate", "lite0", "--target", "empty", "--out", "empty"], 2, "empty is a folder; name the file"),
        (["compare", "a.jpg", "b.jpg", "--out", "x"], 2, "--out x must end in .png"),
        (["dataset", "audit", ""], 1, "names no folder"),
        (["dataset", "export", "empty", "--out", "x", "--format", "duke"], 1, "no images"),
        (["evaluate", "--query", "q.safetensors", "--gallery", "g.safetensors"], 1, "q.safetensors"),
        (["study", "nowhere", "nowhere", "--out", "x"], 1, "nowhere"),
        (["report", "nowhere"], 1, "nowhere"),
        (["report", "empty"], 1, "empty"),
        (["dataset", "audit", "nowhere"], 1, "nowhere"),
        (["frobnicate"], 2, "frobnicate"),
    ],
)
def test_bad_input_ends_in_one_clear_message(tmp_path, arguments, code, says):
    (tmp_path / "empty").mkdir()
    done = closerlook(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert says in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty"]


def test_help_starts_at_once_and_names_every_verb():
    done = closerlook("--help")
    assert done.returncode == 0
    for verb in ("generate", "analyze", "select", "train", "evaluate", "study", "report", "demo", "dataset", "compare"):
        assert verb in done.stdout


def test_the_command_line_does_not_load_torch_before_it_is_needed():
    program = "import closerlook.cli, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_version_and_the_module():
    program = [sys.executable, "-m", "closerlook", "--version"]
    assert subprocess.run(program, capture_output=True, text=True, check=True).stdout.strip() == closerlook_version


def test_help_breaks_lines_only_where_the_terminal_ends():
    result = CliRunner().invoke(cli.app, ["generate", "--help"], terminal_width=400, env={"COLUMNS": "400"})
    assert "and any scene parameter, such as weather.extinction" in result.output


def test_help_names_every_format_of_data():
    result = CliRunner().invoke(cli.app, ["dataset", "import", "--help"], env={"COLUMNS": "400"})
    for name in FORMATS:
        assert name in result.output
