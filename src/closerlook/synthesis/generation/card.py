"""The data set card that goes with every rendered folder: what is in it, and what not to take it for."""

from __future__ import annotations

import yaml

from closerlook.attributes import Design
from closerlook.dataset.shards import SUFFIX
from closerlook.escaping import in_markdown
from closerlook.synthesis.generation.settings import Settings

__all__ = ["CARD_NAME", "PERSON_WARNING", "data_card"]

CARD_NAME = "README.md"
PERSON_WARNING = (
    "with --scene-per person all images of a person share one place, which gives the person away without a look at "
    "them, from other viewpoints too: use --scene-per view or image to train or to test re-identification."
)

_CARD = """\
---
{head}---

# {name}

{images:,} images of {identities:,} rendered people, {height} x {width} pixels, by `closerlook generate`.

* **Varied**: {factors}.
* **Shared**: {shared}.
* **Cameras**: {cameras}.
* **Files**: `metadata.parquet` has one row per image (identity, camera, attributes, box, key points, the share of the
  person that is hidden); `render.yaml` has all that the images follow from.
* **People**: nobody. They are drawn from distributions of bodies and clothes that are nobody's census.

## Not intended

Conclusions about real people or about how often anything occurs. A model trained on these images still tracks real
people: mind the law and their consent.
"""

_SHARED = {
    "person": "all images of a person have one pose, camera and place; only viewpoint, weather and light differ. *The "
    "place gives the person away*: the images' sides alone find a person again in other viewpoints (mAP 0.116, rank-1 "
    "0.310 of 100 people, where chance is 0.011 and 0.010). Do not train or test re-identification on them",
    "view": "the images of a person from one viewpoint have one pose, camera and place. Viewpoints, which number the "
    "cameras, share none: a protocol that hides a query's own camera, as Market-1501's, leaves nothing of the place to "
    "find a person by, and one that does not leaves it",
    "image": "nothing: every image has its own pose, camera and place",
}
_NETWORK = {
    "view": "a camera has one place, position, lens and sensor, and each weather and light shows the same walks past "
    "it. The images of a walk share the gait and those who pass. Cameras share nothing",
    "image": "a camera has one place, position, lens and sensor; each weather and light has walks of its own. Cameras "
    "share nothing",
}


def data_card(design: Design, settings: Settings, images: int, *, splits: bool = False, in_shards: bool = False) -> str:
    """The card of a folder with so many ``images`` of a design, Markdown with a YAML head as Hugging Face reads it."""
    head: dict[str, object] = {"pretty_name": design.name, "tags": ["person-re-identification", "synthetic-data"]}
    if in_shards:  # else the table would be taken for one of them
        files = [{"split": "all" if splits else "train", "path": f"images/*{SUFFIX}"}]  # a column says which
        head["configs"] = [{"config_name": "default", "data_files": files}]
    height, width = settings.size
    return _CARD.format(
        head=yaml.safe_dump(head, sort_keys=False, allow_unicode=True),
        name=in_markdown(design.name),
        images=images,
        identities=design.identities,
        height=height,
        width=width,
        factors=", ".join(f"{factor.name} ({len(factor)})" for factor in design.factors) or "nothing",
        shared=(_NETWORK if settings.network else _SHARED)[settings.scene_per],
        cameras=_cameras(settings, splits),
    )


def _cameras(settings: Settings, splits: bool) -> str:
    if settings.network is None:
        return (
            "`camera` numbers the viewpoint, since every view has a camera of its own; "
            "`closerlook generate --cameras 6` renders a network of fixed cameras"
        )
    count, frames = len(settings.network.cameras), settings.network.frames
    apart = (
        "People to train on and people to test on are apart; of each of the latter one image a camera is a query"
        if splits
        else "All people are to train on"
    )
    return (
        f"{count} fixed ones, numbered by `camera`; everybody walks past 2 to {count} of them, {frames} frames each. "
        f"`viewpoint` is the heading that is seen, to the nearest level. {apart}"
    )
