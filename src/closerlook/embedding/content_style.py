"""Content and style of an image as one vector (the paper's Eqs. 1-3; Gatys et al., CVPR 2016).

For a layer with N channels and M positions, F is its (N, M) activations and G = F F^T its Gram matrix. A style block is
one triangle of G with off-diagonal entries times sqrt(2), so that its squared distance is that of the whole
matrix; a content block is F itself. With each block times the square root of its weight the total loss is

    L_total(x, y) = alpha L_style + beta L_content = || Phi(x) - Phi(y) ||^2

exactly. Blocks are returned *unweighted*; :class:`closerlook.embedding.blocks.Block` carries the weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from closerlook.embedding.backbones import pretrained
from closerlook.embedding.blocks import Block, slices_of
from closerlook.embedding.embedder import Embedder
from closerlook.errors import UsageError, unknown

__all__ = ["LAYERS", "ContentStyle", "Layers", "fingerprint", "write_gram"]

HALVED_FROM = 96  # channels


@dataclass(frozen=True)
class Layers:
    """Which layers are compared.

    Attributes:
        style: how much each style layer counts, w_l of Eq. 2.
        content: layers whose activations are compared (Eq. 1).
        pooled: content is averaged over positions, so that it no longer matters where in the image something is.
    """

    style: Mapping[str, float]
    content: tuple[str, ...]
    pooled: bool = False


def _equal(*names: str) -> Mapping[str, float]:
    return {name: 1 / len(names) for name in names}


LAYERS: Mapping[str, Layers] = {
    # Gatys et al.; the paper's w_l = 0.2. Activations after ReLU, max-pooling.
    "vgg19": Layers(_equal("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"), ("conv4_2",)),
    # The last repeated block at strides 2, 4, 8, 16 and 32 (16, 24, 40, 112 and 192 channels, linear bottlenecks);
    # content from stride 16, at the same relative depth (10 of 16) as VGG's conv4_2.
    "lite0": Layers(_equal("block0", "block2", "block4", "block10", "block14"), ("block10",)),
}


class ContentStyle(Embedder):
    """Content + style embedding over a pretrained network: its vector has named blocks.

    Args:
        backbone: ``vgg19`` (the paper's) or ``lite0`` (needs no download, about 15 times less work).
        size: (height, width) of the images.
        layers: other layers or weights than :data:`LAYERS`.
        weights: a file with the backbone's weights, instead of searching for one.
        device: where it runs; a GPU where there is one.

    Raises:
        UsageError: an unknown backbone or layer, or images too small for the deepest layer.
    """

    parallel = True

    def __init__(
        self,
        backbone: str = "lite0",
        size: tuple[int, int] = (128, 64),
        *,
        layers: Layers | None = None,
        weights: Path | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        if backbone not in LAYERS:
            raise unknown("content + style backbone", backbone, LAYERS)
        self.name = backbone
        self.size = size
        self.layers = layers or LAYERS[backbone]
        if not self.layers.style and not self.layers.content:
            raise UsageError("Name at least one layer to compare.")
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        network = pretrained(backbone, weights=weights).requires_grad_(False)
        self.fingerprint = fingerprint(network)
        self._network = network
        self._steps = network.steps_through(*self.layers.style, *self.layers.content)
        self.blocks = self._measure_blocks()  # on the CPU, where nothing but the size can be wrong
        network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.dim = sum(block.dim for block in self.blocks)
        self._places: dict[str, list[tuple[Block, slice]]] = {step.name: [] for step in self._steps}
        for block, part in zip(self.blocks, slices_of(self.blocks), strict=True):
            self._places[block.name].append((block, part))

    def __call__(self, images: Tensor) -> Tensor:
        """(b, h, w, 3) uint8 RGB -> (b, dim) float32, the blocks side by side, unweighted."""
        phi = torch.empty(len(images), self.dim, device=self.device)
        self.write(images, phi)
        return phi

    def write(self, images: Tensor, out: Tensor) -> None:
        """The same into ``out`` (b, dim): vectors this long are better kept in memory that is used again."""
        with torch.inference_mode():
            for name, activations in self._activations(images.to(self.device)):
                # A layer is read while it is still in the cache, and freed before the next one is computed
                for block, part in self._places[name]:
                    if block.term == "style":
                        write_gram(activations, out[:, part])
                    elif block.positions == 1:
                        torch.mean(activations, (2, 3), out=out[:, part])
                    else:
                        channels_last = activations.permute(0, 2, 3, 1)
                        out[:, part].view(channels_last.shape).copy_(channels_last)

    def _activations(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        x = self._network.normalize(images)
        for step in self._steps:
            x = step.run(x)
            yield step.name, x

    def _measure_blocks(self) -> tuple[Block, ...]:
        probe = torch.zeros(1, *self.size, 3, dtype=torch.uint8)
        try:
            with torch.inference_mode():
                shapes = {name: value.shape for name, value in self._activations(probe)}
        except RuntimeError:
            raise UsageError(f"Images of {self.size[0]} x {self.size[1]} are too small for {self.name}.") from None
        blocks = []
        for name, share in self.layers.style.items():
            _, channels, height, width = shapes[name]
            literal = share / (4 * channels**2 * (height * width) ** 2)
            blocks.append(Block(name, "style", channels * (channels + 1) // 2, literal))
        for name in self.layers.content:
            _, channels, height, width = shapes[name]
            positions = 1 if self.layers.pooled else height * width
            blocks.append(Block(name, "content", channels * positions, 0.5, positions))
        return tuple(blocks)


def fingerprint(network: nn.Module) -> str:
    """A digest of a network's weights: two networks with the same one give the same vectors."""
    digest = hashlib.blake2b(digest_size=16)
    for name, value in network.state_dict().items():
        digest.update(name.encode())
        digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def write_gram(activations: Tensor, out: Tensor) -> None:
    """Write the Gram matrices of (b, N, h, w) activations to ``out`` (b, N (N + 1) / 2), each entry of a triangle once.

    Entries off the diagonal are times sqrt(2), so that inner products of the vectors are those of the whole matrices.
    """
    flat = activations.flatten(2)
    if flat.shape[1] >= HALVED_FROM and flat.shape[1] % 2 == 0:
        _write_halves(flat, out)
        return
    gram = flat @ flat.mT
    channels = gram.shape[1]
    rows, columns = torch.triu_indices(channels, channels, device=gram.device)
    scale = torch.where(rows == columns, 1.0, 2.0**0.5)
    torch.mul(gram.flatten(1)[:, rows * channels + columns], scale, out=out)


def _write_halves(flat: Tensor, out: Tensor) -> None:
    """The same by halves of the channels, G = [[A, B], [B', C]]: B, a square of A's upper and C's lower triangle, C's
    diagonal. It skips B' and the slow gather of a triangle: 2 to 8 times faster for wide layers."""
    half = flat.shape[1] // 2
    first, second = flat[:, :half], flat[:, half:]
    square = (len(flat), half, half)
    torch.mul(first @ second.mT, 2.0**0.5, out=out[:, : half**2].view(square))
    ones = torch.ones(half, half, device=flat.device)
    upper = ones.triu(1) * 2.0**0.5 + torch.eye(half, device=flat.device)
    lower = ones.tril(-1) * 2.0**0.5
    c = second @ second.mT
    triangles = (first @ first.mT).mul_(upper).addcmul_(c, lower)
    out[:, half**2 : 2 * half**2].view(square).copy_(triangles)
    out[:, 2 * half**2 :] = c.diagonal(dim1=1, dim2=2)
