"""Services name their dependencies in few fields: no constructor has more than six parameters."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST = 6
CONVERTED = ("engine", "sync", "inspect", "reconcile", "container")
"""Packages of worker/ that take parameter objects: docs/decisions/0043-parameter-objects.md."""
WORD = re.compile(r"\w+")
NO_PARAMETER = re.compile(r"\binit=False\b|: ClassVar\b")
MADE_OF = frozenset({"Stores", "Remotes", "Redis", "Transport"})
"""A class with one of these among its fields is a service, and so is a class with a service; other dataclasses only have values."""


def classes(worker: Path) -> dict[str, ast.ClassDef]:
    """Return every class below a folder by its place: `inspect/explain.py Explain`."""
    return {
        f"{file.relative_to(worker)} {node.name}": node
        for file in sorted(worker.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef)
    }


def parameters(kind: ast.ClassDef) -> tuple[list[str], bool]:
    """Return the annotations of the constructor's parameters, and whether the constructor is written by hand."""
    for node in kind.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            taken = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs][1:]
            return [ast.unparse(one.annotation) if one.annotation else "" for one in taken], True
    # Neither state of the service nor what all its instances have is a parameter.
    fields = [
        node for node in kind.body if isinstance(node, ast.AnnAssign) and not NO_PARAMETER.search(ast.unparse(node))
    ]
    is_dataclass = any("dataclass" in ast.unparse(one) for one in kind.decorator_list)
    return [ast.unparse(one.annotation) for one in fields] if is_dataclass else [], False


def services(classes_by_place: Mapping[str, ast.ClassDef]) -> set[str]:
    """Return the names of classes that get a store, a client or another service."""
    known, size = set(MADE_OF), 0
    while len(known) > size:
        size = len(known)
        known |= {
            kind.name for kind in classes_by_place.values() if known & set(WORD.findall(" ".join(parameters(kind)[0])))
        }
    return known


def too_many(worker: Path) -> Iterator[tuple[str, int]]:
    """Yield constructors with more than six parameters: those written by hand, and those of services."""
    classes_by_place = classes(worker)
    known = services(classes_by_place)
    for place, kind in classes_by_place.items():
        taken, by_hand = parameters(kind)
        if len(taken) > MOST and (by_hand or kind.name in known):
            yield place, len(taken)


@pytest.mark.parametrize("package", CONVERTED)
def test_services_of_converted_packages_have_at_most_six_parameters(package: str) -> None:
    assert [(place, count) for place, count in too_many(ROOT / "worker") if place.startswith(f"{package}/")] == []


def test_seven_parameters_are_found_however_a_service_is_written(tmp_path: Path) -> None:
    fields = "".join(f"    f{number}: int\n" for number in range(6))
    by_hand = (
        f"class Hand:\n    def __init__(self, {', '.join(f'p{number}: int' for number in range(7))}) -> None: ...\n"
    )
    values = f"@dataclass(frozen=True)\nclass Values:\n    first: int\n{fields}\n"
    service = f"@dataclass\nclass Service:\n    stores: Stores | None\n{fields}\n"
    user = f"@dataclass\nclass User:\n    service: Service\n{fields}\n"
    (tmp_path / "all.py").write_text(by_hand + values + service + user)
    assert dict(too_many(tmp_path)) == {"all.py Hand": 7, "all.py Service": 7, "all.py User": 7}
