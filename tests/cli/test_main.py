"""The command line as a user meets it: exit codes, messages, nothing half-written."""

import errno
import os
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import closerlook.cli as cli
from closerlook import __version__ as closerlook_version
from closerlook.dataset.formats import FORMATS
from closerlook.errors import CloserlookError, UsageError

pytestmark = pytest.mark.slow


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
        (["evaluate", "nowhere", "--target", "empty"], 2, "Unknown model 'nowhere'"),
        (["extract", "lite0", "nowhere"], 1, "nowhere"),
        (["extract", "lite0", "nowhere", "--out", "x.csv"], 2, ".parquet"),
        (["export", "nowhere"], 2, "Unknown model 'nowhere'"),
        (["evaluate", "lite0"], 2, "Give either MODEL and --target"),
        (["evaluate", "lite0", "--target", "empty", "--protocol", "market"], 2, "'market' is not one of"),
        (["evaluate", "lite0", "--target", "empty", "--pictures", "x.txt"], 2, "--pictures x.txt must end in .png"),
        (["evaluate", "lite0", "--target", "empty", "--attention"], 2, "--pictures"),
        (["evaluate", "lite0", "--target", "empty", "--out", "empty"], 2, "empty is a folder; name the file"),
        (["compare", "a.jpg", "b.jpg"], 1, "There is no image a.jpg"),
        (["compare", "a.jpg", "b.jpg", "--out", "x"], 2, "--out x must end in .png"),
        (["dataset", "audit", ""], 1, "names no folder"),
        (["dataset", "export", "empty", "--out", "x", "--format", "duke"], 2, "'duke' is not one of"),
        (["evaluate", "--query", "q.safetensors", "--gallery", "g.safetensors"], 1, "q.safetensors"),
        (["study", "nowhere", "nowhere", "--out", "x"], 1, "nowhere"),
        (["validate-gap", "nowhere", "empty", "--out", "x"], 1, "nowhere"),
        (["validate-gap", "empty", "empty", "--out", "x"], 1, "no images"),
        (["report", "nowhere"], 1, "nowhere"),
        (["report", "empty"], 1, "empty"),
        (["dataset", "audit", "nowhere"], 1, "nowhere"),
        (["frobnicate"], 2, "frobnicate"),
        (["selct", "empty"], 2, "Did you mean 'select'"),
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
    verbs = {command.callback.__name__.replace("_", "-") for command in cli.app.registered_commands}
    assert {"select", "select-identities", "render-next"} < verbs
    for verb in verbs | {"dataset"}:
        assert re.search(rf"\b{verb}\b", done.stdout)
    assert "Exit codes" in done.stdout


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_and_the_module(option):
    program = [sys.executable, "-m", "closerlook", option]
    assert subprocess.run(program, capture_output=True, text=True, check=True).stdout.strip() == closerlook_version


def test_help_breaks_lines_only_where_the_terminal_ends():
    result = CliRunner().invoke(cli.app, ["generate", "--help"], terminal_width=400, env={"COLUMNS": "400"})
    assert "and any scene parameter, such as weather.extinction" in result.output


def test_help_names_every_format_of_data():
    result = CliRunner().invoke(cli.app, ["dataset", "import", "--help"], env={"COLUMNS": "400"})
    for name in FORMATS:
        assert name in result.output
