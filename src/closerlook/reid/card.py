"""The model card that goes with every trained model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from closerlook.escaping import code_block, in_markdown
from closerlook.reid.recipe import Recipe

if TYPE_CHECKING:
    from closerlook.selection import Plan

__all__ = ["model_card"]

_CARD = """\
---
library_name: closerlook
tags: [person-re-identification, synthetic-data]
---

# {recipe}, trained on {data}

A {backbone} that maps a picture of a person, {height} x {width} pixels, to a vector of {dim} numbers; pictures of one
person should lie close together. `closerlook.Model.load` reads it; normalization is inside.

* **Data**: {images:,} images of {identities:,} people from {data}.{levels}
* **Plan**: {plan}.
* **License**: a model inherits the terms of the data that it was trained on and of the weights that it started from;
  check both before passing it on.
* **Training**: {steps:,} steps, {images_drawn:,} images drawn, on {device}, seed {seed}. The recipe is below, the
  course of the losses in `log.csv`, how long it took in `timing.csv`.
* **Choice of the checkpoint**: {choice}.
* **Versions**: {versions}.

## Intended use

Research on synthetic data: comparing data sets, selections and recipes under one protocol. Its scores hold for the
protocol and the cameras that they were measured on.

## Not intended

Identifying, tracking or following real people; decisions about anybody; any use without the consent or the legal basis
that such pictures need. Appearance is not identity: clothes change, and errors are not spread evenly over people.

## Recipe

{fields}
"""

_CHOICE = (
    "step {best_step:,}, where mAP on {identities:,} people of {data}, whom training did not see, was best "
    "({mAP:.3f}); no test image took part"
)


def _plan(plan: Plan) -> str:
    """How the images were chosen, and with what confidence this is better than chance."""
    part = f"{plan.images:,} images, {plan.share:.1%} of the source"
    if plan.control is not None:
        return f"a random control: as many images of as many people as a plan's {part}"
    origin = plan.provenance
    if origin is None:
        return f"written by hand, {part}"
    evidence = origin.evidence
    low, high = evidence.get("gain_low"), evidence.get("gain_high")
    interval = "" if low is None else f" (95 % interval {low:.4f} to {high:.4f})"
    method, rule, target, space = map(in_markdown, (origin.method, origin.rule, origin.target, origin.embedding))
    return (
        f"{part}, chosen by method {method}, rule {rule}, for the unlabeled training images of "
        f"{target} in the space of {space}; nearer to them than a random part of equal size by "
        f"{evidence['gain']:.4f} of squared MMD{interval}"
    )


def model_card(run: Mapping[str, Any], recipe: Recipe, dim: int, plan: Plan | None = None) -> str:
    """The card, as Markdown with the front matter that model hubs read.

    Args:
        run: what ``run.json`` holds.
        plan: what chose the images, where something did.
    """
    height, width = recipe.size
    validation = run["validation"]
    levels = "".join(f" {name}: {', '.join(map(in_markdown, kept))}." for name, kept in run["levels"].items())
    choice = "the last step" if validation is None else _CHOICE.format(**_escaped(validation))
    versions = in_markdown(", ".join(f"{name} {version}" for name, version in run["versions"].items()))
    fields = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    known = {
        **_escaped(run),
        "versions": versions,
        "choice": choice,
        "plan": "none; all images of these data were used" if plan is None else _plan(plan),
        "levels": levels,
        "height": height,
        "width": width,
        "backbone": in_markdown(recipe.backbone),
    }
    return _CARD.format(**known, dim=dim, fields=code_block(fields, "yaml"))


def _escaped(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: in_markdown(value) if isinstance(value, str) else value for name, value in values.items()}
