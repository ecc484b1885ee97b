"""A parameter means what the caller passed, to the end of its function.

A loop once assigned the function's own ``keep``, and from the second round on the attributes to keep were forgotten.
Linters refuse only loop targets; so every assignment to a parameter is refused here but one: the same value put into
form, once and outside loops, as in ``folder = Path(folder)`` or ``if plans is None: plans = {}``.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import closerlook

SOURCE = Path(closerlook.__file__).parent
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.comprehension)


def reassigned(text: str) -> list[str]:
    """``line: name`` of every assignment to a parameter that does not put it into form."""
    tree = ast.parse(text)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    found = []
    for function in ast.walk(tree):
        for name in parameters(function):
            forms = 0
            for node in bindings(function, name):
                around = list(ancestors(node, function, parents))
                if not is_own(name, around):
                    continue
                forms += puts_into_form(name, around)
                if forms > 1 or not puts_into_form(name, around):
                    found.append(f"{node.lineno}: {name}")
    return found


def parameters(function: ast.AST) -> list[str]:
    if not isinstance(function, FUNCTIONS):
        return []
    own = function.args
    every = [*own.posonlyargs, *own.args, own.vararg, *own.kwonlyargs, own.kwarg]
    return [one.arg for one in every if one is not None]


def bindings(function: ast.AST, name: str) -> list[ast.Name | ast.ExceptHandler]:
    """Where anything within ``function`` binds or deletes ``name``, in the order of the lines."""
    found = [
        node
        for node in ast.walk(function)
        if (isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load))
        or (isinstance(node, ast.ExceptHandler) and node.name == name)
    ]
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def ancestors(node: ast.AST, function: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[ast.AST]:
    """What stands around ``node``, from the inside, up to ``function``."""
    while node is not function:
        node = parents[node]
        yield node


def is_own(name: str, around: list[ast.AST]) -> bool:
    """Whether no function in between has a variable of its own of that name."""
    inner = [node for node in around[:-1] if isinstance(node, FUNCTIONS)]
    return all(any(isinstance(s, ast.Nonlocal) and name in s.names for s in ast.walk(node)) for node in inner)


def puts_into_form(name: str, around: list[ast.AST]) -> bool:
    """Whether it is an assignment outside loops, with ``name`` in its value or in a question that it depends on."""
    if any(isinstance(node, (*LOOPS, *FUNCTIONS)) for node in around[:-1]):
        return False
    statement = next(node for node in around if isinstance(node, ast.stmt))
    asked = [node.test for node in around if isinstance(node, ast.If)]
    return isinstance(statement, ast.Assign) and any(reads(node, name) for node in [statement.value, *asked])


def reads(expression: ast.expr, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(expression))


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_parameter_is_assigned_again(path: Path) -> None:
    assert not reassigned(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("x = Path(x)", []),
        ("x, z = list(x), 3", []),
        ("if x is None:\n  x = 3", []),
        ("def g():\n  x = 3", []),
        ("x = 3", ["2: x"]),
        ("x = Path(x)\n x = x.name", ["3: x"]),
        ("for i in y:\n  x = f(x)", ["3: x"]),
        ("for x in y:\n  pass", ["2: x"]),
        ("while (x := f(x)):\n  pass", ["2: x"]),
        ("return [x for x in y]", ["2: x"]),
        ("x += 1", ["2: x"]),
        ("with f(x) as x:\n  pass", ["2: x"]),
        ("try:\n  pass\n except E as x:\n  pass", ["4: x"]),
        ("def g():\n  nonlocal x\n  x = f(x)", ["4: x"]),
        ("del x", ["2: x"]),
    ],
)
def test_what_counts_as_assigning_again(body: str, wrong: list[str]) -> None:
    assert reassigned(f"def f(x, *, y):\n {body}") == wrong
