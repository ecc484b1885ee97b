"""How long it takes to open large data sets, and how much memory: a table of 2,028,600 rows, 100,000 files of a layout.

    python bench/datasets.py [--rows 2028600] [--files 100000] [--folder /dev/shm]

Each in a process of its own, whose peak is what the system says; the peak of one that only imports is printed first.
The table's files are not there, as no stage looks for them before it reads them: it is opened as closerlook's own
folder. FineGPR's names are read with the listing of its folder taken from memory, for the same reason.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl

from closerlook.attributes import ILLUMINATIONS, WEATHERS, Design, Factor
from closerlook.dataset import Dataset

VIEWPOINTS = 36
CELLS = VIEWPOINTS * len(WEATHERS) * len(ILLUMINATIONS)
START = (
    "import resource, time\nfrom pathlib import Path\nimport closerlook.dataset as cd\nbegin = time.perf_counter()\n"
)
END = """
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
peak = int(status["VmHWM"].split()[0]) / 2**20
spent = f"{time.perf_counter() - begin:.1f} s ({time.process_time():.1f} s of CPU with imports)"
print(f"{len(data):,} images, {spent}, peak {peak:.2f} GiB")
"""
OPEN = "data = cd.open_dataset({source!r})"
FINEGPR = """
import polars as pl
from closerlook.dataset.formats import names
listed = pl.read_parquet({table!r}, columns=["file_name"])["file_name"].to_list()
begin = time.perf_counter()
names.image_files = lambda path: listed
data = names.read_named("finegpr", Path({folder!r}))
"""


def large_table(folder: Path, rows: int) -> None:
    """FineGPR's rows, without its images."""
    cell, person = pl.int_range(rows, eager=True) % CELLS, pl.int_range(rows, eager=True) // CELLS + 1
    view, weather, light = cell % VIEWPOINTS, cell // VIEWPOINTS % 7, cell // VIEWPOINTS // 7
    digits = {
        name: values.cast(pl.String).str.zfill(width)
        for name, values, width in (("p", person, 4), ("c", view + 1, 2), ("w", weather + 1, 2), ("l", light + 1, 2))
    }
    name = pl.format("{}/{}_c{}_w{}_l{}_p01.jpg", *(pl.lit(digits[part]) for part in "ppcwl"))
    table = pl.select(
        name.alias("file_name"),
        pl.lit(person).alias("identity"),
        pl.lit(view + 1).alias("camera"),
        pl.lit((80 + 10 * (view + 1)) % 360).alias("viewpoint"),
        pl.lit(weather).replace_strict(dict(enumerate(WEATHERS))).alias("weather"),
        pl.lit(light).replace_strict(dict(enumerate(ILLUMINATIONS))).alias("illumination"),
        *(pl.lit((cell * k % 97).cast(pl.Float64)).alias(f"box_{k}") for k in range(4)),
    )
    factors = (
        Factor("viewpoint", tuple(range(0, 360, 10))),
        Factor("weather", WEATHERS),
        Factor("illumination", ILLUMINATIONS),
    )
    Dataset.from_table(folder, table, "large", factors).save(Design("large", rows // CELLS + 1, factors))


def market_files(folder: Path, files: int) -> None:
    """Empty files named as Market-1501 names them."""
    for part in ("bounding_box_train", "query", "bounding_box_test"):
        (folder / part).mkdir(parents=True)
    for number in range(files):
        part = ("bounding_box_train", "bounding_box_test", "bounding_box_test", "query")[number % 4]
        (folder / part / f"{number % 1500 + 1:04d}_c{number % 6 + 1}s1_{number:06d}_01.jpg").touch()


def measure(what: str, work: str) -> None:
    program = START + work + END
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    print(f"{what:<34} {done.stdout.strip() or done.stderr}", flush=True)


def main(rows: int, files: int, home: str | None) -> None:
    with tempfile.TemporaryDirectory(dir=home) as name:
        large, market = Path(name) / "large", Path(name) / "market"
        large.mkdir()
        large_table(large, rows)
        market_files(market, files)
        table = str(large / "metadata.parquet")
        measure("importing alone", "data = ()")
        measure("a table in its folder", OPEN.format(source=str(large)))
        measure("the same, and all paths", OPEN.format(source=str(large)) + "\npaths = data.paths")
        measure("names as FineGPR's", FINEGPR.format(table=table, folder=str(large)))
        measure("market1501:", OPEN.format(source=f"market1501:{market}"))
        measure("the same, recognized", OPEN.format(source=str(market)))
        measure("folder: of its images", OPEN.format(source=f"folder:{market / 'bounding_box_test'}"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1150 * CELLS)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--folder")
    given = parser.parse_args()
    main(given.rows, given.files, given.folder)
