"""People kept on disk: who has been built once is read, by any process, at any image size, in any later run."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import os
from pathlib import Path

from closerlook import randomness
from closerlook.errors import CloserlookError
from closerlook.storage.files import atomic_path, cache_folder
from closerlook.synthesis.humans.clothing.library import find_library, wardrobe_folder
from closerlook.synthesis.humans.mesh.mesh import Person
from closerlook.synthesis.humans.mesh.packing import pack, unpack
from closerlook.synthesis.humans.people import build_person
from closerlook.synthesis.humans.population import Population

__all__ = ["LIMIT", "load_person", "trim"]

LIMIT = 2 * 2**30  # bytes; about five thousand people


def load_person(
    seed: int, identity: int, wardrobe: str | Path | None = None, population: Population | None = None
) -> Person:
    """The same as :func:`people.sample_person`, read from the cache where this person has been built before.

    A damaged file is made again; a cache that cannot be written to is done without.
    """
    find_library(wardrobe)  # a folder that holds no clothes is refused, whoever has been built before
    population = population or Population()
    path = _folder(seed, wardrobe_folder(wardrobe), population) / f"{identity:06d}.safetensors"
    try:
        person = unpack(path.read_bytes())
        os.utime(path)  # the oldest go first
        return person
    except (OSError, ValueError):
        pass
    data = pack(build_person(seed, identity, wardrobe, population))
    with contextlib.suppress(CloserlookError, OSError), atomic_path(path) as draft:
        draft.write_bytes(data)
    return unpack(data)


def trim(limit: int = LIMIT) -> None:
    """Delete the people longest unused until the rest take ``limit`` bytes at most."""
    with contextlib.suppress(OSError):
        files = [(path.stat(), path) for path in cache_folder("people").glob("*/*.safetensors")]
        excess = sum(status.st_size for status, _ in files) - limit
        for status, path in sorted(files, key=lambda file: file[0].st_mtime):
            if excess <= 0:
                break
            path.unlink(missing_ok=True)
            excess -= status.st_size


@functools.lru_cache
def _folder(seed: int, wardrobe: str | None, population: Population) -> Path:
    """One folder for all that a person depends on besides their number: this package's code, its data, the wardrobe."""
    package = Path(__file__).parent
    code = [*sorted(package.rglob("*.py")), *sorted(package.rglob("*.yaml")), Path(randomness.__file__)]
    sources = [path.read_bytes() for path in code]
    digest = hashlib.blake2b(b"\0".join(sources), digest_size=12)
    digest.update(repr((importlib.metadata.version("anny"), seed, population)).encode())
    for path in sorted(Path(wardrobe).rglob("*")) if wardrobe else ():
        status = path.stat()
        digest.update(repr((str(path.relative_to(wardrobe or "")), status.st_size, status.st_mtime_ns)).encode())
    return cache_folder("people") / digest.hexdigest()
