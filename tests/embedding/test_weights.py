from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from closerlook.embedding import weights
from closerlook.embedding.weights import PUBLISHED, Published, download, find_weights, find_weights_file, read_weights
from closerlook.errors import CloserlookError, UsageError

TENSORS = {"conv.weight": torch.arange(6.0).reshape(2, 3), "count": torch.tensor(3)}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


class CutShort(BaseHTTPRequestHandler):
    """Promises more bytes than it sends, as a dropped connection does."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(b"x" * 10_000)

    def log_message(self, *args: object) -> None:
        pass


def serve(handler: object) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def published(tmp_path: Path) -> Iterator[Published]:
    """A weights file named by its hash, on a local server."""
    folder = tmp_path / "server"
    folder.mkdir()
    torch.save(TENSORS, folder / "draft.pth")
    digest = hashlib.sha256((folder / "draft.pth").read_bytes()).hexdigest()[:8]
    file = (folder / "draft.pth").rename(folder / f"vgg19-{digest}.pth")
    for base in serve(partial(Quiet, directory=str(folder))):
        yield Published("vgg19", file.name, base)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No weights on this machine: an empty hub cache, no shared folder, no CLOSERLOOK_WEIGHTS."""
    hub = tmp_path / "hub" / "checkpoints"
    monkeypatch.setattr(weights, "_folders", lambda: iter([hub]))
    monkeypatch.setattr(weights, "_hub_folder", lambda: hub)
    return hub


def equal(found: dict[str, torch.Tensor]) -> bool:
    return found.keys() == TENSORS.keys() and all(torch.equal(found[name], TENSORS[name]) for name in TENSORS)


def test_a_published_file_is_downloaded_once(
    published: Published, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PUBLISHED, "vgg19", published)
    assert equal(find_weights("vgg19"))
    assert [file.name for file in nowhere.iterdir()] == [published.file_name]
    monkeypatch.setitem(PUBLISHED, "vgg19", replace(published, base="http://127.0.0.1:9"))
    assert equal(find_weights("vgg19"))


def test_a_download_with_the_wrong_hash_is_not_kept(published: Published, tmp_path: Path) -> None:
    served = tmp_path / "server" / published.file_name
    served.rename(served.with_name("vgg19-00000000.pth"))
    with pytest.raises(CloserlookError, match="has SHA-256"):
        download(replace(published, file_name="vgg19-00000000.pth"), tmp_path / "hub")
    assert not (tmp_path / "hub").exists()


def test_a_download_that_is_cut_short_is_not_kept(tmp_path: Path) -> None:
    for base in serve(CutShort):
        with pytest.raises(CloserlookError, match=r"10,000 of 100,000 bytes|cannot be downloaded"):
            download(Published("vgg19", "vgg19-00000000.pth", base), tmp_path)
    assert not list(tmp_path.iterdir())


def test_offline_message_names_the_file_and_the_folder(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unreachable = Published("vgg19", "vgg19-dcbb9e9d.pth", "http://127.0.0.1:9")
    monkeypatch.setitem(PUBLISHED, "vgg19", unreachable)
    with pytest.raises(CloserlookError) as caught:
        find_weights("vgg19")
    assert str(nowhere / "vgg19-dcbb9e9d.pth") in str(caught.value)
    assert unreachable.url in str(caught.value)
    assert not nowhere.exists() or not list(nowhere.iterdir())


def test_a_file_without_a_hash_is_not_fetched(nowhere: Path) -> None:
    with pytest.raises(CloserlookError, match=r"without a hash.*osnet_x1_0_imagenet\.pth"):
        find_weights("osnet_x1_0")


def test_search_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, hub, explicit = tmp_path / "mine", tmp_path / "hub", tmp_path / "explicit.safetensors"
    (hub / "checkpoints").mkdir(parents=True)
    mine.mkdir()
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(hub))
    save_file(TENSORS, explicit)
    save_file(TENSORS, mine / "resnet34-imagenet.safetensors")
    torch.save(TENSORS, hub / "checkpoints" / "resnet34-b627a593.pth")
    assert find_weights_file("resnet34") == hub / "checkpoints" / "resnet34-b627a593.pth"
    monkeypatch.setenv("CLOSERLOOK_WEIGHTS", str(mine))
    assert find_weights_file("resnet34") == mine / "resnet34-imagenet.safetensors"
    assert find_weights_file("resnet34", explicit) == explicit
    assert find_weights_file("resnet34", mine) == mine / "resnet34-imagenet.safetensors"


def test_lite0_comes_with_its_package(nowhere: Path) -> None:
    assert find_weights("lite0")["_conv_head.weight"].shape == (1280, 320, 1, 1)


def test_other_networks_files_are_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_file(TENSORS, tmp_path / "resnet50-ibn-a.safetensors")
    save_file(TENSORS, tmp_path / "resnet501.safetensors")
    with pytest.raises(CloserlookError, match="no weights for resnet50"):
        find_weights_file("resnet50", tmp_path)


def test_half_precision_is_read_as_single(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2, dtype=torch.float16), "n": torch.tensor(1)}, tmp_path / "w.safetensors")
    found = read_weights(tmp_path / "w.safetensors")
    assert found["a"].dtype == torch.float32
    assert found["n"].dtype == torch.int64


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("content", [b"", b"not weights at all", b"PK\x03\x04 half a zip"])
def test_damaged_files_say_so(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"vgg19{suffix}"
    path.write_bytes(content)
    with pytest.raises(CloserlookError, match=f"vgg19{suffix}"):
        read_weights(path)


def test_wrong_names_are_usage_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="Did you mean 'resnet50'"):
        find_weights("resnet5")
    with pytest.raises(CloserlookError, match="no weights for vgg19 at"):
        find_weights("vgg19", tmp_path / "absent.pth")
    monkeypatch.setenv("CLOSERLOOK_WEIGHTS", str(tmp_path / "absent"))
    with pytest.raises(CloserlookError, match="CLOSERLOOK_WEIGHTS"):
        find_weights("vgg19")
