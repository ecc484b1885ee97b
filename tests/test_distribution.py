"""The source archive and the wheel that is built from it: complete, installed apart from the sources, run, typed."""

import os
import site
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.extended

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "closerlook"
USER = """
import closerlook as cl

data = cl.open_dataset("data/people")
gap = cl.analyze(data, data.train)
plan: cl.Plan = cl.select(gap)
score: float = cl.evaluate(cl.train(data, plan=plan, out="run"), data).mAP
"""
MYPY = "[mypy]\nstrict = true\n" + "".join(
    f"[mypy-{module}.*]\nfollow_imports = skip\nignore_missing_imports = true\n" for module in ("torch", "altair")
)


def run(*command, cwd, ok=(0,)):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in ok, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", str(out), str(ROOT), cwd=out)
    return out


@pytest.fixture(scope="module")
def installed(archives, tmp_path_factory):
    """The Python of an environment with the wheel alone; the packages that it needs are seen where the tests have them,
    for they are gigabytes."""
    home = tmp_path_factory.mktemp("user")
    run(sys.executable, "-m", "venv", str(home / "env"), cwd=home)
    python = home / "env" / "bin" / "python"
    (wheel,) = archives.glob("*.whl")
    run(str(python), "-m", "pip", "install", "--no-deps", "--no-index", str(wheel), cwd=home)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(home / "env"), "platbase": str(home / "env")}))
    (own / "needed.pth").write_text("\n".join(site.getsitepackages()), encoding="utf-8")
    return python


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(archives):
    (path,) = archives.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
        licenses = {Path(name).name for name in wheel.namelist() if "/licenses/" in name}
    tracked = [file for file in SOURCE.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    assert inside == {file.relative_to(SOURCE.parent).as_posix() for file in tracked}
    assert licenses == {"LICENSE", "NOTICE"}


def test_the_source_archive_says_what_it_is(archives):
    (path,) = archives.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "LICENSE", "NOTICE", "pyproject.toml", "src/closerlook/py.typed"} <= names


def test_what_is_installed_runs(installed, tmp_path):
    where = run(str(installed), "-c", "import closerlook; print(closerlook.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent.parent)
    command = str(installed.parent / "closerlook")
    assert run(command, "--version", cwd=tmp_path).strip()
    levels = ["--level", "weather=sunny,foggy", "--level", "illumination=noon", "--level", "viewpoint=0,90"]
    small = ["--identities", "4", "--size", "64x32", "--workers", "1"]
    run(command, "generate", "gpr-plus", *levels, *small, "--out", "people", cwd=tmp_path)
    run(command, "analyze", "people", "people", "--size", "64x32", "--out", "gap", cwd=tmp_path)
    run(command, "report", "gap", cwd=tmp_path)
    assert (tmp_path / "gap" / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("line", "says"),
    [("", "Success"), ("plan.imagess", '"Plan" has no attribute "imagess"'), ("cl.select(3)", "incompatible type")],
)
def test_a_users_mypy_sees_the_types(installed, tmp_path, line, says):
    (tmp_path / "mine.py").write_text(USER + line + "\n", encoding="utf-8")
    (tmp_path / "mypy.ini").write_text(MYPY, encoding="utf-8")
    mypy = [sys.executable, "-m", "mypy", "--python-executable", str(installed), "--cache-dir", "../mypy-cache"]
    assert says in run(*mypy, "mine.py", cwd=tmp_path, ok=(0, 1))
