"""What training changes, and how it survives an interruption.

Sampling, augmentation and the schedule are functions of the seed and the step, so weights, buffers, the optimizer's
moments, the averaged weights, the best weights that validation found, the loss scale and the number of steps done are
the whole state: one safetensors file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from typing_extensions import TypedDict

from closerlook.embedding.backbones import pretrained
from closerlook.errors import CloserlookError
from closerlook.reid.distributed import gather, share_statistics
from closerlook.reid.losses import ReidLoss
from closerlook.reid.network import Classifier, FeatureNetwork
from closerlook.reid.recipe import Recipe
from closerlook.storage.documents import parse_json
from closerlook.storage.keys import Key, changes, plain
from closerlook.storage.tensors import read_about, read_torch, write_arrays

__all__ = ["State", "TrainingModule"]


class _Counters(TypedDict):
    step: int
    seconds: float
    best_step: int
    best_score: float
    waited: int


class _About(_Counters):
    """What a checkpoint says beside its tensors: whose it is, the loss scale, the log's tail and the counters."""

    key: dict[str, Any]
    scaler: dict[str, float]
    log: dict[str, Any]


WAY_OUT = "delete it to train from the start"
_COUNTERS = tuple(_Counters.__annotations__)


class TrainingModule(nn.Module):
    """Images and labels to losses: the features, the classifier and the loss's own parameters."""

    def __init__(self, recipe: Recipe, classes: int, seed: int) -> None:
        super().__init__()
        backbone = pretrained(recipe.backbone, last_stride=recipe.last_stride)
        share_statistics(backbone)
        self.features = FeatureNetwork(
            backbone,
            pooling=recipe.pooling,
            bnneck=recipe.bnneck,
            freeze=recipe.freeze,
            freeze_bn=recipe.freeze_bn,
        )
        self.classifier = Classifier(backbone.dim, classes, bnneck=recipe.bnneck, seed=seed)
        self.loss = ReidLoss(recipe, classes, backbone.dim)

    def forward(self, images: Tensor, labels: Tensor, done: float) -> tuple[Tensor, dict[str, Tensor]]:
        """(b, h, w, 3) in 0..255 and (b,) labels -> the loss and its parts, of the batch of all processes.

        ``done`` is the share of the run's steps before this one.
        """
        pooled, labels = gather(self.features.pooled(images), labels)
        total, parts = self.loss(pooled, self.classifier(self.features.neck(pooled)), labels, done)
        return total, parts


@dataclass
class State:
    """A run between two steps.

    Attributes:
        module: what is trained.
        optimizer: with one group for the backbone and one for the rest.
        average: exponential moving average of ``module.features``, or None.
        scaler: what keeps gradients in half precision from vanishing, or None.
        step: steps done.
        seconds: time spent in them.
        best: weights of :attr:`network` when validation liked it most; empty without validation.
        best_step, best_score: when that was, and the mAP.
        waited: validations since.
    """

    module: TrainingModule
    optimizer: torch.optim.Optimizer
    average: AveragedModel | None
    scaler: torch.amp.GradScaler | None = None
    step: int = 0
    seconds: float = 0.0
    best: dict[str, Tensor] = field(default_factory=dict)
    best_step: int = 0
    best_score: float = -1.0
    waited: int = 0

    @classmethod
    def start(
        cls,
        recipe: Recipe,
        classes: int,
        seed: int,
        device: torch.device,
        scaler: torch.amp.GradScaler | None = None,
    ) -> State:
        """The state before the first step."""
        module = TrainingModule(recipe, classes, seed)
        module.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        average = None
        if recipe.ema:
            update = get_ema_multi_avg_fn(recipe.ema)  # type: ignore[no-untyped-call]
            average = AveragedModel(module.features, multi_avg_fn=update, use_buffers=True)
        return cls(module, _optimizer(module, recipe), average, scaler)

    @property
    def network(self) -> FeatureNetwork:
        """The network as it is now: its average, where there is one."""
        if self.average is None:
            return self.module.features
        assert isinstance(self.average.module, FeatureNetwork)
        return self.average.module

    def result(self) -> FeatureNetwork:
        """The network to keep: the best one, where validation chose."""
        if self.best:
            self.network.load_state_dict(self.best)
        return self.network

    def validated(self, score: float) -> None:
        """Remember the network if this score is the best so far."""
        if score > self.best_score:
            self.best = {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}
            self.best_step, self.best_score, self.waited = self.step, score, 0
        else:
            self.waited += 1

    def save(self, path: Path, key: Key, log: Mapping[str, Any]) -> None:
        """Write a checkpoint of the run with this key, atomically; ``log`` is what the log has not written yet."""
        tensors = {
            f"{name}/{part}": value
            for name, module in self._modules().items()
            for part, value in module.state_dict().items()
        }
        for index, moments in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{index}/{part}": value for part, value in moments.items() if value is not None}
        tensors |= {f"best/{name}": value for name, value in self.best.items()}
        about = {
            "key": plain(key),
            "log": log,
            "scaler": self.scaler.state_dict() if self.scaler is not None else {},
            **{name: getattr(self, name) for name in _COUNTERS},
        }
        write_arrays(path, tensors, {"about": json.dumps(about)})

    @staticmethod
    def key_of(path: Path) -> object:
        """The key of the run that a checkpoint is of.

        Raises:
            CloserlookError: it is damaged.
        """
        return _about(path, read_about(path, WAY_OUT))["key"]

    def resume(self, path: Path, key: Key, steps: int) -> Mapping[str, Any]:
        """Resume from a checkpoint, if there is one of this run of so many steps.

        Returns:
            What the log had not written then; empty where there is no checkpoint.

        Raises:
            CloserlookError: it is damaged or another run's.
        """
        if not path.exists():
            return {}
        tensors, metadata = read_torch(path, WAY_OUT)
        about = _about(path, metadata)
        differing = changes(about["key"], key)
        if differing:
            raise CloserlookError(
                f"{path} belongs to an unfinished run that differs in {differing}. "
                "Choose another folder, or delete the file to give that run up."
            )
        try:
            self._restore(tensors, about)
            log = about["log"]
            sound = 0 <= self.step <= steps and 0 <= self.best_step <= self.step
        except (KeyError, TypeError, ValueError, RuntimeError, IndexError, AttributeError):
            sound = False
        if not sound:
            raise CloserlookError(f"{path} is damaged (it holds another state than it says): {WAY_OUT}.")
        return log

    def _restore(self, tensors: Mapping[str, Tensor], about: _About) -> None:
        for name, module in self._modules().items():
            module.load_state_dict(_below(tensors, name))
        parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in _below(tensors, "optimizer").items():
            index, _, moment = key.partition("/")
            parameter = parameters[int(index)]
            if value.shape == parameter.shape:
                # in the parameter's memory format, which fused optimizers take for granted and files do not keep
                value = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
            moments.setdefault(int(index), {})[moment] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})
        self.best = _below(tensors, "best")
        for name in _COUNTERS:
            setattr(self, name, about[name])  # type: ignore[literal-required]
        if self.scaler is not None:
            self.scaler.load_state_dict(about["scaler"])

    def _modules(self) -> dict[str, nn.Module]:
        return {"module": self.module, **({"average": self.average} if self.average is not None else {})}


def _optimizer(module: TrainingModule, recipe: Recipe) -> torch.optim.Optimizer:
    backbone = [p for p in module.features.backbone.parameters() if p.requires_grad]
    known = {id(p) for p in module.features.backbone.parameters()}
    head = [p for p in module.parameters() if p.requires_grad and id(p) not in known]
    rate = recipe.learning_rate
    groups: list[dict[str, Any]] = [
        {"params": backbone, "lr": rate, "initial_lr": rate},
        {"params": head, "lr": rate * recipe.head_lr_multiplier, "initial_lr": rate * recipe.head_lr_multiplier},
    ]
    match recipe.optimizer:
        case "adam":
            return torch.optim.Adam(groups, weight_decay=recipe.weight_decay, fused=True)
        case "adamw":
            return torch.optim.AdamW(groups, weight_decay=recipe.weight_decay, fused=True)
        case "sgd":
            return torch.optim.SGD(groups, weight_decay=recipe.weight_decay, momentum=0.9, nesterov=True, fused=True)


def _about(path: Path, metadata: Mapping[str, str]) -> _About:
    return parse_json(metadata.get("about", ""), _About, str(path), "Delete it to train from the start.")


def _below(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}/"): value for key, value in tensors.items() if key.startswith(f"{name}/")}
