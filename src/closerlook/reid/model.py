"""A trained re-identification model: a function image -> vector that can be saved and loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from closerlook.compute.memory import keep_freed_memory
from closerlook.embedding import Embedder
from closerlook.embedding.backbones import build, pretrained
from closerlook.errors import CloserlookError
from closerlook.inputs import model_file
from closerlook.reid.network import FeatureNetwork
from closerlook.storage.documents import parse_json
from closerlook.storage.tensors import read_torch, write_arrays

__all__ = ["Model", "embedder"]

FORMAT = "closerlook-reid-1"
CARD_FILE = "README.md"


@dataclass(frozen=True)
class _About:
    """What a model's file says beside the weights: the arguments of :class:`Model` and of its network."""

    name: str
    backbone: str
    size: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
    feature: Literal["pool", "bnneck"]
    normalize: bool
    pooling: Literal["average", "gem"]
    bnneck: bool
    last_stride: Literal[1, 2] | None = None
    stride_in_1x1: bool | None = None


class Model(Embedder):
    """An embedder made of a network, in evaluation mode, on the GPU where there is one.

    Attributes:
        network: the network.
        name: what to call it in reports.
        size: (height, width) of the images it takes.
        feature: ``pool`` or ``bnneck``.
        normalize: whether features have unit length.
        dim: length of a feature.
        card: the model card of the run's folder that it was loaded from; None for any other.

    Example:
        >>> model = cl.Model.pretrained("lite0", (64, 32))
        >>> model(torch.zeros(2, 64, 32, 3, dtype=torch.uint8)).shape
        torch.Size([2, 1280])
        >>> model.save("model.safetensors")
        >>> cl.Model.load("model.safetensors").name
        'lite0 untrained'
    """

    parallel = True

    def __init__(
        self,
        network: FeatureNetwork,
        *,
        name: str,
        size: tuple[int, int],
        feature: str = "pool",
        normalize: bool = True,
    ) -> None:
        keep_freed_memory()
        device = "cuda" if torch.cuda.is_available() else "cpu"
        network = network.eval().requires_grad_(False)
        self.network = network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.name = name
        self.size = size
        self.feature = feature
        self.normalize = normalize
        self.dim = network.backbone.dim
        self.card: str | None = None

    @property
    def device(self) -> torch.device:  # type: ignore[override]  # it moves with the network
        """Where the network is."""
        device: torch.device = next(self.network.parameters()).device
        return device

    def __call__(self, images: Tensor) -> Tensor:
        """(b, h, w, 3) uint8 RGB -> (b, dim) float32, without gradients; the model's device does the work."""
        features = embedder(self.network, self.feature)(images)
        return torch.nn.functional.normalize(features) if self.normalize else features

    @classmethod
    def pretrained(cls, backbone: str = "resnet50", size: tuple[int, int] = (256, 128)) -> Model:
        """The untrained floor: ImageNet weights, average pooling, unit length."""
        return cls(FeatureNetwork(pretrained(backbone)), name=f"{backbone} untrained", size=size)

    def save(self, path: str | Path) -> None:
        """Write one safetensors file that :meth:`load` needs nothing beside."""
        backbone = self.network.backbone
        about = {
            "name": self.name,
            "backbone": backbone.name,
            "size": self.size,
            "feature": self.feature,
            "normalize": self.normalize,
            "pooling": "average" if self.network.pooling is None else "gem",
            "bnneck": not isinstance(self.network.neck, torch.nn.Identity),
            **backbone.options,
        }
        write_arrays(path, self.network.state_dict(), {"format": FORMAT, "model": json.dumps(about)})

    @classmethod
    def load(cls, path: str | Path) -> Model:
        """Read a run's folder or a file that :meth:`save` wrote.

        Raises:
            CloserlookError: nothing is there, it is damaged, or it is not a model.
        """
        file = model_file(Path(path))
        tensors, metadata = read_torch(file, "copy it anew, or train again", foreign=True)
        if metadata.get("format") != FORMAT:
            raise CloserlookError(f"{file} is not a model that closerlook saved.")
        about = parse_json(metadata.get("model", ""), _About, str(file), "Train or fetch the model again.")
        network = _rebuild(about)
        try:
            network.load_state_dict(tensors)
        except RuntimeError:
            raise CloserlookError(
                f"{file} is damaged: its weights are not those of a {about.backbone}. Train or fetch the model again."
            ) from None
        model = cls(network, name=about.name, size=about.size, feature=about.feature, normalize=about.normalize)
        card = file.with_name(CARD_FILE)
        if Path(path).is_dir() and card.is_file():
            model.card = card.read_text(encoding="utf-8", errors="replace")
        return model

    def push_to_hub(self, repository: str, **options: Any) -> str:
        """Upload the model and its card to the Hugging Face Hub, and return the address of the commit.

        Args:
            repository: ``name/model``, which is made where it is not there.
            options: those of :meth:`huggingface_hub.ModelHubMixin.push_to_hub`: ``private``, ``token``, ``branch``,
                ``commit_message`` and so on.

        Raises:
            UsageError: huggingface_hub is not installed.
            CloserlookError: the Hub cannot be reached or refuses.

        Example::

            cl.Model.load("runs/best").push_to_hub("me/best", private=True)
        """
        from closerlook.reid.hub import push

        return push(self, repository, **options)

    @classmethod
    def from_pretrained(cls, repository: str | Path, **options: Any) -> Model:
        """Download a model that :meth:`push_to_hub` uploaded, or load a folder that holds one.

        Args:
            repository: ``name/model``, or a folder.
            options: those of :meth:`huggingface_hub.ModelHubMixin.from_pretrained`: ``revision``, ``token``,
                ``cache_dir`` and so on.

        Raises:
            UsageError: huggingface_hub is not installed.
            CloserlookError: the Hub cannot be reached, has no such model, or what it has is none of closerlook's.

        Example::

            model = cl.Model.from_pretrained("me/best")
        """
        from closerlook.reid.hub import pull

        return pull(repository, **options)


def embedder(network: FeatureNetwork, feature: str) -> Callable[[Tensor], Tensor]:
    """The function (b, h, w, 3) uint8 -> (b, dim) float32, without gradients, of a network in evaluation mode."""
    device = next(network.parameters()).device

    def embed(images: Tensor) -> Tensor:
        with torch.inference_mode():
            pooled, after_neck = network(images.to(device))
            features: Tensor = after_neck if feature == "bnneck" else pooled
            return features.float()

    return embed


def _rebuild(about: _About) -> FeatureNetwork:
    options: dict[str, Any] = {"last_stride": about.last_stride, "stride_in_1x1": about.stride_in_1x1}
    known = {name: value for name, value in options.items() if value is not None}
    return FeatureNetwork(build(about.backbone, **known), pooling=about.pooling, bnneck=about.bnneck)
