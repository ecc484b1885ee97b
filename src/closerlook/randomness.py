"""Randomness that is keyed, never drawn in sequence.

Every random value is a pure function of a seed and a key such as ``("pose", identity, viewpoint)``, so results do not
depend on the number of workers, on order, on resuming or on which subset was asked for.
"""

from __future__ import annotations

import hashlib

import numpy as np

__all__ = ["keyed_rng", "keyed_seed", "name_hash"]

Key = str | int


def keyed_seed(seed: int, *key: Key) -> int:
    """A 64-bit seed that depends on all of ``seed`` and ``key``; the same on every machine and Python version."""
    text = "\x1f".join([str(seed), *(f"{type(part).__name__}:{part}" for part in key)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def name_hash(seed: int, name: str) -> bytes:
    """8 bytes that put names into a random order, which does not depend on what other names there are."""
    return hashlib.blake2b(f"{seed}\x1f{name}".encode(), digest_size=8).digest()


def keyed_rng(seed: int, *key: Key) -> np.random.Generator:
    """A NumPy generator for this seed and key (PCG64)."""
    return np.random.Generator(np.random.PCG64(keyed_seed(seed, *key)))
