"""What others call the parts of a data set, and which of ours each is."""

from __future__ import annotations

import polars as pl

from closerlook.errors import CloserlookError

__all__ = ["SPLIT_NAMES", "as_splits"]

# Re-identification tests on a query and a gallery, where Hugging Face has one part. Images to validate on are further
# ones to train on, as MSMT17's are.
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training", "bounding_box_train", "validation", "valid", "val", "dev"), "train"),
    **dict.fromkeys(("query", "probe"), "query"),
    **dict.fromkeys(("gallery", "bounding_box_test", "test", "testing", "eval", "evaluation"), "gallery"),
}


def as_splits(names: pl.Series, where: str) -> pl.Series:
    """The column with our name for each part; ``where`` says in the message who names it.

    Raises:
        CloserlookError: a part has no name, or one that is unknown.
    """
    split = names.replace_strict(SPLIT_NAMES, default=None, return_dtype=pl.String)
    if split.null_count():
        strange = names.filter(split.is_null())[0]
        raise CloserlookError(f"{where}: '{strange or ''}' is no split; known: {', '.join(SPLIT_NAMES)}.")
    return split
