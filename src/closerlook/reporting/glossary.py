"""What the words of a page mean, in a sentence or two each: one hover or tap away from every use."""

from __future__ import annotations

__all__ = ["GLOSSARY"]

GLOSSARY = {
    "mAP": (
        "Mean average precision: how high the right person's images stand in the ranking of all gallery images, on "
        "average over queries. 100 is perfect."
    ),
    "rank-1": "How often the very first image of the ranking shows the right person, in percent of the queries.",
    "rank-5": "How often the right person is among the first five images of the ranking, in percent of the queries.",
    "random control": (
        "A model trained in the same way on as many images of as many people, drawn at random. A selection is worth "
        "something only if it beats this."
    ),
    "95 % interval": (
        "Had the experiment been repeated with other seeds or other images, the number would lie in such an interval "
        "19 times out of 20. Where it includes zero, nothing has been shown."
    ),
    "gap": (
        "How far two sets of images are apart: the squared distance of their mean descriptions by a neural network "
        "(squared MMD), corrected for how few images there are. 0 means that they cannot be told apart."
    ),
    "gap of all": (
        "The gap of all source images together. 100 % is what random choice gives; 0 % would be like the target itself."
    ),
    "loss": (
        "The paper's total loss of an image: its mean squared distance in content and style to every target image. "
        "1 is the mean distance of two target images."
    ),
    "diversity": "The spread of a level's images beside that of the target's. 1 is as diverse as the target.",
    "weight in the mixture": (
        "Which share of the target's images would show this level, if the target were a mixture of the source's levels."
    ),
    "share of variance": (
        "How much of the difference between images' losses goes with this attribute, when nothing else is known. "
        "Exact, from an analysis of variance."
    ),
    "with interactions": (
        "The same and whatever the attribute does only together with others: a weather that matters at noon but not at "
        "midnight."
    ),
    "gain": (
        "XGBoost's gain: how much a split of the trees on this attribute lowers the squared error, on average, with "
        "one integer for each level, as in the paper's Figure 4."
    ),
    "by chance": (
        "What the attribute scores when its own column is shuffled: the mean and two standard deviations to each side. "
        "A bar within it means nothing."
    ),
    "predicted gain": "What the selection was expected to gain over as many random images, before any training.",
    "average precision": "How high the right person's images stand in one query's ranking; 1 is perfect.",
    "planted": (
        "The target of this study was rendered: only in some levels, which were hidden from the analysis. So one "
        "can check what it found."
    ),
}
