"""One run over several processes: each has a part of every batch, and all have the same loss.

A batch is the recipe's, whatever the number of processes. Each process computes the features of its identities; these
and the labels are then gathered, so that every process sees all pairs of the batch when it looks for the hardest ones,
and the neck all of its statistics. The head is small and computed by all alike. On GPUs the backbone's batch
normalization takes its statistics over all processes too. Start them with
``torchrun --nproc-per-node 4 --no-python closerlook train ...``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.strategies.strategy import Strategy
from torch import Tensor, distributed, nn

from closerlook.errors import CloserlookError
from closerlook.reid.recipe import Recipe

__all__ = ["gather", "is_first_process", "share_statistics", "start_fabric"]

PRECISIONS: Mapping[str, Literal["32-true", "bf16-mixed", "16-mixed"]] = {
    "32": "32-true",
    "bf16": "bf16-mixed",
    "fp16": "16-mixed",
}


def is_first_process() -> bool:
    """Whether this process is the one that writes and speaks."""
    return os.environ.get("RANK", "0") == "0"


def start_fabric(recipe: Recipe) -> Fabric:
    """Lightning's Fabric for the processes that torchrun started, or for this one alone.

    Raises:
        CloserlookError: the batch's identities cannot be split evenly over the processes.
    """
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if recipe.identities_per_batch % processes:
        raise CloserlookError(
            f"A batch of {recipe.identities_per_batch} identities cannot be split evenly over {processes} processes: "
            "change 'identities_per_batch' or the number of processes."
        )
    # a classifier that no loss looks at has no gradient, which must then not be waited for
    strategy: str | Strategy = DDPStrategy(find_unused_parameters=not recipe.classification_weight)
    fabric = Fabric(
        accelerator="auto",
        devices=here,
        num_nodes=processes // here,
        strategy=strategy if processes > 1 else "auto",
        precision=PRECISIONS[recipe.precision],
    )
    fabric.launch()
    return fabric


def gather(features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """This process's (b, d) features and (b,) labels -> those of all processes, in order; alone: as they are.

    The gradient of the gathered features reaches this process's own. It is multiplied by the number of processes,
    because the gradients of the network before are averaged over them, where they have to be added up.
    """
    processes = _processes()
    if processes == 1:
        return features, labels
    rank = distributed.get_rank()
    if features.requires_grad:
        features.register_hook(lambda gradient: gradient * processes)  # type: ignore[no-untyped-call]
    all_features = [torch.empty_like(features) for _ in range(processes)]
    all_labels = [torch.empty_like(labels) for _ in range(processes)]
    distributed.all_gather(all_features, features.detach())
    distributed.all_gather(all_labels, labels)
    all_features[rank] = features
    return torch.cat(all_features), torch.cat(all_labels)


def share_statistics(network: nn.Module) -> None:
    """Let batch normalization inside ``network`` see all processes' images, where they run on GPUs."""
    if _processes() > 1 and torch.cuda.is_available():
        nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]


def _processes() -> int:
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1
