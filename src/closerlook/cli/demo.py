"""closerlook demo: the whole pipeline on a planted truth, offline, in ten minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from closerlook.cli.options import Seed, loading
from closerlook.cli.output import Found, answer, say_next
from closerlook.errors import UsageError

__all__ = ["demo"]


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.")] = Path("demo"),
    seed: Seed = 0,
) -> Found:
    """Render a data set and a target with hidden weathers, hours and viewpoints; find them; train on what was found.

    Under ten minutes on two cores. A stopped demo resumes when the same command is given again.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file: name a folder.")
    with loading():
        from closerlook.reporting import report
        from closerlook.reporting.findings import decision
        from closerlook.study import read_runs, summarize
        from closerlook.study.planted import PLANS, run_planted

    run_planted(out, seed=seed)
    page = report(out, reconstruct=True)
    said = decision(summarize(read_runs(out)), PLANS)
    answer(f"The report is at {page.resolve()}")
    if said is not None:
        answer(said)
    say_next("generate", "gpr-plus", "--identities", 200, "--out", "data/gpr-plus")
    return {"out": out, "report": page.resolve(), "decision": said}
