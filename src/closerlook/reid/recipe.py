"""Recipes: everything that decides how a re-ID model is trained, as one validated value.

Recipes are counted in steps, because an "epoch" differs between the field's toolboxes by a factor of 17, and the points
of a schedule are fractions of the steps, so that a shortened recipe keeps its shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from closerlook.documents import parse_yaml, read_yaml
from closerlook.embedding.backbones import check_name
from closerlook.errors import CloserlookError, UsageError, unknown
from closerlook.files import atomic_path

__all__ = ["Recipe", "recipe_names"]

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class Recipe(BaseModel):
    """How to train. Build one with :meth:`resolve`; ``closerlook/reid/recipes`` holds the named ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    # the network
    backbone: Annotated[str, Field(description="a name, or module:function of your own")] = "resnet50"
    size: Annotated[tuple[Count, Count], Field(description="(height, width) of the images in pixels")] = (256, 128)
    last_stride: Literal[1, 2] = 2
    pooling: Annotated[Literal["average", "gem"], Field(description="gem: generalised mean, its exponent learnt")] = (
        "average"
    )
    neck: Annotated[bool, Field(description="BNNeck: batch normalisation between triplet and a bias-free FC")] = False
    feature: Annotated[Literal["pool", "neck"], Field(description="what the model returns")] = "pool"
    normalize: Annotated[bool, Field(description="scale the feature to unit length")] = True
    fixed_norm: Annotated[bool, Field(description="the backbone's batch normalisation stays as ImageNet left it")] = (
        False
    )
    freeze: Annotated[str | None, Field(description="backbone steps up to this one keep their ImageNet weights")] = None
    # the loss
    classification: Literal["cross-entropy", "generalised", "truncated"] = "cross-entropy"
    classification_weight: Weight = 1.0
    label_smoothing: Share = 0.0
    triplet_weight: Weight = 1.0
    triplet_margin: Annotated[float, Field(ge=0)] | Literal["soft"] = 0.3
    triplet_distance: Literal["euclidean", "normalized"] = "euclidean"
    center_weight: Weight = 0.0
    circle_weight: Weight = 0.0
    # the batches
    sampling: Literal["pk", "random"] = "pk"
    identities_per_batch: Count = 16
    images_per_identity: Count = 4
    spread: Annotated[str | None, Field(description="draw an identity's images from different values of a column")] = (
        None
    )
    # the optimiser
    steps: Count = 22_000
    optimiser: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: Annotated[float, Field(gt=0)] = 3.5e-4
    head_rate: Annotated[float, Field(gt=0, description="the head's learning rate over the backbone's")] = 1.0
    weight_decay: Weight = 5e-4
    warmup: Annotated[Share, Field(description="share of the steps; the rate rises from a hundredth")] = 0.0
    schedule: Literal["steps", "cosine", "exponential"] = "steps"
    milestones: Annotated[tuple[Share, ...], Field(description="where 'steps' divides the rate by ten; where")] = ()
    decay_from: Annotated[Share, Field(description="where 'cosine' and 'exponential' begin to fall")] = 0.0
    ema: Annotated[float, Field(ge=0, lt=1, description="decay of the averaged weights that are kept; 0: none")] = 0.0
    accumulate: Annotated[int, Field(ge=1, description="batches whose gradients make one step")] = 1
    precision: Literal["32", "bf16", "fp16"] = "32"
    # the choice of a checkpoint, where there are people to validate on
    validate_every: Annotated[float, Field(gt=0, le=1, description="share of the steps between two validations")] = 0.05
    patience: Annotated[int, Field(ge=0, description="stop after so many without a better one; 0: never")] = 0
    # the augmentation
    flip: Share = 0.5
    pad: Annotated[int, Field(ge=0, description="pixels around the image before a random crop of its size")] = 10
    erase: Share = 0.0
    colour: Annotated[float, Field(ge=0, lt=1, description="strength of brightness, contrast, saturation")] = 0.0
    blur: Share = 0.0
    resample: Annotated[Share, Field(description="how often to shrink and enlarge again")] = 0.0
    jpeg: Annotated[Share, Field(description="how often to compress again")] = 0.0

    @model_validator(mode="after")
    def _consistent(self) -> Recipe:
        check_name(self.backbone)
        if self.feature == "neck" and not self.neck:
            raise UsageError(f"Recipe '{self.name}': feature 'neck' needs 'neck: true'.")
        metric = self.triplet_weight or self.circle_weight
        if metric and (self.sampling != "pk" or self.images_per_identity < 2 or self.identities_per_batch < 2):
            raise UsageError(
                f"Recipe '{self.name}': triplet and circle losses need 'sampling: pk' with at least two identities "
                "a batch and two images an identity; or set their weights to 0."
            )
        if not (metric or self.classification_weight):
            raise UsageError(f"Recipe '{self.name}' has no loss: give one of its weights a value above 0.")
        return self

    @property
    def batch_size(self) -> int:
        return self.identities_per_batch * self.images_per_identity

    @classmethod
    def resolve(cls, recipe: str | Path | Recipe, overrides: Mapping[str, Any] | None = None) -> Recipe:
        """A named recipe, a YAML file or a recipe as it stands, with some fields changed.

        A file may start from another recipe with ``base: baseline`` and name only what differs.

        Raises:
            UsageError: no such recipe, no such field (it names the nearest) or a value that a field cannot take.
            CloserlookError: the file cannot be read.
        """
        if isinstance(recipe, Recipe):
            return cls._build({**recipe.model_dump(), **(overrides or {})}, recipe.name)
        return cls._build({**_read(str(recipe)), **(overrides or {})}, str(recipe))

    @classmethod
    def _build(cls, values: dict[str, Any], source: str) -> Recipe:
        for field in values:
            if field not in cls.model_fields:
                raise unknown("field of a recipe", field, cls.model_fields)
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            raise UsageError(
                f"Recipe '{source}': {first['loc'][0]} cannot be {first['input']!r}: {first['msg']}."
            ) from None

    def save(self, path: str | Path) -> None:
        """Write every field as YAML, as :meth:`resolve` reads it."""
        with atomic_path(path) as draft:
            draft.write_text(yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False), encoding="utf-8")


def recipe_names() -> list[str]:
    """The recipes that closerlook brings."""
    folder = resources.files("closerlook.reid") / "recipes"
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def _read(source: str) -> dict[str, Any]:
    if source in recipe_names():
        text = (resources.files("closerlook.reid") / "recipes" / f"{source}.yaml").read_text(encoding="utf-8")
        return _fields(parse_yaml(text, source), source, source)
    path = Path(source)
    if path.suffix not in (".yaml", ".yml"):
        raise unknown("recipe", source, [*recipe_names(), "path/to/recipe.yaml"])
    return _fields(read_yaml(path), source, path.stem)


def _fields(values: Any, source: str, name: str) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise CloserlookError(f"{source} must hold the fields of a recipe; it holds {type(values).__name__}.")
    base = values.pop("base", None)
    return {**(_read(str(base)) if base is not None else {}), "name": name, **values}
