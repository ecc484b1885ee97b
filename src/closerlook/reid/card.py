"""The model card that goes with every trained model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from closerlook.reid.recipe import Recipe

__all__ = ["model_card"]

_CARD = """\
---
library_name: closerlook
tags: [person-re-identification, synthetic-data]
---

# {recipe}, trained on {data}

A {backbone} that maps a picture of a person, {height} x {width} pixels, to a vector of {dim} numbers; pictures of one
person should lie close together. `closerlook.Model.load` reads it; normalisation is inside.

* **Data**: {images:,} images of {identities:,} people from {data}.{levels}
* **Licence**: a model inherits the terms of the data that it was trained on and of the weights that it started from;
  check both before passing it on.
* **Training**: {steps:,} steps, {images_drawn:,} images drawn, {seconds:.0f} s on {device}, seed {seed}. The recipe is
  below, the course of the losses in `log.csv`.
* **Choice of the checkpoint**: {choice}.
* **Versions**: {versions}.

## Intended use

Research on synthetic data: comparing data sets, selections and recipes under one protocol. Its scores hold for the
protocol and the cameras that they were measured on.

## Not intended

Identifying, tracking or following real people; decisions about anybody; any use without the consent or the legal basis
that such pictures need. Appearance is not identity: clothes change, and errors are not spread evenly over people.

## Recipe

```yaml
{fields}```
"""

_CHOICE = (
    "step {best_step:,}, where mAP on {identities:,} people of {data}, whom training did not see, was best "
    "({mAP:.3f}); no test image took part"
)


def model_card(run: Mapping[str, Any], recipe: Recipe, dim: int) -> str:
    """The card, as Markdown with the front matter that model hubs read.

    Args:
        run: what ``run.json`` holds.
    """
    height, width = recipe.size
    validation = run["validation"]
    levels = "".join(f" {name}: {', '.join(map(str, kept))}." for name, kept in run["levels"].items())
    choice = "the last step" if validation is None else _CHOICE.format(**validation)
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    fields = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    known = {
        **run,
        "versions": versions,
        "choice": choice,
        "levels": levels,
        "height": height,
        "width": width,
        "backbone": recipe.backbone,
    }
    return _CARD.format(**known, dim=dim, fields=fields)
