"""The command line: one file per verb, each a thin layer over the function of the same name."""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer

from closerlook.cli import (
    adapt,
    analyze,
    annotate,
    compare,
    dataset,
    demo,
    evaluate,
    export,
    extract,
    generate,
    invert,
    people,
    render_next,
    report,
    select,
    select_identities,
    studio,
    study,
    train,
    validate_gap,
)
from closerlook.cli.options import OneSource
from closerlook.cli.verbs import add_verb
from closerlook.compute.progress import console
from closerlook.errors import CloserlookError, UsageError
from closerlook.storage.files import explain_os_errors
from closerlook.version import __version__

__all__ = ["app", "main"]

TYPER_INTERRUPTED = 130  # what Typer makes of Ctrl-C

HELP = """Which synthetic images are worth training a person re-identification model on, and which to render next.

Every verb stands alone, explains itself with --help, resumes when the same command is given again, and ends with the \
command to give next. All take --quiet, --verbose and --json. NO_COLOR=1 leaves out colors and moving bars.

Exit codes: 0 done; 1 stopped, or something is missing, damaged or full; 2 wrong usage; 3 dataset audit found problems.
"""

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (
    generate.generate,
    people.people,
    studio.studio,
    annotate.annotate,
    analyze.analyze,
    invert.invert,
    select.select,
    select_identities.select_identities,
    render_next.render_next,
    adapt.adapt,
    train.train,
    evaluate.evaluate,
    study.study,
    validate_gap.validate_gap,
    report.report,
    compare.compare,
    extract.extract,
    export.export,
    demo.demo,
):
    name, of_one = verb.__name__.replace("_", "-"), verb in (analyze.analyze, study.study)
    add_verb(app, name, verb, bare=verb in (demo.demo, studio.studio), command=OneSource if of_one else None)
app.add_typer(dataset.app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback(help=HELP)
def _options(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """What can be asked of the program itself."""


def main() -> NoReturn:
    """Run the command line: exit code 0 on success, 1 where something is not as it must be, 2 for wrong usage, 3
    where an audit found problems."""
    if os.environ.get("NO_COLOR"):
        os.environ["TERM"] = "dumb"  # help and wrong usage are printed by Typer, which would leave bold letters
    try:
        with explain_os_errors():
            _refuse_other_encodings(sys.argv[1:])
            app()
    except CloserlookError as error:
        console.print(f"[bold red]error:[/] {_plain(str(error))}", highlight=False)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _stopped()
    except SystemExit as end:
        if end.code == TYPER_INTERRUPTED:
            _stopped()
        raise
    except BrokenPipeError:  # the reader of our output (head, less) has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(0)


def _refuse_other_encodings(arguments: list[str]) -> None:
    """Tables, settings and reports are UTF-8 and name the paths that they are made of."""
    for argument in arguments:
        if any("\ud800" <= letter <= "\udfff" for letter in argument):
            raise UsageError(f"{argument!a} is not UTF-8: rename the file or folder.")


def _stopped() -> NoReturn:
    console.print("\n[bold]stopped.[/] Finished work is kept; run the same command again to resume.")
    sys.exit(1)


def _plain(message: str) -> str:
    return message.replace("[", r"\[")
