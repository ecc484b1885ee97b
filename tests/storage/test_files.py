import ast
import errno
import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import closerlook
from closerlook.errors import CloserlookError, UsageError
from closerlook.storage.files import DRAFT, alone_in, atomic_path, explain_os_errors, sweep, write_json


def test_a_failed_write_leaves_the_old_file_and_no_traces(tmp_path):
    path = tmp_path / "table.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(path) as draft:
        draft.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_finished_write_replaces_the_file(tmp_path):
    path = tmp_path / "deep" / "table.txt"
    for text in ("first", "second"):
        with atomic_path(path) as draft:
            draft.write_text(text)
    assert path.read_text() == "second"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_can_be_written_atomically(tmp_path):
    with atomic_path(tmp_path / "set") as draft:
        draft.mkdir()
        (draft / "a.txt").write_text("a")
    assert (tmp_path / "set" / "a.txt").read_text() == "a"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EACCES, "No permission"),
        (errno.EROFS, "No permission"),
        (errno.ENOENT, "There is no file or folder"),
        (errno.EISDIR, "is a folder that exists already"),
    ],
)
def test_the_systems_errors_become_messages(tmp_path, code, says):
    with pytest.raises(CloserlookError, match=says) as caught, explain_os_errors(tmp_path / "out"):
        raise OSError(code, "system text")
    assert str(tmp_path / "out") in str(caught.value)


def test_json_refuses_nan(tmp_path):
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "a.json", {"mAP": float("nan")})
    assert not (tmp_path / "a.json").exists()


def test_a_file_in_the_way_is_explained(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(CloserlookError, match="on the way to it is a file"), atomic_path(tmp_path / "file" / "a.txt"):
        pass
    (tmp_path / "folder" / "full").mkdir(parents=True)
    with pytest.raises(CloserlookError, match="folder is a folder"), atomic_path(tmp_path / "folder") as draft:
        draft.write_text("x")
    with pytest.raises(CloserlookError, match="too long"), atomic_path(tmp_path / ("x" * 400)):
        pass


HOLDER = """
import sys, time
from pathlib import Path
from closerlook.storage.files import alone_in
with alone_in(Path(sys.argv[1]), "training in"):
    print("in", flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_kept_out_until_the_first_has_ended_however_it_ended(tmp_path):
    folder = tmp_path / "runs" / "best"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE)
    assert holder.stdout is not None and holder.stdout.readline() == b"in\n"
    says = f"Another run is training in {folder}: .*name another"
    with pytest.raises(CloserlookError, match=says), alone_in(folder, "training in"):
        pass
    holder.kill()  # kill -9
    holder.wait()
    with alone_in(folder, "training in"):
        assert list(folder.iterdir()) == []  # nothing to be left behind
    with alone_in(folder, "training in"):
        pass


def test_a_file_system_without_locks_is_no_hindrance(tmp_path, monkeypatch):
    def refuse(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with alone_in(tmp_path, "training in"):
        pass


def test_a_lock_where_a_file_is_names_it(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CloserlookError, match="file"), alone_in(tmp_path / "file", "training in"):
        pass


def test_a_symbolic_link_stays_and_leads_to_the_new_file(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "plan.yaml").write_text("old")
    for name, target in (("full", "real/plan.yaml"), ("empty", "real/deep/new.yaml"), ("twice", "full")):
        link = tmp_path / name
        link.symlink_to(target)
        with atomic_path(link) as draft:
            assert draft.name == name  # writers look at the ending
            draft.write_text(name)
        assert link.is_symlink() and link.readlink() == Path(target)
        assert link.read_text() == name
    assert sorted(path.name for path in (tmp_path / "real").iterdir()) == ["deep", "plan.yaml"]


def test_a_device_a_pipe_a_socket_and_a_link_to_one_are_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    server = socket.socket(socket.AF_UNIX)
    server.bind(os.fsencode(tmp_path / "s"))
    (tmp_path / "null").symlink_to("/dev/null")
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(tmp_path.iterdir())
    for name, says in (("pipe", "a pipe"), ("s", "a pipe"), ("null", "a device"), ("loop", "leads to itself")):
        with pytest.raises(CloserlookError, match=says) as found, atomic_path(tmp_path / name):
            pytest.fail("the work has begun")
        assert str(tmp_path / name) in str(found.value)
    with pytest.raises(UsageError, match="a device"), atomic_path("/dev/null"):
        pytest.fail("the work has begun")
    server.close()
    assert sorted(tmp_path.iterdir()) == before and (tmp_path / "pipe").is_fifo()
    assert Path("/dev/null").is_char_device()


def test_an_empty_folder_may_become_one_that_is_full_but_no_file(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(CloserlookError, match="is a folder that exists already"), atomic_path(tmp_path / "a") as draft:
        draft.write_text("x")
    with atomic_path(tmp_path / "a") as draft:
        draft.mkdir()
        (draft / "b").write_text("b")
    with pytest.raises(UsageError, match="is a folder that exists already"), atomic_path(tmp_path / "a"):
        pytest.fail("the work has begun")
    assert [path.name for path in tmp_path.iterdir()] == ["a"] and (tmp_path / "a" / "b").read_text() == "b"


def test_everything_is_written_through_atomic_path():
    """Writers get the draft that the block yields, or a file below it; nothing writes to a path that users name."""
    root = Path(closerlook.__file__).parent
    allowed = {
        root / path
        for path in (
            "storage/documents.py",
            "storage/files.py",
            "storage/tables.py",
            "compute/processes.py",
            "dataset/fingerprint.py",
        )
    }
    names = {"write_text", "write_bytes", "write_parquet", "write_csv", "save_file", "copyfile", "write_image"}
    drafts = {"draft", "folder", "to", "save_directory"}  # a draft handed on, by a library too: files below it
    found = []
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or path in allowed:
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            ours = isinstance(node.func, ast.Name) and called in {"write_parquet", "write_csv"}
            as_text = called == "write_csv" and not node.args
            if (
                called in names
                and not (ours or as_text)
                and not drafts & {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
            ):
                found.append(f"{path.name}:{node.lineno} {called}")
    assert not found


DIER = """
import os, signal, sys
from pathlib import Path
from closerlook.storage.files import atomic_path
with atomic_path(Path(sys.argv[1])) as draft:
    draft.write_text("half")
    print("in", flush=True)
    if sys.argv[2] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
    draft.write_text("theirs")
"""


def writer(path, ending):
    process = subprocess.Popen(
        [sys.executable, "-c", DIER, str(path), ending], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None and process.stdout.readline() == b"in\n"
    return process


def test_drafts_of_the_dead_are_removed_and_those_of_the_living_are_not(tmp_path):
    for path in (tmp_path / "model.bin", tmp_path / "steps" / "0001.json"):
        writer(path, "die").wait()
    living = writer(tmp_path / "other.bin", "live")
    (tmp_path / ".mine.draft").mkdir()  # the user's own
    assert len(list(tmp_path.rglob(f"*{DRAFT}"))) == 3
    with alone_in(tmp_path, "training in"):
        assert [path.name for path in tmp_path.rglob(f"*{DRAFT}")] == [f".other.bin{DRAFT}"]
    living.communicate()
    assert (tmp_path / "other.bin").read_text() == "theirs"
    assert {path.name for path in tmp_path.iterdir()} == {"other.bin", "steps", ".mine.draft"}


def test_the_next_write_of_a_path_takes_a_dead_draft_over(tmp_path):
    writer(tmp_path / "model.bin", "die").wait()
    with atomic_path(tmp_path / "model.bin") as draft:
        assert not draft.exists()
        draft.write_text("mine")
    assert [path.name for path in tmp_path.iterdir()] == ["model.bin"]


def test_two_writers_of_one_path_do_not_meet(tmp_path):
    living = writer(tmp_path / "model.bin", "live")
    with atomic_path(tmp_path / "model.bin") as draft:
        draft.write_text("mine")
        sweep(tmp_path)
        living.communicate()
        assert (tmp_path / "model.bin").read_text() == "theirs"
    assert (tmp_path / "model.bin").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["model.bin"]
