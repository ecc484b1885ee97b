"""The network that is trained: a backbone, a pooling, and the head that only training needs."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from closerlook.embedding.backbones import Backbone
from closerlook.randomness import keyed_seed

__all__ = ["Classifier", "FeatureNetwork", "GeM"]


class GeM(nn.Module):
    """Generalized mean over the map, (mean x^p)^(1/p), its p learnt (Radenovic et al., TPAMI 2019)."""

    def __init__(self, p: float = 3.0, eps: float = 1e-6) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.tensor(p))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        pooled: Tensor = x.float().clamp_min(self.eps).pow(self.p).mean((2, 3)).pow(1 / self.p)
        return pooled


class FeatureNetwork(nn.Module):
    """Images to features: what stays after training.

    Args:
        backbone: the convolutional network.
        pooling: ``average`` or ``gem``.
        bnneck: batch normalization without bias after pooling (BNNeck, Luo et al. 2019).
        freeze: the backbone's steps up to this one keep their weights and statistics in training.
        freeze_bn: all of the backbone's batch normalization does.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        pooling: str = "average",
        bnneck: bool = False,
        freeze: str | None = None,
        freeze_bn: bool = False,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = GeM() if pooling == "gem" else None
        self.neck: nn.Module = nn.BatchNorm1d(backbone.dim) if bnneck else nn.Identity()
        if isinstance(self.neck, nn.BatchNorm1d):
            self.neck.bias.requires_grad_(False)
        frozen = backbone.steps_through(freeze) if freeze is not None else []
        fixed = [module for step in frozen for module in step.modules]
        if freeze_bn:
            fixed += [module for module in backbone.modules() if isinstance(module, _BatchNorm)]
        self._fixed = [module.requires_grad_(False) for module in fixed]

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        for module in self._fixed:
            module.eval()
        return self

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(b, h, w, 3) in 0..255 -> pooled features and features after the neck, (b, dim) each."""
        pooled = self.pooled(images)
        return pooled, self.neck(pooled)

    def pooled(self, images: Tensor) -> Tensor:
        """(b, h, w, 3) in 0..255 -> features before the neck, (b, dim)."""
        feature_map = self.backbone(self.backbone.normalize(images))
        vector = self.pooling(feature_map) if self.pooling is not None else feature_map.mean((2, 3))
        return self.backbone.project(vector)


class Classifier(nn.Linear):
    """The last fully-connected layer, its start a pure function of the seed; bias-free after a neck."""

    def __init__(self, dim: int, classes: int, *, bnneck: bool, seed: int) -> None:
        super().__init__(dim, classes, bias=not bnneck)
        generator = torch.Generator().manual_seed(keyed_seed(seed, "classifier") >> 1)
        nn.init.normal_(self.weight, std=0.001, generator=generator)
        if self.bias is not None:
            nn.init.zeros_(self.bias)
