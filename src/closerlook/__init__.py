"""closerlook: which synthetic images are worth training a re-ID model on, and which to render next.

The public verbs, one per stage::

    import closerlook as cl

    data = cl.generate(design="gpr-plus", identities=808, out="data/gpr-plus", size=(128, 64))
    target = cl.open_dataset("market1501:/data/Market-1501-v15.09.15")
    gap = cl.analyze(data, target.train)
    plan = cl.select(gap, method="greedy")
    plan = cl.select_identities(gap, data, 400, plan=plan)
    model = cl.train(data.subset(plan), out="runs/best")
    result = cl.evaluate(model, target)
    cl.report("runs/best", out="report.html")

What is worked on comes first in every call. Scores are shares between 0 and 1; only printed and drawn text has percent.

Names are imported when first used, so that ``import closerlook`` and the command line start at once.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING

from closerlook.version import __version__

if _TYPE_CHECKING:
    from closerlook.adaptation import adapt as adapt
    from closerlook.attributes import Design as Design, Factor as Factor
    from closerlook.dataset import Dataset as Dataset, concatenate as concatenate, open_dataset as open_dataset
    from closerlook.embedding import Features as Features, extract as extract
    from closerlook.errors import CloserlookError as CloserlookError, UsageError as UsageError
    from closerlook.evaluation import Protocol as Protocol, Result as Result, compare as compare, evaluate as evaluate
    from closerlook.gap import Gap as Gap, analyze as analyze, analyze_shard as analyze_shard
    from closerlook.reid import Model as Model, Recipe as Recipe, train as train
    from closerlook.reporting import report as report
    from closerlook.selection import (
        Plan as Plan,
        render_next as render_next,
        select as select,
        select_identities as select_identities,
    )
    from closerlook.study import run_study as run_study
    from closerlook.synthesis import generate as generate
    from closerlook.validation import validate_gap as validate_gap

_HOMES = {
    "CloserlookError": "closerlook.errors",
    "Dataset": "closerlook.dataset",
    "Design": "closerlook.attributes",
    "Factor": "closerlook.attributes",
    "Features": "closerlook.embedding",
    "Gap": "closerlook.gap",
    "Model": "closerlook.reid",
    "Plan": "closerlook.selection",
    "Protocol": "closerlook.evaluation",
    "Recipe": "closerlook.reid",
    "Result": "closerlook.evaluation",
    "UsageError": "closerlook.errors",
    "adapt": "closerlook.adaptation",
    "analyze": "closerlook.gap",
    "analyze_shard": "closerlook.gap",
    "compare": "closerlook.evaluation",
    "concatenate": "closerlook.dataset",
    "evaluate": "closerlook.evaluation",
    "extract": "closerlook.embedding",
    "generate": "closerlook.synthesis",
    "open_dataset": "closerlook.dataset",
    "render_next": "closerlook.selection",
    "report": "closerlook.reporting",
    "run_study": "closerlook.study",
    "select": "closerlook.selection",
    "select_identities": "closerlook.selection",
    "train": "closerlook.reid",
    "validate_gap": "closerlook.validation",
}

__all__ = ["__version__", *_HOMES]


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'closerlook' has no attribute '{name}'")
    found = globals()[name] = getattr(_import_module(_HOMES[name]), name)
    return found
