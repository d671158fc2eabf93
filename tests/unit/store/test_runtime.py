"""The store gets time and randomness from outside."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from worker.part import Part
from worker.redis_access import redis_at
from worker.store import runtime as runtime_module
from worker.store import stores as stores_module
from worker.store.locks import LeaseKeeper
from worker.store.runtime import REAL
from worker.store.stores import Installation, Stores

STORE = Path(runtime_module.__file__).parent
FROM_OUTSIDE = {"time", "random", "secrets", "threading"}


def imported(file: Path) -> Iterator[str]:
    """Yield the modules that a file imports."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def test_only_the_runtime_module_imports_time_and_chance() -> None:
    imports = {file.name: FROM_OUTSIDE.intersection(imported(file)) for file in STORE.glob("*.py")}
    assert imports.pop("runtime.py") == FROM_OUTSIDE
    # It starts a thread; its clock, sleep and lock come from outside.
    assert imports.pop("locks.py") == {"threading"}
    assert {name for name, modules in imports.items() if modules} == set()


def test_every_store_of_a_process_gets_the_runtime_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime, given = replace(REAL, token=str), dict[str, object]()

    def noting(store: type) -> Callable[..., Any]:
        def made(*args: Any, runtime: object = None, **options: Any) -> Any:
            given[store.__name__] = runtime
            return store(*args, runtime=runtime, **options)

        return made

    for name, store in vars(stores_module).items():
        is_store = isinstance(store, type) and store is not Stores and store.__module__.startswith("worker.store.")
        if is_store and "runtime" in inspect.signature(store).parameters:
            monkeypatch.setattr(stores_module, name, noting(store))
    installation = Installation("t:", company_id=1, account_id="1", data_dir=tmp_path, slots=1)
    stores = Stores(redis_at("redis://127.0.0.1:1/0"), LeaseKeeper(runtime=runtime), installation, runtime)
    for name, value in vars(Stores).items():
        if isinstance(value, Part):
            getattr(stores, name)
    assert {"Locks", "Lanes", "Gate", "RateLimits"} <= given.keys()
    assert [name for name, its_own in given.items() if its_own is not runtime] == []
