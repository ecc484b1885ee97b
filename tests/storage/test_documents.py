"""JSON and YAML from outside: every way a file can be bad is one message that names it."""

from __future__ import annotations

import ast
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

import closerlook
from closerlook.errors import CloserlookError
from closerlook.storage.documents import checked, parse_json, parse_yaml, read_json, read_text, read_yaml


@dataclass(frozen=True)
class Value:
    a: int
    b: tuple[float, ...]
    c: dict[str, str] | None = None


def laughs(rounds: int) -> str:
    """Aliases of aliases: ten times as much with every line."""
    lines = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, rounds)]
    return "\n".join(lines)


BAD_YAML = {
    "[" * 3000: "nested deeper",
    "{a: " * 100_000: "nested deeper",
    "- " * 3000 + "a": "nested deeper",
    "a0: &a0 [1]\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 500)): "nested deeper",
    laughs(9): "unfold",
    "a: &x [*x]": "for itself",
    "a: *b": "stands for nothing",
    "a: 1\nb: 2\na: 3": "line 3: 'a' is there twice",
    "a: [1,\nb": "line",
    "--- 1\n--- 2": "another document",
    "? [a]\n: b": "unhashable",
    "a: \x00": "control characters",
    "!!int x": "behind a tag",
    "!!int ''": "behind a tag",
    "!!bool maybe": "behind a tag",
    "!!timestamp x": "behind a tag",
    "1" * 5000: "behind a tag",
    '"\\ud800"': "",
    "!!python/object/apply:os.system [ls]": "tag",
}


@pytest.mark.parametrize("text", BAD_YAML, ids=range(len(BAD_YAML)))
def test_bad_yaml_is_one_message_at_once(text: str) -> None:
    start = time.process_time()
    with pytest.raises(CloserlookError) as found:
        parse_yaml(text, "plan.yaml", "Write it again.")
    message = str(found.value)
    assert message.startswith("plan.yaml is not valid YAML: ") and message.endswith(". Write it again.")
    assert BAD_YAML[text] in message and "\n" not in message and len(message) < 300
    assert time.process_time() - start < 5


def test_good_yaml_keeps_its_values() -> None:
    text = "a: 1\nb: [0.5, x, null, true]\nc: &c {d: 2020-01-01}\ne: {<<: *c, f: *c}\n"
    day = {"d": "2020-01-01"}
    assert parse_yaml(text, "x") == {"a": 1, "b": [0.5, "x", None, True], "c": day, "e": {**day, "f": day}}
    assert parse_yaml("", "x") is None
    assert parse_yaml(laughs(5), "x")["a1"][9] == ["ha"] * 10


BAD_JSON = {
    "": "line 1, column 1",
    '{"a": 1, "b": [': "line 1",
    "[" * 100_000: "nested too deep",
    '{"a": 1, "a": 2, "b": []}': "'a' is there twice",
    '{"a": 1, "b": [NaN]}': "NaN is no number",
    '{"a": 1, "b": [-Infinity]}': "-Infinity is no number",
    '{"a": 1, "b": [1e999]}': "too large",
    '{"a": 1' + "0" * 5000 + ', "b": []}': "too large",
    '{"a": 9223372036854775808, "b": []}': "too large",
    '{"a": 1, "b": [], "c": {"x": "\\ud800"}}': "half a character",
    "[]": "should be an object",
    "null": "should be an object",
    '{"a": 1}': "b: Field required",
    '{"a": true, "b": []}': "a: ",
    '{"a": 1.5, "b": []}': "a: ",
    '{"a": "1", "b": []}': "a: ",
    '{"a": 1, "b": [1, "2"]}': "b.1: ",
    '{"a": 1, "b": {}}': "b: ",
    '{"a": 1, "b": [], "c": {"x": 1}}': "c.x: ",
    '{"a": 1, "b": [], "z": 1}': "z: ",
}


@pytest.mark.parametrize("text", BAD_JSON, ids=range(len(BAD_JSON)))
def test_bad_json_is_one_message_that_names_the_field(text: str) -> None:
    with pytest.raises(CloserlookError) as found:
        parse_json(text, Value, "run.json", "Run it again.")
    message = str(found.value)
    assert message.startswith("run.json is damaged: ") and message.endswith(". Run it again.")
    assert BAD_JSON[text] in message and "\n" not in message and len(message) < 300


def test_good_json_is_of_its_type() -> None:
    assert parse_json('{"a": 1, "b": [1, 0.5], "c": {"x": "y"}}', Value, "x") == Value(1, (1.0, 0.5), {"x": "y"})
    assert parse_json('[{"a": 1, "b": []}]', list[Value], "x") == [Value(1, ())]
    assert checked({"a": 1, "b": (2,)}, Value, "x") == Value(1, (2.0,))
    with pytest.raises(CloserlookError, match=r"^x is damaged: a: .*\. Again\.$"):
        checked({"a": "1", "b": (2,)}, Value, "x", "Again.")


def test_whatever_stands_at_the_path_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (latin := tmp_path / "latin.json").write_bytes('{"é": 1}'.encode("latin-1"))
    (wide := tmp_path / "wide.json").write_text("{}", encoding="utf-16")
    (mark := tmp_path / "mark.json").write_bytes(b"\xef\xbb\xbf[1]")
    loop = tmp_path / "loop.json"
    loop.symlink_to(loop)
    for path in (
        tmp_path / "none.json",
        tmp_path,
        latin,
        wide,
        loop,
        latin / "x.json",
        Path("a\0b"),
        Path("/dev/zero"),
    ):
        for read in (lambda p: read_json(p, dict[str, int], "Do it again."), lambda p: read_yaml(p, "Do it again.")):
            monkeypatch.setattr("closerlook.storage.documents.LARGEST", 1000)
            with pytest.raises(CloserlookError) as found:
                read(path)
            assert str(path) in str(found.value) and str(found.value).endswith(" Do it again.")
    assert read_json(mark, list[int]) == [1] == read_yaml(mark)

    def refuse(self: Path, *args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CloserlookError, match=r"mark\.json cannot be read: Permission denied"):
        read_text(mark)


def test_nothing_else_reads_json_or_yaml() -> None:
    """A reader of its own is a reader without bounds and without a message. MakeHuman's and cached files are ours."""
    trusted = {
        "documents.py",
        "assets.py",
        "packing.py",
        "keys.py",
        "tensors.py",
        "texts.py",
    }  # the last has its own bounds
    found = []
    for path in Path(closerlook.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and path.name not in trusted:
                called = f"{node.value.id}.{node.attr}"
                if called in ("json.load", "json.loads", "yaml.load", "yaml.safe_load"):
                    found.append(f"{path.name}:{node.lineno} {called}")
    assert not found
