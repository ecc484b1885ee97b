"""A design as it is asked for, checked against what the renderer knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from closerlook.attributes import Design, Level
from closerlook.errors import UsageError, short, unknown
from closerlook.synthesis.generation.network import check_network
from closerlook.synthesis.generation.parameters import check, column, known_parameters, parameter, with_custom
from closerlook.synthesis.scenes.sky import ILLUMINATIONS
from closerlook.synthesis.scenes.weather import WEATHERS

__all__ = ["FACTORS", "camera_number", "read_design"]

FACTORS = ("viewpoint", "weather", "illumination")


def read_design(
    source: str | Path | Design,
    identities: int | None,
    levels: Mapping[str, Sequence[object]] | None,
    cameras: int | None = None,
) -> Design:
    """The design with so many people and only these levels, checked that all of it can be rendered.

    Args:
        source, identities, levels: as for :func:`closerlook.generate`.
        cameras: of a network; the design's own if ``None``.

    Raises:
        UsageError: it has a factor or a level that the renderer does not know.
    """
    design = Design.load(source)
    _check_scene(design)
    if identities is not None:
        if identities < 1:
            raise UsageError(f"--identities must be at least 1, not {identities}.")
        design = replace(design, identities=identities)
    if cameras is not None:
        design = replace(design, cameras=(design.cameras + ({},) * max(cameras, 0))[: max(cameras, 0)])
    if cameras is not None or design.cameras:
        varied = [*(factor.name for factor in design.factors if factor.name not in FACTORS), *design.jitter]
        check_network(design.name, design.cameras, design.frames, varied)
    kept = {column(name): values for name, values in (levels or {}).items()}
    return _with_named_weathers(design, kept.get("weather", ())).subset(None, **kept)


def _with_named_weathers(design: Design, asked: Sequence[object]) -> Design:
    """The design with any weather of the renderer's own that is asked for, such as rain, which the paper lacks."""
    known = [level for factor in design.factors if factor.name == "weather" for level in factor.levels]
    for name in asked:
        if known and name not in known and name not in WEATHERS:
            raise unknown("weather", name, dict.fromkeys([*known, *WEATHERS]))
    extra = tuple(dict.fromkeys(str(name) for name in asked if name in WEATHERS and name not in known))
    factors = (replace(f, levels=f.levels + extra) if f.name == "weather" else f for f in design.factors)
    return replace(design, factors=tuple(factors)) if extra else design


def _check_scene(design: Design) -> None:
    """See that the renderer knows every factor, level, jitter and level of the user's own."""
    named: dict[str, Mapping[str, object]] = {
        "weather": with_custom("weather", WEATHERS, design.weathers),
        "illumination": with_custom("illumination", ILLUMINATIONS, design.illuminations),
    }
    for factor in design.factors:
        for level in factor.levels:
            if factor.name == "viewpoint":
                camera_number(level)
            elif factor.name not in named:
                check(_scene_factor(design, factor.name), level)
            elif level not in named[factor.name]:
                raise unknown(factor.name, level, named[factor.name])
        if factor.name == "viewpoint" and len(set(map(camera_number, factor.levels))) < len(factor):
            raise UsageError(f"Design '{design.name}' names a viewpoint twice: {', '.join(map(str, factor.levels))}.")
    for name, drawn in design.jitter.items():
        dotted = parameter(name)
        if any(column(dotted) == factor.name for factor in design.factors):
            raise UsageError(f"Design '{design.name}' has {dotted} both as a factor and as jitter.")
        if drawn.kind != "normal":  # whose tails are drawn in to what is allowed
            for number in drawn.numbers:
                check(dotted, number, end=drawn.kind != "choice")


def _scene_factor(design: Design, name: str) -> str:
    try:
        return parameter(name)
    except UsageError:
        raise unknown(f"factor to render in design '{design.name}':", name, [*FACTORS, *known_parameters()]) from None


def camera_number(viewpoint: Level) -> int:
    """FineGPR's number of a viewpoint, 1 at 90 degrees and one more every 10; between them 1000 and ten a degree."""
    known = not isinstance(viewpoint, str | bool) and -720 <= viewpoint <= 720
    if not known or round(float(viewpoint) * 10) != round(float(viewpoint) * 10, 6):
        raise UsageError(f"A viewpoint must be a number of degrees, -720 to 720 to a tenth, not {short(viewpoint)}.")
    tenths = round(float(viewpoint) * 10) % 3600
    return (tenths - 900) % 3600 // 100 + 1 if tenths % 100 == 0 else 1000 + tenths
