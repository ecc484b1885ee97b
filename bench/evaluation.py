"""Ranking and re-ranking beside the field's evaluators: seconds, CPU seconds and peak memory, on the same features.

    python bench/evaluation.py --size market1501          # 3,368 queries x 15,913 images
    python bench/evaluation.py --size msmt17              # 11,659 x 82,161
    python bench/evaluation.py --size market1501 --rerank # adds k-reciprocal re-ranking
    python bench/evaluation.py --device cuda              # ours on a GPU, the others where they are
    python bench/evaluation.py --peers path/to/deep-person-reid/torchreid/metrics

Every contender runs in a process of its own that holds the features before its clock starts, so peaks are what it adds.
torchreid's evaluators join where the package is installed, or where ``--peers`` points at its ``metrics`` folder; its
compiled one where ``rank_cylib`` has been built. ``product`` is the matrix product that none can do without; what each
takes beyond it is given in CPU seconds, which a busy machine changes less than the clock.
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import resource
import sys
import threading
import time
import types
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from closerlook.embedding.features import Features
from closerlook.evaluation import KReciprocal, Matching, rank
from closerlook.randomness import keyed_rng

# Queries, gallery, of it distractors, people, cameras.
SIZES = {
    "market1501": (3368, 15913, 2798, 750, 6),
    "msmt17": (11659, 82161, 0, 3060, 15),
    "small": (300, 1500, 200, 60, 6),
}
MAX_RANK = 50


def make_features(size: str, dim: int) -> tuple[Features, Features]:
    """Unit vectors of people who are about as hard to tell apart as real ones are for a trained model."""
    queries, gallery, distractors, people, cameras = SIZES[size]
    rng = keyed_rng(0, "bench", size, dim)
    centers = rng.standard_normal((people + 1, dim), dtype=np.float32)

    def side(count: int, strangers: int) -> Features:
        who = rng.integers(1, people + 1, count)
        vectors = centers[who]
        vectors[:strangers] = rng.standard_normal((strangers, dim), dtype=np.float32)
        who[:strangers] = 0
        vectors += 5 * rng.standard_normal((count, dim), dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return Features(vectors, who, rng.integers(1, cameras + 1, count))

    return side(queries, 0), side(gallery, distractors)


def product(query: Features, gallery: Features) -> None:
    left, right = torch.from_numpy(query.features), torch.from_numpy(gallery.features)
    for start in range(0, len(left), 1024):
        _ = left[start : start + 1024] @ right.T


def ours(query: Features, gallery: Features) -> tuple[float, float]:
    result = rank(query, gallery, device=DEVICE)
    return result.mAP, float(result.cmc[0])


def ours_reranked(query: Features, gallery: Features) -> tuple[float, float]:
    result = rank(query, gallery, matching=Matching(reranking=KReciprocal()), device=DEVICE)
    return result.mAP, float(result.cmc[0])


def full_matrix(query: Features, gallery: Features) -> np.ndarray:
    """The whole matrix of squared distances, as the toolboxes have it."""
    left, right = torch.from_numpy(query.features), torch.from_numpy(gallery.features)
    squares = left.pow(2).sum(1, keepdim=True).expand(len(left), len(right)).clone()
    squares += right.pow(2).sum(1)
    return squares.addmm_(left, right.T, beta=1, alpha=-2).numpy()


def argsort_loop(query: Features, gallery: Features) -> tuple[float, float]:
    """The usual NumPy evaluator: the full matrix, its argsort, a loop over the queries."""
    order = np.argsort(full_matrix(query, gallery), axis=1)
    precisions, firsts = [], []
    for row, columns in enumerate(order):
        mate = gallery.identities[columns] == query.identities[row]
        shown = mate[~(mate & (gallery.cameras[columns] == query.cameras[row]))]
        if shown.any():
            places = np.flatnonzero(shown) + 1
            precisions.append(np.mean(np.arange(1, len(places) + 1) / places))
            firsts.append(places[0] == 1)
    return float(np.mean(precisions)), float(np.mean(firsts))


def torchreid_python(query: Features, gallery: Features) -> tuple[float, float]:
    return _torchreid(find_torchreid()["python"], query, gallery)


def torchreid_cython(query: Features, gallery: Features) -> tuple[float, float]:
    return _torchreid(find_torchreid()["cython"], query, gallery)


def _torchreid(evaluator: Callable[..., object], query: Features, gallery: Features) -> tuple[float, float]:
    labels = (query.identities, gallery.identities, query.cameras, gallery.cameras)
    cmc, mean_ap = evaluator(full_matrix(query, gallery), *labels, MAX_RANK)  # type: ignore[misc]
    return float(mean_ap), float(cmc[0])


def find_torchreid(folder: Path | None = None) -> dict[str, Callable[..., object]]:
    """torchreid's evaluators by name, loaded without importing the package (which wants torchvision)."""
    folder = folder or PEERS
    if folder is None:
        package = importlib.util.find_spec("torchreid")
        if package is None or package.origin is None:
            return {}
        folder = next(Path(package.origin).parent.rglob("metrics"), Path())
    found: dict[str, Callable[..., object]] = {}
    for compiled in folder.glob("rank_cylib/rank_cy*.so"):
        found["cython"] = _load("rank_cy", compiled).evaluate_cy
    if (folder / "rank.py").exists():
        sys.modules.setdefault("torchreid", types.ModuleType("torchreid"))
        with warnings.catch_warnings(action="ignore"):
            found["python"] = _load("torchreid_rank", folder / "rank.py").eval_market1501
    return found


def _load(name: str, path: Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PEERS: Path | None = None
DEVICE = "cpu"


def contend(
    name: str, size: str, dim: int, peers: Path | None, device: str, pipe: multiprocessing.connection.Connection
) -> None:
    """Run one contender and send (seconds, CPU seconds, peak MiB beyond the features, scores)."""
    global PEERS, DEVICE
    PEERS, DEVICE = peers, device
    query, gallery = make_features(size, dim)
    torch.ones(64, 64, device=device) @ torch.ones(
        64, 64, device=device
    )  # threads and libraries up before the clock starts
    before = resident()
    peak, done = [before], threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            peak[0] = max(peak[0], resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start, cpu = time.perf_counter(), time.process_time()
    scores = globals()[name](query, gallery)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    done.set()
    watcher.join()
    pipe.send((seconds, cpu, (max(peak[0], resident()) - before) / 2**20, scores))


def resident() -> int:
    """Bytes of memory in use by this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def measure(
    name: str, size: str, dim: int, peers: Path | None, device: str
) -> tuple[float, float, float, tuple[float, float] | None]:
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=contend, args=(name, size, dim, peers, device, send))
    process.start()
    send.close()
    try:
        measured: tuple[float, float, float, tuple[float, float] | None] = receive.recv()
    except EOFError:
        process.join()
        raise SystemExit(f"{name} ended with code {process.exitcode} (-9: out of memory).") from None
    process.join()
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="market1501")
    parser.add_argument("--dim", type=int, default=2048)
    parser.add_argument("--peers", type=Path, help="torchreid's metrics folder")
    parser.add_argument("--device", default="cpu", help="where ours ranks")
    parser.add_argument("--rerank", action="store_true", help="add k-reciprocal re-ranking")
    parser.add_argument("--only", nargs="+", help="these contenders alone")
    options = parser.parse_args()
    names = ["product", "ours", "argsort_loop"]
    names += [f"torchreid_{name}" for name in sorted(find_torchreid(options.peers))]
    names += ["ours_reranked"] if options.rerank else []
    rows = {
        name: measure(name, options.size, options.dim, options.peers, options.device) for name in options.only or names
    }
    beyond = {name: cpu - rows["product"][1] for name, (_, cpu, _, _) in rows.items() if "product" in rows}
    table = Table("contender", "s", "CPU s", "beyond product", "CPU of ours", "peak MiB", "mAP", "rank-1", box=None)
    for name, (seconds, cpu, peak, scores) in rows.items():
        more = f"{beyond[name]:.2f}" if name in beyond else ""
        ratio = f"{cpu / rows['ours'][1]:.2f}" if "ours" in rows else ""
        shown = [f"{100 * value:.4f}" for value in scores] if scores else ["", ""]
        table.add_row(name, f"{seconds:.1f}", f"{cpu:.2f}", more, ratio, f"{peak:,.0f}", *shown)
    Console().print(table)


if __name__ == "__main__":
    main()
