"""A person as one small file: quantized geometry and JPEG textures in safetensors.

Positions keep 16 bits over the person's own box (0.03 mm), texture coordinates and weights 16 bits, textures are JPEG
of quality 92 without chroma subsampling and, where they have holes, with their alpha as it is. Everybody is packed and
unpacked once, whether they are then kept or not, so that what is rendered does not depend on that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from closerlook.storage.tensors import load_arrays, pack_arrays
from closerlook.synthesis.humans.mesh.mesh import Hold, Material, Person, Skeleton

__all__ = ["pack", "unpack"]

STEPS = 65535
QUALITY = 92

Arrays = dict[str, NDArray[Any]]


def pack(person: Person) -> bytes:
    """The person as the bytes of a safetensors file."""
    arrays: Arrays = {}
    for name in ("positions", "uv"):
        values = getattr(person, name)
        low, high = values.min(0), values.max(0)
        arrays[f"{name}.box"] = np.stack([low, high]).astype(np.float32)
        arrays[name] = np.rint((values - low) / np.maximum(high - low, 1e-9) * STEPS).astype(np.uint16)
    weights = np.rint(person.weights * STEPS).astype(np.int64)
    strongest = weights.argmax(1)
    weights[np.arange(len(weights)), strongest] += STEPS - weights.sum(1)
    arrays["weights"] = weights.astype(np.uint16)
    arrays["bones"] = person.bones.astype(np.uint8)
    arrays["smooth"] = _small(person.smooth)
    arrays["triangles"] = _small(person.triangles)
    arrays["materials_of"] = person.materials_of.astype(np.uint8)
    arrays["parents"], arrays["heads"] = person.skeleton.parents, person.skeleton.heads
    for number, material in enumerate(person.materials):
        arrays |= {f"{number}.{name}": array for name, array in _packed(material.texture).items()}
    about = {
        "identity": person.identity,
        "labels": dict(person.labels),
        "bones": person.skeleton.names,
        "body_vertices": person.body_vertices,
        "hands": [hold and [hold.kind, hold.reach] for hold in person.hands],
        "materials": [
            [getattr(material, field.name) for field in fields(Material) if field.name != "texture"]
            for material in person.materials
        ],
    }
    return pack_arrays(arrays, {"person": json.dumps(about)})


def unpack(data: bytes) -> Person:
    """The person in these bytes.

    Raises:
        ValueError: they are damaged.
    """
    try:
        arrays, about = load_arrays(data)
        return _unpacked(arrays, json.loads(about["person"]))
    except Exception as error:  # JSON and JPEG raise whatever the damage leads to
        raise ValueError(f"not a packed person: {error}") from error


def _unpacked(arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> Person:
    spread = {}
    for name in ("positions", "uv"):
        low, high = arrays[f"{name}.box"]
        spread[name] = arrays[name] * ((high - low) / np.float32(STEPS)) + low
    left, right = (hold and Hold(hold[0], hold[1] and tuple(hold[1])) for hold in about["hands"])
    return Person(
        identity=about["identity"],
        labels=about["labels"],
        positions=spread["positions"],
        smooth=arrays["smooth"].astype(np.int32),
        uv=spread["uv"],
        bones=arrays["bones"].astype(np.int32),
        weights=arrays["weights"].astype(np.float32) / np.float32(STEPS),
        triangles=arrays["triangles"].astype(np.int32),
        materials_of=arrays["materials_of"].astype(np.int32),
        materials=tuple(
            Material(name, _texture(arrays, number), *rest) for number, (name, *rest) in enumerate(about["materials"])
        ),
        skeleton=Skeleton(tuple(about["bones"]), arrays["parents"], arrays["heads"]),
        body_vertices=about["body_vertices"],
        hands=(left, right),
    )


def _packed(texture: NDArray[np.uint8]) -> Arrays:
    color = np.ascontiguousarray(texture[..., :3])
    jpeg = simplejpeg.encode_jpeg(color, quality=QUALITY, colorsubsampling="444")
    arrays: Arrays = {"color": np.frombuffer(jpeg, np.uint8)}
    if (texture[..., 3] < 255).any():
        arrays["alpha"] = texture[..., 3]
    return arrays


def _texture(arrays: Mapping[str, NDArray[Any]], number: int) -> NDArray[np.uint8]:
    color = simplejpeg.decode_jpeg(arrays[f"{number}.color"].tobytes())
    texture = np.full((*color.shape[:2], 4), 255, np.uint8)
    texture[..., :3] = color
    if f"{number}.alpha" in arrays:
        texture[..., 3] = arrays[f"{number}.alpha"]
    return texture


def _small(numbers: NDArray[np.int32]) -> NDArray[Any]:
    """In 16 bits where they fit."""
    return numbers.astype(np.uint16 if numbers.max() < 2**16 else np.int32)
