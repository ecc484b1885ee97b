"""A backbone of the user's: ``module:function``, where the function returns a torch module."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from closerlook.embedding.backbones.base import IMAGENET_MEAN, IMAGENET_STD, Backbone, Step
from closerlook.embedding.functions import load_function
from closerlook.errors import CloserlookError

__all__ = ["CustomBackbone"]

PROBE = (2, 3, 128, 64)


class CustomBackbone(Backbone):
    """Any module (b, 3, h, w) -> feature map (b, c, h', w') or vector (b, c), with the weights that the function gives.

    Its input is normalized as torchvision's, unless the module has attributes ``mean`` and ``std`` (three numbers each,
    for pixels in 0..255). The one step is ``network``.

    Args:
        reference: ``module:function``; the function takes no argument.

    Raises:
        UsageError: there is no such function.
        CloserlookError: it fails, or what it returns is no such module.
    """

    def __init__(self, reference: str) -> None:
        super().__init__()
        function = load_function(reference, "backbone")
        try:
            network = function()
        except Exception as error:
            raise CloserlookError(f"Backbone '{reference}' failed: {type(error).__name__}: {error}") from error
        if not isinstance(network, nn.Module):
            raise CloserlookError(
                f"Backbone '{reference}' must return a torch.nn.Module; it returned {type(network).__name__}."
            )
        self.name = reference
        self.options = {}
        self.network = network
        self.mean = tuple(getattr(network, "mean", IMAGENET_MEAN))
        self.std = tuple(getattr(network, "std", IMAGENET_STD))
        self.dim = self._probe()

    def steps(self) -> list[Step]:
        return [Step("network", self._run, (self.network,))]

    def _run(self, x: Tensor) -> Tensor:
        out: Tensor = self.network(x)
        return out if out.ndim == 4 else out[:, :, None, None]

    def _probe(self) -> int:
        """Channels of what the module makes of black images."""
        self.network.eval()
        with torch.no_grad():
            try:
                out = self.network(torch.zeros(PROBE))
            except Exception as error:
                raise CloserlookError(f"Backbone '{self.name}' failed: {type(error).__name__}: {error}") from error
        if not isinstance(out, Tensor) or out.ndim not in (2, 4) or len(out) != PROBE[0]:
            shape = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
            raise CloserlookError(f"Backbone '{self.name}' must return (b, c, h, w) or (b, c); it gave {shape}.")
        return out.shape[1]
