"""A report as one HTML page that loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from closerlook.dataset.auditing.kept import kept_findings
from closerlook.reporting import samples
from closerlook.reporting.context import ReportContext
from closerlook.reporting.findings import decision, findings, method, nearest_levels, predicted
from closerlook.reporting.gallery import gallery
from closerlook.reporting.gap_charts import (
    camera_table,
    combination_tables,
    gain_chart,
    level_chart,
    mixture_chart,
    share_chart,
)
from closerlook.reporting.line_chart import loss_chart
from closerlook.reporting.queries import conditions
from closerlook.reporting.run_charts import accuracy_table, gains_chart, results_chart
from closerlook.reporting.template import fill_in
from closerlook.reporting.words import listed

__all__ = ["render_page"]

TARGET_SAMPLES = 12

# Sections in order: name -> heading, and the values of which a page must have one to show it
SECTIONS = {
    "gained": ("What it gained", ("results",)),
    "result": ("What the model reaches", ("scores",)),
    "train": ("What to train on", ("plans",)),
    "planted": ("Was the planted target found?", ("recovered",)),
    "differs": ("How far each level is", ("levels",)),
    "matters": ("What matters", ("shares", "gain")),
    "cameras": ("Which camera, which condition", ("accuracy", "cameras")),
    "ranked": ("Ranked lists", ("ranked",)),
    "gallery": ("Gallery", ("gallery", "extremes")),
    "data": ("What is in the data", ("strips",)),
    "layers": ("What layers keep", ("reconstructions",)),
    "losses": ("How the losses fell", ("losses",)),
    "ran": ("What ran", ("always",)),
}


def render_page(context: ReportContext) -> str:
    """The page's text."""
    values = {**_of_runs(context), **_of_gap(context), **_of_data(context), **_of_training(context)}
    values |= {"recovered": context.recovered, "settings": context.settings, "always": True}
    return fill_in(
        "page.html.jinja",
        context=context,
        decision=decision(context.summaries, context.plans),
        findings=findings(context),
        sections={name: heading for name, (heading, needed) in SECTIONS.items() if any(values[n] for n in needed)},
        **values,
    )


def _of_runs(context: ReportContext) -> dict[str, Any]:
    summaries, queries = context.summaries, context.queries
    if queries is None and context.result is not None:
        table = context.result.per_query
        queries = table.filter(table["reason"].is_null()).with_columns(arm=pl.lit(context.result.name))
    return {
        "results": results_chart(context.runs, summaries) if context.runs else None,
        "gains": gains_chart(summaries),
        "levels_of": {arm: _narrowed(context, levels) for arm, levels in context.levels.items()},
        "accuracy": [accuracy_table(queries, name) for name in conditions(queries)] if queries is not None else [],
        "ranked": context.ranked[1],
        "plans": {name: (plan, predicted(plan)) for name, plan in context.plans.items()},
    }


def _narrowed(context: ReportContext, levels: Mapping[str, Sequence[object]]) -> str:
    """What was trained on, in few words: an attribute of which levels are left out, and these or those kept."""
    factors = context.source.factors if context.source else context.gap.factors if context.gap else ()
    parts = []
    for factor in factors:
        kept = levels.get(factor.name, factor.levels)
        dropped = [level for level in factor.levels if level not in kept]
        if dropped:
            few = len(dropped) < len(kept)
            parts.append(f"{factor.name} {'without ' if few else ''}{listed(dropped if few else kept)}")
    return "; ".join(parts) or "all levels"


def _of_gap(context: ReportContext) -> dict[str, Any]:
    gap = context.gap
    if gap is None:
        names = ("levels", "nearest", "mixture", "shares", "gain", "combinations", "cameras", "table", "method")
        return dict.fromkeys(names) | {"all_levels": {}}
    return {
        "levels": level_chart(gap),
        "nearest": nearest_levels(gap),
        "mixture": mixture_chart(gap),
        "shares": share_chart(gap),
        "gain": gain_chart(gap),
        "combinations": combination_tables(gap),
        "cameras": camera_table(gap),
        "table": gap.levels.to_dicts(),
        "method": method(gap),
        "all_levels": {factor.name: factor.levels for factor in gap.factors},
    }


def _of_data(context: ReportContext) -> dict[str, Any]:
    source, target = context.source, context.target
    return {
        "gallery": gallery(source, context.gap) if source else None,
        "extremes": {name: samples.data_uri(picture) for name, picture in context.extremes.items()},
        "audited": kept_findings(source) if source else None,
        "strips": samples.level_strips(source) if source else [],
        "illumination": samples.grid(source, "weather", "illumination") if source else None,
        "target_sample": samples.sample(target.train, TARGET_SAMPLES) if target else None,
        "reconstructions": context.reconstructions,
    }


def _of_training(context: ReportContext) -> dict[str, Any]:
    result = context.result
    scores = {}
    if result is not None:
        low, high = result.interval()
        scores = {"mAP": f"{100 * result.mAP:.1f} ({100 * low:.1f} to {100 * high:.1f})"}
        scores |= {name: f"{100 * result.score(name):.1f}" for name in ("rank-1", "rank-5", "rank-10", "mINP")}
    return {"scores": scores, "losses": loss_chart(context.log) if context.log is not None else None}
