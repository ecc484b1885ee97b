"""What each method of selection is worth in training: its gain over as many random images, people and scenes.

    python bench/selection_value.py --source data/source --target market1501:/data/Market-1501 --out study --seeds 5

For each target, the gap of the whole source, a plan by every method, and a study: each plan and its control trained
with the same seeds, scored on the target's query and gallery. Stopped, it goes on where it was; with more seeds it adds
them. Intervals count test people and seeds. Choose by targets that are not those that the choice is confirmed on, and
on no test split: a manifest of training identities with splits of its own will do.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import closerlook as cl
from closerlook.dataset import Dataset
from closerlook.selection import METHODS, Plan
from closerlook.selection.methods import NEEDS_IMAGES
from closerlook.study import read_runs, run_study, summarize

PEOPLE = 0.5  # of the source, that search-and-prune keeps


def plans_of(source: Dataset, target: Dataset, out: Path, seed: int) -> dict[str, Plan]:
    """A plan by every method; what has been selected before is read."""
    gap = cl.analyze(source, target.train, per_cell=0, out=out / "gap")
    plans = {}
    for name in (*METHODS, "people"):
        path = out / f"{name}.yaml"
        if not path.exists():
            if name == "people":
                number = round(PEOPLE * source.counts()["identities"])
                plan = cl.select_identities(gap, source, number, seed=seed)
            else:
                images = {"source": source, "target": target.train} if name in NEEDS_IMAGES else {}
                plan = cl.select(gap, method=name, seed=seed, **images)  # type: ignore[arg-type]
            plan.save(path)
        plans[name] = Plan.load(path)
    return plans


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", required=True)
    parser.add_argument("--target", required=True, action="append")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=400)
    asked = parser.parse_args()
    source = cl.open_dataset(asked.source).train
    for name in asked.target:
        target = cl.open_dataset(name)
        out = asked.out / target.name
        out.mkdir(parents=True, exist_ok=True)
        plans = plans_of(source, target, out, seed=0)
        overrides = {"steps": asked.steps}
        run_study(source, target, out=out, plans=plans, recipe="cpu-quick", overrides=overrides, seeds=asked.seeds)
        print(f"{target.name}: {asked.seeds} seeds of {asked.steps} steps")
        for row in summarize(read_runs(out)):
            gain = "" if row.gain is None else f"{100 * row.gain:+6.2f}"
            if row.gain_low is not None and row.gain_high is not None:
                gain += f" ({100 * row.gain_low:+.2f} to {100 * row.gain_high:+.2f})"
            print(f"  {row.arm:24} {row.images:7,} images {100 * row.mean['mAP']:6.2f} mAP  {gain}")


if __name__ == "__main__":
    main()
