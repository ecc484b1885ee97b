"""What every verb has: right examples, --quiet, --verbose, --json, and no escape codes where none are wanted."""

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

import closerlook.cli as cli
from closerlook.cli.examples import EXAMPLES
from closerlook.compute import progress as progress_module
from closerlook.errors import CloserlookError, UsageError

PAGE = Path(__file__).parent.parent.parent / "docs" / "command-line.md"
PROGRAM: Any = typer.main.get_command(cli.app)


def verbs():
    """Every verb's command by its name."""
    found: dict[str, Any] = {}
    for name, command in PROGRAM.commands.items():
        members = getattr(command, "commands", None)
        found |= {name: command} if members is None else {f"{name} {one}": member for one, member in members.items()}
    return found


def call(*arguments, code=0, **environment):
    result = CliRunner().invoke(cli.app, list(map(str, arguments)), env={"COLUMNS": "200", **environment})
    assert result.exit_code == code, (result.output, result.exception)
    return result


def test_every_verb_has_examples():
    assert set(EXAMPLES) == set(verbs())


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines])
def test_an_example_parses(line):
    name, *words = shlex.split(line)
    assert name == "closerlook"
    command = PROGRAM
    while hasattr(command, "commands"):
        name, *words = words
        command = command.commands[name]
    assert command.make_context(name, words).params


@pytest.mark.parametrize("name", EXAMPLES)
def test_help_begins_with_the_examples_and_names_the_options_of_all(name):
    text = call(*name.split(), "--help").stdout
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    assert lines[0].startswith("Usage:")
    assert lines[1 : 1 + len(EXAMPLES[name])] == [f"$ {line}" for line in EXAMPLES[name]]
    for option in ("--quiet", "-q", "--verbose", "-v", "--json"):
        assert re.search(rf"(?<!\S){option}(?!\S)", text)
    assert "\b" not in text


def test_the_page_of_the_command_line_names_every_verb_and_every_exit_code():
    text = PAGE.read_text(encoding="utf-8")
    for name in verbs():
        assert f"`{name}`" in text
    for code in (0, 1, 2, 3):
        assert re.search(rf"^\| {code} \|", text, re.MULTILINE)
        assert re.search(rf"\b{code} ", cli.HELP)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Six different pictures of noise."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for number in range(6):
        Image.fromarray(rng.integers(0, 256, (64, 32, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    return folder


def test_json_is_one_object_on_standard_output_and_the_exit_code_stays(pictures, tmp_path):
    found = json.loads(call("dataset", "audit", f"folder:{pictures}", "--json").stdout)
    assert found["findings"] == [] and found["splits"][0]["images"] == 6
    (tmp_path / "0.png").write_bytes((pictures / "0.png").read_bytes()[:300])
    (finding,) = json.loads(call("dataset", "audit", f"folder:{tmp_path}", "--json", code=3).stdout)["findings"]
    assert "0.png" in finding["files"][0]


def test_quiet_leaves_the_answer_and_verbose_adds_to_it(pictures):
    audit = ("dataset", "audit", f"folder:{pictures}")
    plain, quiet, verbose = call(*audit), call(*audit, "-q"), call(*audit, "-v")
    assert "Next: closerlook analyze" in plain.stdout
    assert quiet.stdout and "Next" not in quiet.stdout and not quiet.stderr
    assert plain.stdout.startswith(quiet.stdout)
    assert verbose.stdout == plain.stdout and re.search(r"Took \d+\.\d s", verbose.stderr)
    with pytest.raises(UsageError, match="--quiet and --verbose"):
        CliRunner().invoke(cli.app, [*audit, "-q", "-v"], catch_exceptions=False)


def test_quiet_shows_no_progress(capsys):
    def work():
        progress_module.announce("Stage 1")
        with progress_module.progress("Working", 2) as advance:
            advance(2)

    with progress_module.silence():
        work()
    assert capsys.readouterr().err == ""
    work()
    shown = capsys.readouterr().err
    assert "Stage 1" in shown and "Working" in shown


def at_a_terminal(*arguments, **environment):
    """What a program writes to a terminal of its own, and its exit code."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "closerlook", *map(str, arguments)]
    with os.fdopen(master, "rb", buffering=0) as screen:
        kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "CI", "GITHUB_ACTIONS")}
        environment = {**kept, "TERM": "xterm-256color", **environment}
        process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
        os.close(slave)
        shown = b""
        while part := _read(screen):
            shown += part
        return shown.decode(), process.wait()


def _read(screen):
    try:
        return screen.read(65536)
    except OSError:  # Linux: the other end has been closed
        return b""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("select --help", 0),
        ("select gap --method best", 2),
        ("select nowhere", 1),
        ("dataset audit folder:PICTURES", 0),
    ],
)
def test_no_color_means_no_escape_codes(pictures, arguments, code):
    words = arguments.replace("PICTURES", str(pictures)).split()
    colored, plain = at_a_terminal(*words), at_a_terminal(*words, NO_COLOR="1")
    assert colored[1] == plain[1] == code
    assert "\x1b" in colored[0]
    assert "\x1b" not in plain[0] and len(plain[0]) > 20


@pytest.mark.parametrize("path", ["/proc/x", "/proc/x/y"])
def test_a_place_that_takes_no_files_is_told(path):
    with pytest.raises(CloserlookError, match="Cannot write there: /proc takes no new files"):
        CliRunner().invoke(
            cli.app, ["generate", "gpr-plus", "--identities", "1", "--out", path], catch_exceptions=False
        )


def test_a_folder_in_the_place_of_a_file_is_told_with_the_option(tmp_path):
    with pytest.raises(UsageError, match=f"--out {tmp_path} is a folder"):
        CliRunner().invoke(cli.app, ["select", "gap", "--out", str(tmp_path)], catch_exceptions=False)
