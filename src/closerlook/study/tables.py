"""The rows of the paper's Tables 1 and 2, and of such a table of one's own, as subsets of the data set at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from closerlook.attributes import Level
from closerlook.dataset import Dataset
from closerlook.errors import UsageError, unknown
from closerlook.gap import Gap
from closerlook.selection import Plan
from closerlook.selection.methods.greedy import greedy
from closerlook.selection.paper import PAPER

__all__ = ["OWN", "TABLES", "Row", "row_plan", "table_rows"]

OWN = "own"


@dataclass(frozen=True)
class Row:
    """A row of Table 1 or 2.

    Attributes:
        name: what tables and folders call it.
        share: of the identities; the paper's 100, 400 and 800 people are 1/8, 1/2 and all of what is at hand.
        levels: the levels that are kept; attributes not named keep all.
        paper: the paper's mAP, rank-1 and rank-5 as shares of 1, to stand beside ours; None in a table of one's own.
    """

    name: str
    share: float = 1.0
    levels: Mapping[str, tuple[Level, ...]] = field(default_factory=dict)
    paper: tuple[float, float, float] | None = None


PEOPLE = (Row("eighth-of-people", 1 / 8), Row("half-of-people", 1 / 2), Row("all"))


def _papers(target: str, numbers: list[tuple[float, float, float]]) -> list[Row]:
    kept = PAPER[target]
    order = ("weather", "illumination", "viewpoint")
    narrowed = [Row(name, levels={name: kept[name]}) for name in order]
    rows = [*PEOPLE, *narrowed, Row("all-three", levels=kept)]
    return [replace(row, paper=reached) for row, reached in zip(rows, numbers, strict=True)]


TABLES: dict[str, list[Row]] = {
    "market": _papers(
        "market",
        [
            (0.048, 0.154, 0.293),
            (0.135, 0.357, 0.538),
            (0.174, 0.418, 0.606),
            (0.197, 0.433, 0.598),
            (0.186, 0.414, 0.588),
            (0.193, 0.441, 0.624),
            (0.174, 0.403, 0.567),
        ],
    ),
    "duke": _papers(
        "duke",
        [
            (0.043, 0.138, 0.242),
            (0.107, 0.263, 0.382),
            (0.151, 0.335, 0.480),
            (0.178, 0.338, 0.483),
            (0.188, 0.382, 0.523),
            (0.172, 0.377, 0.522),
            (0.133, 0.257, 0.391),
        ],
    ),
}


def table_rows(name: str, gap: Gap | None = None) -> list[Row]:
    """The rows of Table 1 (``market``) or Table 2 (``duke``), or (``own``) such rows for one's own data.

    The paper's rows are all people and subsets of them, then each attribute cut to its best levels, then all attributes
    together. ``own`` has the levels whose mmd2 in ``gap`` is at or below their attribute's mean.

    Raises:
        UsageError: there is no such table, or ``own`` is asked for without a gap.
    """
    if name not in (OWN, *TABLES):
        raise unknown("table", name, [*TABLES, OWN])
    if name != OWN:
        return TABLES[name]
    if gap is None:
        raise UsageError("--table own needs --gap, the analysis that says which levels are near to the target.")
    kept = greedy(gap, rule="mean")
    narrowed = {f.name: kept[f.name] for f in gap.factors if len(kept[f.name]) < len(f)}
    together = [Row("together", levels=narrowed)] if len(narrowed) > 1 else []
    return [*PEOPLE, *(Row(factor, levels={factor: levels}) for factor, levels in narrowed.items()), *together]


def row_plan(row: Row, data: Dataset) -> Plan:
    """What the row trains on: its levels, and its share of the people, lowest numbers first.

    Raises:
        UsageError: fewer than two people are left, or the data have not got one of the row's levels.
    """
    people = data.table["identity"].unique().sort()
    kept = round(row.share * len(people))
    if kept < 2:
        raise UsageError(f"Row '{row.name}' keeps {row.share:.3g} of {len(people)} people: too few to train on.")
    values = {name: data.factor(name).keep(levels).levels for name, levels in row.levels.items()}
    some = tuple(people.head(kept).to_list()) if kept < len(people) else ()
    plan = Plan(values=values, images=0, share=0, identities=some)
    images = len(plan.rows(data.table))
    return plan.model_copy(update={"images": images, "share": images / len(data)})
