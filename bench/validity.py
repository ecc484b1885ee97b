"""Does the distance to a target predict what training on a part of the data is worth? The runs behind docs/validity.md.

Product subsets of two weathers and two illuminations, of equal images, people and scenes, are trained on by one recipe
and scored on every target. Steps, each of which resumes:

    python bench/validity.py targets --market /data/Market-1501-v15.09.15 --cuhk01 /data/CUHK01/campus --work WORK
    python bench/validity.py choose --work WORK
    python bench/validity.py train --work WORK --worker 1/2
    python bench/validity.py collect --work WORK
    python bench/validity.py measure --work WORK
    python bench/validity.py analysis

``targets`` renders the source and the planted targets and lays out the real ones, in WORK; ``choose`` measures the gap
to each and picks the subsets before anything is trained (bench/results/validity/subsets.csv); ``train`` writes a row a
run, target and query camera to WORK/results, and ``collect`` gathers them in bench/results/validity/runs.csv. Runs that
are listed there are not run again. ``measure`` writes the other measures of the subsets and the gaps of all candidates,
and ``analysis`` the outcomes, from the tables in bench/results/validity alone. No image of a test split is read;
docs/validity.md says what was fixed beforehand.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import stats

from closerlook.attributes import ILLUMINATIONS, WEATHERS, Factor
from closerlook.dataset import Dataset, open_dataset
from closerlook.dataset.decoding import read_image
from closerlook.dataset.images import image_array
from closerlook.embedding import open_embedding
from closerlook.evaluation import evaluate
from closerlook.gap import Gap, analyze
from closerlook.randomness import keyed_rng
from closerlook.reid import Recipe, train
from closerlook.selection.features import SubsetFeatures, sample_source, sample_target
from closerlook.storage.files import atomic_path
from closerlook.storage.keys import DIGEST, digest
from closerlook.study.planted import places
from closerlook.synthesis import generate
from closerlook.validation.estimates import Estimate
from closerlook.validation.interaction import interaction
from closerlook.validation.measures import GapMeasures
from closerlook.validation.outcome import Before, Outcome, find_outcome, scores_of, verdict
from closerlook.validation.renaming import rename
from closerlook.validation.subsets import Candidates

RESULTS = Path(__file__).parent / "results" / "validity"
SIZE = (128, 64)
PEOPLE, SUBSETS, CONTROLS = 96, 30, 6
PER_CELL = 24
RECIPE = Recipe.resolve("cpu-quick", {"steps": 400})
PLANTED_PEOPLE, PLANTED_UNLABELED = 500, 100
PLANTED = {
    "night": (101, {"weather": ("sunny", "clouds"), "illumination": ("midnight", "night")}, "cctv"),
    "snow": (102, {"weather": ("snowlight", "blizzard"), "illumination": ("noon",)}, "cctv"),
    "fog": (103, {"weather": ("foggy",), "illumination": ("forenoon", "afternoon")}, "phone"),
}
Change = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]
TARGETS = ("market-a", "market-b", "dark", "haze", "cuhk01", *PLANTED)


# --- targets -------------------------------------------------------------------------------------------------------


def make_targets(market: str, cuhk01: Path, work: Path) -> None:
    """Render the source and the planted targets; lay out the real ones with an unlabeled and a labeled part each."""
    of_source, of_targets = places()
    generate(
        "gpr-plus", identities=PEOPLE, out=work / "source", size=SIZE, seed=11, scene_per="image", backdrops=of_source
    )
    for name, (seed, levels, sensor) in PLANTED.items():
        rendered = generate(
            "gpr-plus",
            identities=PLANTED_PEOPLE,
            out=work / name,
            size=SIZE,
            seed=seed,
            scene_per="image",
            levels={"viewpoint": (0, 90, 180, 270), **levels},
            backdrops=of_targets,
            sensor=sensor,
        )
        unlabeled = pl.col("identity") <= PLANTED_UNLABELED
        _lay_out(rendered, name, work, unlabeled, per_camera=2)
    real = open_dataset(f"market1501:{market}").train
    people = np.unique(real.identities)
    half_a = pl.col("identity").is_in(people[: len(people) // 2].tolist())
    _lay_out(real, "market-a", work, ~half_a)  # distances by half b, accuracy on half a
    _lay_out(real, "market-b", work, half_a)
    for name, change in (("dark", _darken), ("haze", _haze)):
        _lay_out(_changed(real, work / f"{name}-images", name, change), name, work, ~half_a, per_camera=2)
    _lay_out(_cuhk01(cuhk01), "cuhk01", work, pl.col("identity") <= 485)


def _lay_out(data: Dataset, name: str, work: Path, unlabeled: pl.Expr, per_camera: int | None = None) -> None:
    """Write ``name.parquet``: train (for distances, unlabeled), query (one image per person and camera), gallery."""
    order = keyed_rng(0, "validity", name).random(len(data))
    rank = pl.col("order").rank("ordinal").over("identity", "camera")
    table = data.table.select("file_name", "identity", "camera").with_columns(order=pl.Series(order))
    table = table.with_columns(rank=rank, unlabeled=unlabeled)
    if per_camera is not None:
        table = table.filter(pl.col("unlabeled") | (pl.col("rank") <= per_camera))
    split = pl.when("unlabeled").then(pl.lit("train")).when(pl.col("rank") == 1).then(pl.lit("query"))
    table = table.with_columns(split=split.otherwise(pl.lit("gallery")))
    paths = [str((data.root / file).resolve()) for file in table["file_name"]]
    table = table.with_columns(file_name=pl.Series(paths)).drop("order", "rank", "unlabeled")
    with atomic_path(work / f"{name}.parquet") as draft:
        table.write_parquet(draft)


def open_target(work: Path, name: str) -> Dataset:
    return Dataset.from_table(Path("/"), pl.read_parquet(work / f"{name}.parquet"), name, factors=())


def _changed(data: Dataset, folder: Path, name: str, change: Change) -> Dataset:
    """The images through ``change``, written as PNG so that nothing else is lost."""
    for path, file in zip(data.paths, data.table["file_name"], strict=True):
        out = folder / f"{Path(file).stem}.png"
        if not out.exists():
            image = change(read_image(path), keyed_rng(0, "validity", name, out.stem))
            with atomic_path(out) as draft:
                Image.fromarray(image).save(draft)
    files = [f"{Path(file).stem}.png" for file in data.table["file_name"]]
    return Dataset.from_table(folder, data.table.with_columns(file_name=pl.Series(files)), name, factors=())


def _darken(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A fifth of the light and a small sensor's noise."""
    light = (image / 255.0) ** 2.2 * 0.2
    noisy = light + rng.normal(size=image.shape) * np.sqrt(light * 4e-4 + 1e-5)
    return (255 * noisy.clip(0, 1) ** (1 / 2.2)).round().astype(np.uint8)


def _haze(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Half of the light is the air's; blurred by a pixel."""
    gray = rng.uniform(165, 195)
    blurred = Image.fromarray(image).filter(ImageFilter.GaussianBlur(1))
    return (0.45 * np.asarray(blurred) + 0.55 * gray).round().astype(np.uint8)


def _cuhk01(folder: Path) -> Dataset:
    """``iiiikkk.png``: person, then 001 and 002 of camera A, 003 and 004 of camera B."""
    files = sorted(path.name for path in folder.glob("*.png"))
    table = pl.DataFrame(
        {
            "file_name": files,
            "identity": [int(name[:4]) for name in files],
            "camera": [1 if int(name[4:7]) <= 2 else 2 for name in files],
        }
    )
    return Dataset.from_table(folder, table, "cuhk01", factors=())


# --- the choice of subsets ------------------------------------------------------------------------------------------


def choose(work: Path) -> None:
    """Pick the subsets: distances to Market spread evenly, least tied to diversity, brightness and other targets."""
    source = open_dataset(work / "source")
    gaps = {name: _gap(work, source, name) for name in TARGETS}
    table = _candidates(source, gaps)
    main = (table["gap_market-a"] + table["gap_market-b"]).to_numpy() / 2
    other = [name for name in table.columns if name.startswith(("gap_", "diversity", "brightness"))]
    other = [name for name in other if not name.startswith("gap_market")]
    rest = stats.rankdata(table.select(other).to_numpy(), axis=0)
    chosen = _spread(main, rest)
    with atomic_path(RESULTS / "subsets.csv") as draft:
        table[chosen].sort("gap_market-a").with_row_index("subset").write_csv(draft)


def _gap(work: Path, source: Dataset, name: str) -> Gap:
    return analyze(source, open_target(work, name).train, per_cell=PER_CELL, out=work / "gaps" / name)


def _candidates(source: Dataset, gaps: dict[str, Gap]) -> pl.DataFrame:
    """One row per pair of weathers and pair of illuminations, with what is known of it before training."""
    weathers, hours = (next(f.levels for f in source.factors if f.name == n) for n in ("weather", "illumination"))
    light = image_array(source, SIZE).mean(axis=(1, 2, 3))
    means = source.table.with_columns(light=pl.Series(light)).group_by("weather", "illumination").agg(pl.mean("light"))
    brightness = {(w, h): value for w, h, value in means.iter_rows()}
    rows = []
    for pair in itertools.product(itertools.combinations(weathers, 2), itertools.combinations(hours, 2)):
        row: dict[str, object] = {"weather": "+".join(map(str, pair[0])), "illumination": "+".join(map(str, pair[1]))}
        for name, gap in gaps.items():
            scores = gap.score({"weather": pair[0], "illumination": pair[1]})
            row |= {f"gap_{name}": scores["mmd2"], f"total_{name}": scores["total_loss"]}
            row["diversity"] = scores["diversity"] if name == "market-a" else row["diversity"]
        row["brightness"] = np.mean([brightness[cell] for cell in itertools.product(*pair)])
        rows.append(row)
    return pl.DataFrame(rows)


def _spread(main: NDArray[np.float64], rest: NDArray[np.float64], tries: int = 20_000) -> list[int]:
    """Rows, one from each of SUBSETS equal steps of the distance, exchanged until it is least tied to the rest."""
    rng = keyed_rng(0, "validity", "choose")
    edges = np.linspace(main.min(), np.quantile(main, 0.97), SUBSETS + 1)
    bins = np.clip(np.searchsorted(edges, main, side="right") - 1, 0, SUBSETS - 1)
    pools = [rows for rows in (np.flatnonzero(bins == number) for number in range(SUBSETS)) if len(rows)]
    chosen = np.array([rng.choice(pool) for pool in pools])

    def tie(rows: NDArray[np.int64]) -> float:
        order = stats.rankdata(main[rows])
        return float(sum(np.corrcoef(order, column)[0, 1] ** 2 for column in rest[rows].T))

    best = tie(chosen)
    for _ in range(tries):
        candidate = chosen.copy()
        position = rng.integers(len(pools))
        candidate[position] = rng.choice(pools[position])
        if (now := tie(candidate)) < best:
            chosen, best = candidate, now
    missing = SUBSETS - len(chosen)  # steps without a candidate: the fullest steps give another one each
    left = np.setdiff1d(np.arange(len(main)), chosen)
    return sorted([*chosen.tolist(), *rng.choice(left, missing, replace=False).tolist()])


# --- training -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """A subset, or a random control (``subset`` is -1, -2, ...), and a seed."""

    subset: int
    seed: int

    @property
    def name(self) -> str:
        return f"{'random' if self.subset < 0 else 'subset'}-{abs(self.subset)}-seed-{self.seed}"

    def rows(self, source: Dataset, subsets: pl.DataFrame) -> NDArray[np.int64]:
        if self.subset < 0:
            return _random_rows(source, -self.subset)
        row = subsets.row(self.subset, named=True)
        inside = [pl.col(name).cast(pl.String).is_in(row[name].split("+")) for name in ("weather", "illumination")]
        return np.flatnonzero(source.table.select(inside[0] & inside[1]).to_series().to_numpy())


def plan_runs() -> list[Run]:
    """Shuffled, so that what has been run at any time is a random part; second seeds for a third follow at once."""
    order = keyed_rng(0, "validity", "order").permutation(np.r_[np.arange(SUBSETS), -1 - np.arange(CONTROLS)]).tolist()
    return [Run(subset, seed) for n, subset in enumerate(order) for seed in ((0, 1) if n % 3 == 0 else (0,))]


def _random_rows(source: Dataset, number: int) -> NDArray[np.int64]:
    """Four random cells of weather and illumination for each person and viewpoint: as many images as a subset's."""
    order = pl.Series(keyed_rng(number, "validity", "control").random(len(source)))
    rank = source.table.with_columns(order=order).select(pl.col("order").rank("ordinal").over("identity", "viewpoint"))
    return np.flatnonzero(rank.to_series().to_numpy() <= 4)


def train_runs(work: Path, worker: tuple[int, int]) -> None:
    """Train and score every run that has no result yet."""
    source, subsets = open_dataset(work / "source"), pl.read_csv(RESULTS / "subsets.csv")
    done = _done()
    for run in plan_runs()[worker[0] - 1 :: worker[1]]:
        out = work / "results" / f"{run.name}.json"
        part = source.take(run.rows(source, subsets))
        key = digest([RECIPE.model_dump(mode="json"), part.table["file_name"].to_list()]).removeprefix(DIGEST)[:16]
        if (run, key) in done or (out.is_file() and json.loads(out.read_text())[0]["key"] == key):
            continue
        model = train(part, recipe=RECIPE, out=work / "runs" / run.name, seed=run.seed)
        scores = [score for name in TARGETS for score in _scores(model, open_target(work, name), name)]
        about = {"subset": run.subset, "seed": run.seed, "images": len(part), "key": key}
        out.parent.mkdir(exist_ok=True)
        with atomic_path(out) as draft:
            draft.write_text(json.dumps([{**about, **score} for score in scores]))
        print(run.name, {s["target"]: round(100 * s["mAP"], 2) for s in scores if s["camera"] == 0}, flush=True)


def _scores(model: object, target: Dataset, name: str) -> Iterator[dict[str, object]]:
    """A row for all queries (camera 0) and one for the queries of each camera, with the deviation over people."""
    result = evaluate(model, target, protocol="dukemtmc")  # type: ignore[arg-type]  # neither junk nor distractors
    queries = result.per_query.filter(pl.col("reason").is_null())
    cameras = sorted(queries["camera"].unique().to_list())
    for camera in (0, *(cameras if name.startswith("market") else ())):
        own = queries if camera == 0 else queries.filter(pl.col("camera") == camera)
        people = own.group_by("identity").agg(pl.mean("ap"))["ap"]
        yield {
            "target": name,
            "camera": camera,
            "queries": len(own),
            "mAP": own["ap"].mean(),
            "rank1": float((own["first_hit"] == 1).mean()),  # type: ignore[arg-type]
            "identities": len(people),
            "identities_sd": people.std(),
        }


def _done() -> set[tuple[Run, str]]:
    """The runs that have been listed, each with the key of what it was made from."""
    path = RESULTS / "runs.csv"
    if not path.is_file():
        return set()
    rows = pl.read_csv(path).select("subset", "seed", "key").unique()
    return {(Run(subset, seed), key) for subset, seed, key in rows.iter_rows()}


# Of the commit that trains them: its recipe has other field names, and so its runs have other keys
EARLIER = {"people": "identities", "people_sd": "identities_sd"}


def collect(work: Path) -> None:
    """Add what WORK/results has to bench/results/validity/runs.csv."""
    found = [pl.DataFrame(json.loads(path.read_text())) for path in sorted((work / "results").glob("*.json"))]
    found = [table.rename(EARLIER, strict=False) for table in found]
    path = RESULTS / "runs.csv"
    tables = [*([pl.read_csv(path)] if path.is_file() else []), *found]
    both = pl.concat(tables, how="vertical_relaxed").unique(["subset", "seed", "target", "camera"], keep="last")
    with atomic_path(path) as draft:
        both.sort("subset", "seed", "target", "camera").write_csv(draft, float_precision=6)


# --- analysis -------------------------------------------------------------------------------------------------------

MARKET = ("market-a", "market-b")
OUTCOMES = ("market", *(name for name in TARGETS if name not in MARKET))
LEVEL = 0.975
SPACE = Candidates((Factor("weather", WEATHERS), Factor("illumination", ILLUMINATIONS)))


def measure(work: Path) -> None:
    """Write candidates.csv (the gap of all pairs) and measures.csv; gaps that WORK no longer has are measured anew."""
    source, subsets = open_dataset(work / "source"), pl.read_csv(RESULTS / "subsets.csv")
    gaps = {name: _gap(work, source, name) for name in TARGETS}
    rows = [
        {"candidate": number, **{name: gap.score(SPACE.levels(number))["mmd2"] for name, gap in gaps.items()}}
        for number in range(len(SPACE))
    ]
    candidates = pl.DataFrame(rows)
    _write(candidates, "candidates.csv")
    for name in TARGETS:
        moved = (candidates[name].gather(_candidates_of(subsets)) - subsets[f"gap_{name}"]).abs().max()
        print(f"{name}: gaps differ by at most {moved:.1e} from those that the subsets were chosen by")
    pooled = open_embedding("lite0-pooled", SIZE)
    sample = sample_source(source, SPACE.factors, pooled, 0, images=2 * PEOPLE * 49)
    levels = [SPACE.levels(number) for number in _candidates_of(subsets)]
    features = [SubsetFeatures(sample, sample.rows(SPACE.factors, kept)) for kept in levels]
    found = []
    for name, gap in gaps.items():
        known = GapMeasures(gap)
        shares = [known.shares[factor.name] for factor in SPACE.factors]
        target = sample_target(open_target(work, name).train, sample, shares, pooled, 0)
        for subset, kept, own in zip(subsets["subset"], levels, features, strict=True):
            values = {**known.values(kept), **own.measures(target)}
            found += [{"subset": subset, "target": name, "measure": key, "value": v} for key, v in values.items()]
    _write(pl.DataFrame(found), "measures.csv")


def analysis(results: Path = RESULTS) -> dict[str, object]:
    """The outcomes that docs/validity.md fixes, from the tables in ``results``, into outcomes.json; missing runs are
    left out, and measures.csv may be missing."""
    runs = _with_market(pl.read_csv(results / "runs.csv").filter(pl.col("camera") == 0))
    subsets, candidates = pl.read_csv(results / "subsets.csv"), pl.read_csv(results / "candidates.csv")
    before = _known_before(subsets, candidates, _measures(results, subsets))
    scores = scores_of(runs, before.number, OUTCOMES)
    done = np.flatnonzero(np.isfinite(scores).any(axis=1).all(axis=1))
    before, scores = before.take(done), scores[done]
    found = find_outcome(before, scores, pl.DataFrame(), level=LEVEL)
    market = found.targets[0]
    halves = scores_of(runs, before.number, TARGETS)
    gaps = candidates.select(TARGETS).to_numpy().reshape(*SPACE.shape, len(TARGETS))
    controls = runs.filter(pl.col("subset") < 0).group_by("target").agg(pl.mean("mAP"), sd=pl.std("mAP"), runs=pl.len())
    outcomes = {
        "subsets": len(done),
        "runs": runs.select("subset", "seed").n_unique(),
        "primary 1": {"verdict": verdict(market.gain, [market.power]), **asdict(market)},
        "primary 2": {"significant": bool(found.interaction.p < 1 - LEVEL), **asdict(found.interaction)},
        "interaction with both halves of Market-1501": asdict(
            interaction(np.nanmean(halves, axis=1), gaps, before.place, rename(before.place, before.sets))
        ),
        "targets": [asdict(own) for own in found.targets],
        "associations": [asdict(row) for row in found.associations],
        "choice": None if found.choice is None else asdict(found.choice),
        "controls": controls.sort("target").to_dicts(),
    }
    with atomic_path(results / "outcomes.json") as draft:
        draft.write_text(json.dumps(_plain(outcomes), indent=1))
    _show(found, outcomes)
    return outcomes


def _with_market(runs: pl.DataFrame) -> pl.DataFrame:
    """With rows for Market-1501: the mean of both halves, where a run has both."""
    both = runs.filter(pl.col("target").is_in(MARKET)).group_by("subset", "seed").agg(pl.mean("mAP"), halves=pl.len())
    whole = both.filter(pl.col("halves") == 2).select("subset", "seed", pl.lit("market").alias("target"), "mAP")
    return pl.concat([runs.select(whole.columns), whole], how="vertical_relaxed")


def _candidates_of(subsets: pl.DataFrame) -> list[int]:
    names = subsets.select("weather", "illumination").iter_rows()
    return [SPACE.number([weather.split("+"), hours.split("+")]) for weather, hours in names]


def _measures(results: Path, subsets: pl.DataFrame) -> pl.DataFrame:
    """One row per subset, target (Market-1501 as one) and measure; those of subsets.csv always, others if made."""
    columns = {"gap": "gap_{}", "total balanced": "total_{}", "diversity": "diversity"}
    tables = [
        subsets.select("subset", target=pl.lit(target), measure=pl.lit(name), value=pl.col(column.format(target)))
        for name, column in columns.items()
        for target in TARGETS
    ]
    if (results / "measures.csv").is_file():
        others = pl.read_csv(results / "measures.csv").filter(~pl.col("measure").is_in(list(columns)))
        tables.append(others.select("subset", "target", "measure", "value"))
    table = pl.concat(tables, how="vertical_relaxed")
    one = pl.when(pl.col("target").is_in(MARKET)).then(pl.lit("market")).otherwise("target").alias("target")
    return table.group_by("measure", one, "subset", maintain_order=True).agg(pl.mean("value"))


def _known_before(subsets: pl.DataFrame, candidates: pl.DataFrame, measures: pl.DataFrame) -> Before:
    values = {}
    for (name,), own in measures.group_by("measure", maintain_order=True):
        wide = own.pivot("target", index="subset", values="value").sort("subset")
        values[str(name)] = wide.select(OUTCOMES).to_numpy().astype(float)
    table = candidates.sort("candidate").with_columns(market=pl.mean_horizontal(MARKET))
    return Before(
        targets=OUTCOMES,
        number=subsets["subset"].to_numpy(),
        measures=values,
        brightness=subsets["brightness"].to_numpy(),
        gaps=table.select(OUTCOMES).to_numpy().reshape(*SPACE.shape, len(OUTCOMES)),
        place=SPACE.places(np.array(_candidates_of(subsets))),
        sets=SPACE.sets,
    )


def _show(found: Outcome, outcomes: dict[str, object]) -> None:
    def size(value: Estimate, by: float = 100) -> str:
        return f"{by * value.value:+.2f} ({by * value.low:+.2f} to {by * value.high:+.2f})"

    print(f"{outcomes['subsets']} subsets, {outcomes['runs']} runs")
    print(f"1. Market-1501: {outcomes['primary 1']['verdict']}")
    print(f"2. interaction: {outcomes['primary 2']}")
    print(f"   with both halves: {outcomes['interaction with both halves of Market-1501']}")
    for own in found.targets:
        power = own.power
        print(
            f"{own.target:8} run sd {100 * power.run_sd:.2f}, subsets' {100 * power.subset_sd:.2f} mAP "
            f"({'enough' if power.enough else 'not enough'}), reliability {power.reliability:.2f}; "
            f"gain of the nearest {size(own.gain)} mAP, detectable {100 * own.gain.detectable:.2f}, p {own.p:.3f}"
        )
    for row in found.associations:
        print(f"{row.measure:15} {row.target:8} {size(row.rho, 1)}, corrected {row.corrected:+.2f}")
    if found.choice is not None:
        print(
            f"best on odd subsets: {found.choice.measure} {found.choice.odd:+.2f}; on even {size(found.choice.even, 1)}"
        )


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _write(table: pl.DataFrame, name: str) -> None:
    with atomic_path(RESULTS / name) as draft:
        table.write_csv(draft)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("targets", "choose", "train", "collect", "measure", "analysis"))
    parser.add_argument("--work", type=Path, default=Path("work"))
    parser.add_argument("--market")
    parser.add_argument("--cuhk01", type=Path)
    parser.add_argument("--worker", default="1/1")
    asked = parser.parse_args()
    number, of = map(int, asked.worker.split("/"))
    {
        "targets": lambda: make_targets(asked.market, asked.cuhk01, asked.work),
        "choose": lambda: choose(asked.work),
        "train": lambda: train_runs(asked.work, (number, of)),
        "collect": lambda: collect(asked.work),
        "measure": lambda: measure(asked.work),
        "analysis": analysis,
    }[asked.step]()


if __name__ == "__main__":
    main()
