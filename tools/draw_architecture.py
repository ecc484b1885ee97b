"""Draws docs/images/architecture.svg, the rooms of the package in layers: python tools/draw_architecture.py

``LAYERS`` is the one place that says which room may import which: those of the layers before its own. A test holds the
imports against it, and the picture against both.
"""

from __future__ import annotations

from pathlib import Path

PICTURE = Path(__file__).parent.parent / "docs" / "images" / "architecture.svg"
# From what imports nothing to what imports all; rooms of a layer do not know each other.
LAYERS: tuple[tuple[str, dict[str, str]], ...] = (
    ("foundations", {"storage": "files, whole or not at all", "compute": "processes, kernels, progress"}),
    ("data", {"dataset": "images and one table; formats in and out"}),
    ("images, vectors", {"synthesis": "people, scenes, light, sensor", "embedding": "image → vector"}),
    ("numbers", {"gap": "distance of every level to the target", "metrics": "rankings, mAP, CMC"}),
    ("choices", {"selection": "gap → plan", "adaptation": "target → scene"}),
    ("models", {"reid": "plan and recipe → model"}),
    ("scores", {"evaluation": "model and target → result"}),
    ("comparisons", {"study": "plans beside random controls"}),
    ("validation", {"validation": "does the gap predict training value?"}),
    ("pages", {"reporting": "what ran and what it found", "studio": "one person, knobs turned by hand"}),
    ("commands", {"cli": "one file a verb"}),
)
WIDTH, ROW, BOX, LEFT, GAP = 860, 62, 46, 130, 14
STYLE = " ".join(
    [
        "text { font: 14px system-ui, sans-serif; fill: #1f2937 }",
        ".name { font-weight: 600 }",
        ".what, .layer { font-size: 12px; fill: #4b5563 }",
        "rect { fill: #eef2ff; stroke: #6366f1 }",
        ".sheet { fill: #ffffff; stroke: none }",
    ]
)


def picture() -> str:
    """The picture as SVG, the last layer on top."""
    height = ROW * len(LAYERS) + 2 * GAP
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title">',
        '<title id="title">The rooms of closerlook in layers: each imports only from layers below its own.</title>',
        f"<style>{STYLE}</style>",
        f'<rect class="sheet" width="{WIDTH}" height="{height}"/>',
    ]
    for row, (layer, rooms) in enumerate(reversed(LAYERS)):
        top = GAP + ROW * row
        lines.append(f'<text class="layer" x="{GAP}" y="{top + 28}">{layer}</text>')
        width = (WIDTH - LEFT - GAP - GAP * (len(rooms) - 1)) / len(rooms)
        for column, (room, what) in enumerate(rooms.items()):
            left = LEFT + column * (width + GAP)
            lines += [
                f'<rect x="{left:g}" y="{top}" width="{width:g}" height="{BOX}" rx="6"/>',
                f'<text class="name" x="{left + 12:g}" y="{top + 20}">{room}</text>',
                f'<text class="what" x="{left + 12:g}" y="{top + 37}">{what}</text>',
            ]
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
