"""An experiment on the gap as one HTML page: the answer in a sentence, then scatter, tables and intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator

from markupsafe import Markup

from closerlook.charts import labeled_svg
from closerlook.reporting.template import fill_in
from closerlook.validation import Validation
from closerlook.validation.measures import MEASURES
from closerlook.validation.outcome import SMALL, Outcome
from closerlook.validation.power import ENOUGH

__all__ = ["answer", "render_validation"]

SECTIONS = {
    "reached": "What was reached",
    "cameras": "By camera",
    "measures": "What else could have been measured",
    "ran": "What ran",
}
FIGURES = {
    "scatter": "mAP of every part over its gap, a panel for each target",
    "measures": "Correlation of every measure with mAP, a panel for each target",
}


def render_validation(found: Validation) -> str:
    """The page's text."""
    gap = {row.target: row for row in found.outcome.associations if row.measure == "gap"}
    settings = {
        "source": found.config.source,
        "targets": ", ".join(found.config.targets),
        "recipe": f"{found.config.recipe}, {found.config.steps} steps",
        "seed": str(found.config.seed),
        **found.config.versions,
    }
    return fill_in(
        "validation.html.jinja",
        config=found.config,
        answer=answer(found.outcome),
        findings=list(findings(found)),
        outcome=found.outcome,
        gap=gap,
        figures={
            name: {"label": FIGURES[name], "svg": Markup(labeled_svg(chart, FIGURES[name]))}
            for name, chart in found.figures().items()
        },
        sections=SECTIONS if found.of_cameras else {name: SECTIONS[name] for name in SECTIONS if name != "cameras"},
        measures={name: about for name, (about, _) in MEASURES.items()},
        cameras=found.of_cameras,
        subsets=found.subsets.to_dicts(),
        factors=list(found.config.factors),
        runs=found.runs.select("subset", "seed").n_unique(),
        settings=settings,
    )


def answer(outcome: Outcome) -> str:
    """In one sentence: does the gap predict training value here, and what could have been seen."""
    count = len(outcome.targets)
    where = f"On these {count} targets" if count > 1 else f"On {outcome.targets[0].target}"
    gain, seen = outcome.gain, f"this experiment could have seen a gain of {_points(outcome.gain.detectable)[1:]} mAP"
    size = f"the nearest part is worth {_with_interval(outcome)} mAP over an average one"
    size += ", diversity and brightness being equal"
    if outcome.verdict == "predicts":
        return f"{where} the gap predicts which part trains the better model: {size}; {seen}."
    if outcome.verdict == "misleads":
        return f"{where} the gap misleads, parts farther away train better models: {size}; {seen}."
    if outcome.verdict == "does not":
        return f"{where} the gap does not predict which part trains the better model: {size}; {seen}."
    why = []
    if gain.low > 0 or gain.high < 0:
        why.append(f"parts that share a level are alike, and levels named at random do as well (p = {outcome.p:.2g})")
    if not gain.detectable <= SMALL:
        why.append(f"it could only have seen a gain of {_points(gain.detectable)[1:]} mAP")
    weak = [own.target for own in outcome.targets if not own.power.enough]
    if weak:
        why.append(f"parts differ by less than {ENOUGH:g} times what a run varies by chance on {', '.join(weak)}")
    whether = "the experiment cannot tell whether the gap predicts which part trains the better model"
    return f"{where} {whether}: {' and '.join(why)} ({size})."


def findings(found: Validation) -> Iterator[str]:
    """What else the experiment says, each with its number and its uncertainty."""
    outcome = found.outcome
    if (both := outcome.interaction) is not None:
        shown = both.p < 0.05 and both.correlation < 0
        own = "Each target is served best by parts near to it, not all by the same"
        own = own if shown else f"{own}: that is not shown"
        tried = f"{both.renamings:,} {'possible ' if both.exhaustive else ''}renamings of levels"
        yield f"{own} (interaction {_number(both.correlation)}, p = {both.p:.3g} by {tried})."
    for one in outcome.nearest:
        yield (
            f"{one.target}: the {one.runs} nearest parts reach {_points(one.gain.value)} mAP "
            f"({_points(one.gain.low)} to {_points(one.gain.high)}, over test people and runs) over {one.controls} "
            f"random parts of equal size; a gain of {_points(one.gain.detectable)[1:]} would have been seen."
        )
    if (choice := outcome.choice) is not None:
        yield (
            f"The measure that knew best on parts of odd number is “{choice.measure}” (mean correlation "
            f"{_number(choice.odd)}, sign turned so that 1 is best); on those of even number it has "
            f"{_number(choice.even.value)} ({_number(choice.even.low)} to {_number(choice.even.high)})."
        )
    yield _limits(found)


def _limits(found: Validation) -> str:
    """What the experiment cannot say, whatever it found."""
    config = found.config
    seen = _points(found.outcome.gain.detectable)[1:]
    text = f"It says nothing of other attributes than {' and '.join(config.factors)}, of longer training than "
    text += f"{config.steps} steps, or of gains below {seen} mAP."
    return f"This was a quick look. {text}" if config.quick else text


def _with_interval(outcome: Outcome) -> str:
    gain = outcome.gain
    return f"{_points(gain.value)} ({_points(gain.low)} to {_points(gain.high)})"


def _points(difference: float) -> str:
    """A difference of two shares, in percentage points with its sign."""
    return "–?" if math.isnan(difference) else f"{100 * difference:+.2f}".replace("-", "−")


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}".replace("-", "−")
