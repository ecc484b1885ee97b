"""What training minimizes: classification of the identities and distances between them, as the recipe weighs them.

Metric losses come from pytorch-metric-learning. The triplet loss takes Euclidean distances of raw features, as in the
papers, or of unit vectors; its mean is over all anchors, so that it does not jump when few triplets are left.
"""

from __future__ import annotations

import math

import torch
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import CircleLoss, TripletMarginLoss
from pytorch_metric_learning.miners import BatchHardMiner
from pytorch_metric_learning.reducers import MeanReducer
from torch import Tensor, nn
from torch.nn import functional as F

from closerlook.reid.recipe import Recipe

__all__ = ["BatchHardTriplet", "CenterLoss", "ReidLoss", "classification_loss", "generalised_cross_entropy"]


class BatchHardTriplet(nn.Module):
    """max(0, d(a, hardest p) - d(a, hardest n) + margin), Hermans et al. 2017; ``"soft"``: log(1 + exp(d_p - d_n))."""

    def __init__(self, margin: float | str, *, normalize: bool = False) -> None:
        super().__init__()
        distance = LpDistance(normalize_embeddings=normalize)
        soft = margin == "soft"
        self.miner = BatchHardMiner(distance=distance)
        self.loss = TripletMarginLoss(
            margin=0.0 if soft else margin, smooth_loss=soft, distance=distance, reducer=MeanReducer()
        )

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """(b, d) features and (b,) labels -> scalar."""
        loss: Tensor = self.loss(features, labels, self.miner(features, labels))
        return loss


class CenterLoss(nn.Module):
    """Mean squared distance of a feature to its class's center, which follows the features (Wen et al., ECCV 2016).

    While training, a call moves the centers by Eq. 4 of the paper, c_y -= rate * sum(c_y - x) / (1 + n_y) over the n_y
    features of the class; they are no parameters, so that no optimizer's weight decay draws them to zero. The scale is
    that of the reference implementation of re-identification's "bag of tricks", for which 5e-4 is the usual weight.
    """

    centers: Tensor

    def __init__(self, classes: int, dim: int, *, rate: float = 0.5) -> None:
        super().__init__()
        self.rate = rate
        self.register_buffer("centers", torch.zeros(classes, dim))

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """(b, d) features and (b,) labels -> scalar."""
        loss = (features - self.centers[labels]).square().sum(1).mean()
        if self.training:
            self._move(features.detach(), labels)
        return loss

    def _move(self, features: Tensor, labels: Tensor) -> None:
        counts = torch.bincount(labels, minlength=len(self.centers))
        pull = torch.zeros_like(self.centers).index_add_(0, labels, self.centers[labels] - features)
        self.centers = self.centers - self.rate * pull / (1 + counts[:, None])


def generalised_cross_entropy(logits: Tensor, labels: Tensor, *, q: float = 0.7, truncate: float = 0.0) -> Tensor:
    """L_q = (1 - p_y^q) / q, Zhang and Sabuncu 2018, mean over the batch.

    With ``truncate`` = k > 0, an image with p_y <= k gives the constant L_q(k), hence no gradient (there k = 0.5).
    """
    log_probability = logits.float().log_softmax(1).gather(1, labels[:, None]).squeeze(1)
    if truncate:
        log_probability = log_probability.clamp_min(math.log(truncate))
    return ((1 - (q * log_probability).exp()) / q).mean()


def classification_loss(logits: Tensor, labels: Tensor, recipe: Recipe, done: float) -> Tensor:
    """The recipe's classification loss of (b, C) logits, when this share of the steps is done.

    ``truncated-gce`` begins as plain generalized cross-entropy, as in the paper: a network that has learnt nothing
    gives every image a p_y below the truncation, and so would never learn anything.
    """
    match recipe.classification:
        case "cross-entropy":
            return F.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
        case "gce":
            return generalised_cross_entropy(logits, labels)
        case "truncated-gce":
            return generalised_cross_entropy(logits, labels, truncate=0.5 if done >= recipe.truncate_from else 0.0)


class ReidLoss(nn.Module):
    """The weighted sum of a recipe's losses; its parts come out for the log."""

    def __init__(self, recipe: Recipe, classes: int, dim: int) -> None:
        super().__init__()
        self.recipe = recipe
        self.triplet = BatchHardTriplet(recipe.triplet_margin, normalize=recipe.triplet_distance == "normalized")
        self.circle = CircleLoss(m=0.25, gamma=128)  # Sun et al., CVPR 2020: theirs for people (256 is for faces)
        self.center = CenterLoss(classes, dim) if recipe.center_weight else None

    def forward(
        self, features: Tensor, logits: Tensor, labels: Tensor, done: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """(b, d) pooled features, (b, C) logits, (b,) labels -> the sum, and each unweighted part by name.

        ``done`` is the share of the run's steps before this one.
        """
        recipe, features = self.recipe, features.float()
        parts: dict[str, Tensor] = {}
        if recipe.classification_weight:
            parts["classification"] = classification_loss(logits.float(), labels, recipe, done)
        if recipe.triplet_weight:
            parts["triplet"] = self.triplet(features, labels)
        if recipe.circle_weight:
            parts["circle"] = self.circle(features, labels)
        if self.center is not None:
            parts["center"] = self.center(features, labels)
        total = sum(getattr(recipe, f"{name}_weight") * value for name, value in parts.items())
        assert isinstance(total, Tensor)
        return total, parts
