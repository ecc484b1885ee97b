"""Recipes: everything that decides how a re-ID model is trained, as one validated value.

Recipes are counted in steps, because an "epoch" differs between the field's toolboxes by a factor of 17, and the points
of a schedule are fractions of the steps, so that a shortened recipe keeps its shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from reprlib import Repr
from typing import Annotated, Any, Literal

import torch
import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from closerlook.embedding.backbones import check_name
from closerlook.errors import CloserlookError, UsageError, unknown
from closerlook.inputs import find_recipe
from closerlook.sizes import MAX_SIDE, MIN_SIDE
from closerlook.storage.documents import read_yaml
from closerlook.storage.files import atomic_path

__all__ = ["Recipe", "default_recipe"]

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=1e6)]
Rate = Annotated[float, Field(gt=0, le=1e6)]
Side = Annotated[int, Field(ge=MIN_SIDE, le=MAX_SIDE)]
Count = Annotated[int, Field(ge=1, le=10**9)]
LARGEST_BATCH = 2**16


class Recipe(BaseModel):
    """How to train. Build one with :meth:`resolve`; ``closerlook/reid/recipes`` holds the named ones.

    Example:
        >>> cl.Recipe.resolve("cpu-quick", {"steps": 2000}).steps
        2000
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str
    # the network
    backbone: Annotated[str, Field(description="a name, or module:function of your own")] = "resnet50"
    size: Annotated[tuple[Side, Side], Field(description="(height, width) of the images in pixels")] = (256, 128)
    last_stride: Literal[1, 2] = 2
    pooling: Annotated[Literal["average", "gem"], Field(description="gem: generalized mean, its exponent learnt")] = (
        "average"
    )
    bnneck: Annotated[bool, Field(description="BNNeck: batch normalization between triplet and a bias-free FC")] = False
    feature: Annotated[Literal["pool", "bnneck"], Field(description="what the model returns")] = "pool"
    normalize: Annotated[bool, Field(description="scale the feature to unit length")] = True
    freeze_bn: Annotated[bool, Field(description="the backbone's batch normalization stays as ImageNet left it")] = (
        False
    )
    freeze: Annotated[str | None, Field(description="backbone steps up to this one keep their ImageNet weights")] = None
    # the loss
    classification: Literal["cross-entropy", "gce", "truncated-gce"] = "cross-entropy"
    classification_weight: Weight = 1.0
    truncate_from: Annotated[Share, Field(description="where 'truncated-gce' leaves plain 'gce'")] = 0.3333
    label_smoothing: Annotated[Share, Field(description="of 'cross-entropy'")] = 0.0
    triplet_weight: Weight = 1.0
    triplet_margin: Weight | Literal["soft"] = 0.3
    triplet_distance: Literal["euclidean", "normalized"] = "euclidean"
    center_weight: Weight = 0.0
    circle_weight: Weight = 0.0
    # the batches
    sampling: Annotated[
        Literal["pk", "camera", "random"], Field(description="camera: all images of a person in a batch by one camera")
    ] = "pk"
    identities_per_batch: Count = 16
    images_per_identity: Count = 4
    cameras_per_batch: Annotated[Count, Field(description="of 'camera', each with as many of the people")] = 8
    balance_by: Annotated[
        str | None, Field(description="a column whose values an identity's images are to differ in")
    ] = None
    # the optimizer
    steps: Count = 22_000
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: Rate = 3.5e-4
    head_lr_multiplier: Annotated[Rate, Field(description="the head's learning rate over the backbone's")] = 1.0
    weight_decay: Weight = 5e-4
    warmup: Annotated[Share, Field(description="share of the steps; the rate rises from a hundredth")] = 0.0
    schedule: Literal["steps", "cosine", "exponential"] = "steps"
    milestones: Annotated[tuple[Share, ...], Field(description="where 'steps' divides the rate by ten; where")] = ()
    decay_from: Annotated[Share, Field(description="where 'cosine' and 'exponential' begin to fall")] = 0.0
    ema: Annotated[float, Field(ge=0, lt=1, description="decay of the averaged weights that are kept; 0: none")] = 0.0
    accumulate: Annotated[Count, Field(description="batches whose gradients make one step")] = 1
    precision: Literal["32", "bf16", "fp16"] = "32"
    # the choice of a checkpoint, where there are people to validate on
    validate_every: Annotated[float, Field(gt=0, le=1, description="share of the steps between two validations")] = 0.05
    patience: Annotated[int, Field(ge=0, le=10**9, description="stop after so many without a better one; 0: never")] = 0
    # the augmentation
    flip: Share = 0.5
    pad: Annotated[
        int, Field(ge=0, le=MAX_SIDE, description="pixels around the image before a random crop of its size")
    ] = 10
    random_erasing: Share = 0.0
    color_jitter: Annotated[float, Field(ge=0, lt=1, description="strength of brightness, contrast, saturation")] = 0.0
    blur: Share = 0.0
    resample: Annotated[Share, Field(description="how often to shrink and enlarge again")] = 0.0
    jpeg: Annotated[Share, Field(description="how often to compress again")] = 0.0

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: object, info: ValidationInfo) -> object:
        """``steps: yes`` is no number of steps, though True counts as 1 in Python."""
        parts = value if isinstance(value, list | tuple) else [value]
        if (
            any(isinstance(part, bool) for part in parts)
            and cls.model_fields[str(info.field_name)].annotation is not bool
        ):
            raise ValueError("yes and no, true and false are no values of it")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Recipe:
        check_name(self.backbone)
        if self.feature == "bnneck" and not self.bnneck:
            raise UsageError(f"Recipe '{self.name}': feature 'bnneck' needs 'bnneck: true'.")
        metric = self.triplet_weight or self.circle_weight
        if metric and (self.sampling == "random" or self.images_per_identity < 2 or self.identities_per_batch < 2):
            raise UsageError(
                f"Recipe '{self.name}': triplet and circle losses need 'sampling: pk' or 'camera' with at least "
                "two identities a batch and two images per identity; or set their weights to 0."
            )
        if self.sampling == "camera" and self.identities_per_batch % self.cameras_per_batch:
            raise UsageError(
                f"Recipe '{self.name}': with 'sampling: camera' each of {self.cameras_per_batch} cameras gives as many "
                f"people to a batch; 'identities_per_batch: {self.identities_per_batch}' must be a multiple."
            )
        if self.sampling != "pk" and self.balance_by is not None:
            raise UsageError(
                f"Recipe '{self.name}': 'balance_by' spreads the images of a person in a batch over a column, which "
                f"needs 'sampling: pk', not '{self.sampling}'."
            )
        if self.batch_size > LARGEST_BATCH:
            raise UsageError(f"Recipe '{self.name}': a batch of {self.batch_size:,} images is over {LARGEST_BATCH:,}.")
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
                f"Recipe '{source}': {first['loc'][0]} cannot be {_shown(first['input'])}: {first['msg']}."
            ) from None

    def save(self, path: str | Path) -> None:
        """Write every field as YAML, as :meth:`resolve` reads it."""
        with atomic_path(path) as draft:
            draft.write_text(yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False), encoding="utf-8")


def default_recipe() -> str:
    """The recipe where none is asked for: one that this machine can run in reasonable time, without a download.

    Example:
        >>> from closerlook.inputs import recipe_names
        >>> from closerlook.reid import default_recipe
        >>> default_recipe() in recipe_names()
        True
    """
    return "baseline" if torch.cuda.is_available() else "cpu-quick"


def _read(source: str) -> dict[str, Any]:
    """The fields that a recipe's file and the files that it starts from name; the nearest one's word holds."""
    values: dict[str, Any] = {}
    chain: list[str] = []
    following: str | None = source
    while following is not None:
        if following in chain:
            raise CloserlookError(f"The recipe {' starts from '.join([*chain, following])}: without an end.")
        chain.append(following)
        found = _read_one(following)
        base = found.pop("base", None)
        if not (base is None or isinstance(base, str)):
            raise CloserlookError(f"{following}: 'base' must be a recipe's name or file, not {_shown(base)}.")
        values, following = {**found, **values}, base
    return values


def _read_one(source: str) -> dict[str, Any]:
    """What one file says, with its name and ``base``."""
    path = find_recipe(source)
    return _fields(read_yaml(path), source, path.stem)


def _fields(values: Any, source: str, name: str) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise CloserlookError(f"{source} must hold the fields of a recipe; it holds {type(values).__name__}.")
    return {"name": name, **values}


_brief = Repr()
_brief.maxlevel, _brief.maxstring = 2, 80


def _shown(value: object) -> str:
    """A value as a message shows it, however much it holds."""
    return _brief.repr(value)
