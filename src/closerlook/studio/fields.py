"""What the fields of the page say, as knobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from closerlook.errors import UsageError
from closerlook.studio.knobs import Knobs
from closerlook.synthesis.generation.parameters import parameter
from closerlook.synthesis.humans import Population

__all__ = ["CAMERA", "SHARES", "read_fields"]

CAMERA = ("height", "distance", "pitch", "focal", "occlusion")  # of the scene's camera parameters those with a slider
SHARES = tuple(vars(Population()))
NUMBERS = {"identity": "The person's number", "seed": "The seed"}


def read_fields(fields: Mapping[str, Any], start: Knobs) -> Knobs:
    """The knobs that a page's fields ask for.

    Args:
        fields: value of each by name: those of :class:`Knobs` that have a field; ``chosen``, which of :data:`CAMERA`
            are set by hand, and the value of each; ``more``, lines such as ``sensor.noise=3``; and the shares of
            :data:`SHARES`.
        start: where what has no field comes from: size, and what images share.

    Raises:
        UsageError: a field is empty, or a line is not ``name=value`` or names what is set already or is unknown.

    Example:
        >>> from closerlook.studio import Knobs
        >>> from closerlook.studio.fields import read_fields
        >>> from closerlook.synthesis.humans import Population
        >>> shares = vars(Population())
        >>> fields = {"identity": 3, "seed": 0, "viewpoint": 90, "weather": "rain", "illumination": "noon"}
        >>> fields |= {"backdrop": "street", "sensor": "cctv", "chosen": ["height"], "height": 4, "more": ""}
        >>> read_fields(fields | shares, Knobs()).parameters
        {'camera.height': 4.0}
    """
    for name, what in NUMBERS.items():
        if fields[name] is None:
            raise UsageError(f"{what} is empty: give a whole number.")
    parameters = {f"camera.{name}": float(fields[name]) for name in CAMERA if name in fields["chosen"]}
    for name, value in _lines(fields["more"]):
        if name in parameters:
            raise UsageError(f"{name} is set twice: leave one out.")
        parameters[name] = value
    usual = vars(Population())
    return replace(
        start,
        identity=int(fields["identity"]),
        seed=int(fields["seed"]),
        viewpoint=float(fields["viewpoint"]),
        **{name: fields[name] for name in ("weather", "illumination", "backdrop", "sensor")},
        parameters=parameters,
        population={name: fields[name] for name in SHARES if fields[name] != usual[name]},
    )


def _lines(text: str) -> list[tuple[str, float]]:
    """``"sensor.noise=3"`` -> ``[("sensor.noise", 3.0)]``; empty lines are none."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, value = line.partition("=")
        try:
            found.append((parameter(name.strip()), float(value)))
        except ValueError:
            raise UsageError(f"'{line}' must look like sensor.noise=3, one parameter a line.") from None
    return found
