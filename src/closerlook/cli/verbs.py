"""What all verbs have: examples first in their help, and the options --quiet, --verbose and --json."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Annotated, Any, get_type_hints

import typer
from rich.markup import escape
from typer.core import TyperCommand

from closerlook.cli.examples import EXAMPLES
from closerlook.cli.output import Found, Manner, print_json, speaking
from closerlook.compute.progress import console, silence
from closerlook.errors import UsageError

__all__ = ["add_verb"]

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only the answer and errors: no progress, no advice.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more, and how long it took.")]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as one JSON object, with shares of 1.")]


def add_verb(
    app: typer.Typer,
    name: str,
    verb: Callable[..., Found | None],
    *,
    bare: bool = False,
    command: type[TyperCommand] | None = None,
) -> None:
    """Add a function to the command line as a verb.

    Args:
        app: the program, or ``dataset``.
        name: of the verb in ``app``.
        verb: does the work, says what it found, and returns it for ``--json``; None where another process returns it.
        bare: without any argument it runs, instead of showing its help.
        command: what parses its arguments, if not Typer's own.
    """
    group = app.info.name
    text = paragraphs(verb)
    examples = "\n".join(f"$ {line}" for line in EXAMPLES[f"{group} {name}" if isinstance(group, str) else name])
    app.command(
        name,
        cls=command,
        no_args_is_help=not bare,
        help=f"\b{escape(examples)}\n\n{text}",
        short_help=text.split("\n\n")[0],
    )(_speaking(verb))


def paragraphs(verb: Callable[..., object]) -> str:
    """A verb's docstring for its help: lines of a paragraph joined, so that they break where the terminal ends."""
    return "\n\n".join(" ".join(part.split()) for part in (inspect.getdoc(verb) or "").split("\n\n"))


def _speaking(verb: Callable[..., Found | None]) -> Callable[..., None]:
    """The verb with the options that all have."""
    hints = get_type_hints(verb, include_extras=True)
    more = {"quiet": Quiet, "verbose": Verbose, "as_json": Json}

    @functools.wraps(verb)
    def run(*, quiet: bool, verbose: bool, as_json: bool, **arguments: Any) -> None:
        if quiet and verbose:
            raise UsageError("--quiet and --verbose ask for opposites: leave one out.")
        manner, start = Manner(quiet, verbose, as_json), time.perf_counter()
        with speaking(manner), silence() if quiet else nullcontext():
            found = verb(**arguments)
        if as_json and found is not None:
            print_json(found)
        if verbose:
            console.print(f"Took {time.perf_counter() - start:.1f} s.", highlight=False)
        if manner.exit_code:
            raise typer.Exit(manner.exit_code)

    signature = inspect.signature(verb)
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=option)
        for name, option in more.items()
    ]
    own = [one.replace(annotation=hints[one.name]) for one in signature.parameters.values()]
    run.__signature__ = signature.replace(parameters=[*own, *options])  # type: ignore[attr-defined]
    run.__annotations__ = {**hints, **more}
    return run
