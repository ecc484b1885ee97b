"""Help, versions and wrong calls are answered before anything heavy is imported."""

import subprocess
import sys
from pathlib import Path

import pytest

import closerlook.cli as cli

pytestmark = pytest.mark.slow


HEAVY = ("torch", "warp", "xgboost", "altair", "polars", "numpy", "scipy", "sklearn", "PIL", "anny", "lightning_fabric")
PROGRAM = f"""
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY}:
            raise AssertionError(f"{{name}} was imported")

sys.meta_path.insert(0, Refuse())
from closerlook.cli import main
main()
"""
CALLS = [
    ("--help", 0, "Exit codes"),
    ("--version", 0, "."),
    ("-V", 0, "."),
    ("frobnicate", 2, "No such command"),
    ("generate --help", 0, "--scene-per"),
    ("generate --help", 0, "--cameras"),
    ("generate --help", 0, "--splits"),
    ("generate gpr-pluss --out x", 2, "Did you mean 'gpr-plus'"),
    ("generate gpr-plus --out x --level weather=suny", 2, "Did you mean 'sunny'"),
    ("generate gpr-plus --out x --level wether=sunny", 2, "Did you mean 'weather'"),
    ("generate gpr-plus --out x --scene-per cell", 2, "'cell' is not one of"),
    ("generate gpr-plus --out x --sensor mobile", 2, "'mobile' is not one of"),
    ("generate gpr-plus --out x --plan none.yaml", 1, "There is no plan none.yaml"),
    ("people --out x.txt", 2, "must end in"),
    ("people --out x.png --population none.yaml", 1, "none.yaml"),
    ("studio --size 9", 2, "--size '9' is not a size"),
    ("studio --target nowhere", 1, "no data set at nowhere"),
    ("annotate nowhere", 1, "no data set at nowhere"),
    ("annotate empty --kind depht", 2, "Did you mean 'depth'"),
    ("analyze nowhere empty --out x", 1, "no data set at nowhere"),
    ("analyze empty empty --out x --shard 2", 2, "2/8"),
    ("analyze empty empty --out x --embedding lite1", 2, "Did you mean 'lite0'"),
    ("analyze empty empty --out x --bootstrap-unit frames", 2, "'frames' is not one of"),
    ("invert none.png", 1, "There is no image none.png"),
    ("select empty", 1, "holds no analysis"),
    ("select empty --cap foggy", 2, "weather=foggy:0.1"),
    ("select-identities empty empty --identities 3", 1, "holds no analysis"),
    ("render-next empty --images 3", 1, "holds no analysis"),
    ("adapt nowhere --out x", 1, "no data set at nowhere"),
    ("train nowhere --out x", 1, "no data set at nowhere"),
    ("train empty --out x --recipe baselin", 2, "Did you mean 'baseline'"),
    ("evaluate lite0", 2, "Give either MODEL and --target"),
    ("evaluate lite1 --target empty", 2, "Did you mean 'lite0'"),
    ("evaluate empty --target empty", 1, "There is no model"),
    ("evaluate --query q.parquet --gallery g.parquet", 1, "There is no features file q.parquet"),
    ("study empty empty --out x --table own", 2, "needs --gap"),
    ("study empty nowhere --out x", 1, "no data set at nowhere"),
    ("validate-gap nowhere empty --out x", 1, "no data set at nowhere"),
    ("report empty", 1, "holds neither a study"),
    ("compare a.jpg b.jpg", 1, "There is no image a.jpg"),
    ("extract lite0 nowhere", 1, "no data set at nowhere"),
    ("export lite1", 2, "Did you mean 'lite0'"),
    ("demo --out file", 2, "name a folder"),
    ("dataset audit nowhere", 1, "no data set at nowhere"),
    ("dataset import marketx:empty --out x", 2, "Did you mean 'market1501'"),
    ("dataset export nowhere --out x", 1, "no data set at nowhere"),
]


@pytest.mark.parametrize(("call", "code", "says"), CALLS, ids=[call for call, _, _ in CALLS])
def test_a_call_that_cannot_work_is_told_at_once(tmp_path: Path, call: str, code: int, says: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    command = [sys.executable, "-c", PROGRAM, *call.split()]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == code, done.stderr
    assert says in " ".join((done.stdout + done.stderr).replace("│", " ").split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file"]


def test_every_verb_has_such_a_call() -> None:
    verbs = {command.callback.__name__.replace("_", "-") for command in cli.app.registered_commands if command.callback}
    verbs |= {f"dataset {command.name}" for command in cli.dataset.app.registered_commands}
    assert verbs <= {" ".join(call.split()[: 2 if call.startswith("dataset") else 1]) for call, _, _ in CALLS}
