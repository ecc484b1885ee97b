"""A report as one HTML page: no scripts, no fonts, no images from elsewhere."""

from __future__ import annotations

from markupsafe import Markup

from closerlook.charts import svg
from closerlook.reporting import samples
from closerlook.reporting.charts import gains_chart, loss_chart, results_chart
from closerlook.reporting.context import ReportContext
from closerlook.reporting.findings import decision, findings, method
from closerlook.reporting.template import fill_in

__all__ = ["render_page"]

TARGET_SAMPLES = 14


def render_page(context: ReportContext) -> str:
    """The page's text."""
    source, target = context.source, context.target
    gains = gains_chart(context.summaries)
    return fill_in(
        "page.html.jinja",
        {"percent": _percent, "points": _points, "seconds": _seconds, "number": _number},
        context=context,
        decision=decision(context),
        findings=findings(context),
        method=method(context.gap) if context.gap else "",
        strips=samples.level_strips(source) if source else [],
        illumination=samples.grid(source, "weather", "illumination") if source else None,
        target_sample=samples.sample(target.train, TARGET_SAMPLES) if target else None,
        figures=[Markup(svg(chart)) for chart in context.gap.figures().values()] if context.gap else [],
        extremes={name: samples.data_uri(picture) for name, picture in context.extremes.items()},
        all_levels={factor.name: factor.levels for factor in context.gap.factors} if context.gap else {},
        levels=context.gap.levels.to_dicts() if context.gap else [],
        gains=Markup(svg(gains)) if gains is not None else None,
        results=Markup(svg(results_chart(context.runs))) if context.runs else None,
        losses=Markup(svg(loss_chart(context.log))) if context.log is not None else None,
    )


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f}"


def _points(difference: float) -> str:
    """A difference of two shares, in percentage points with its sign."""
    return f"{100 * difference:+.1f}".replace("-", "−")


def _seconds(value: float) -> str:
    if value < 100:
        return f"{value:.0f} s"
    return f"{value // 60:.0f} min {value % 60:02.0f} s"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace("-", "−")
