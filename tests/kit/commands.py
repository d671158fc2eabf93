"""Commands of `wbs-sync`, run in this process with the container of a test."""

from __future__ import annotations

import importlib
import io
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from types import ModuleType
from unittest import mock

from click.testing import CliRunner
from rich.progress import Progress

import worker.cli
from tests.kit.ended import Ended
from worker.cli import wbs_sync
from worker.cli.output import LiteralConsole
from worker.container import Container


def run_command(
    container: Container | Callable[[], Container],
    *arguments: str,
    typed: str = "",
    width: int = 200,
    send: Callable[..., None] = lambda *_, **__: None,
) -> Ended:
    """Run a command to its end. `container`: a container, or a function that makes one for each call. `send`: replaces the broker."""

    def opened(*, may_claim: bool = True) -> Container:
        return container if isinstance(container, Container) else container()

    out, err = (LiteralConsole(file=io.StringIO(), width=width, highlight=False) for _ in range(2))
    instead = {
        "open_container": opened,
        "send": send,
        "out": out,
        "err": err,
        # Bars are for a terminal.
        "progress": lambda: Progress(disable=True),
    }
    replaced = set()
    with ExitStack() as stack:
        for module in _modules():
            for name in vars(module).keys() & instead.keys():
                stack.enter_context(mock.patch.object(module, name, instead[name]))
                replaced.add(name)
        assert replaced == instead.keys(), "a command would reach the broker, or another installation"
        ended = CliRunner().invoke(wbs_sync, list(arguments), input=typed)
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    return Ended(ended.exit_code, ended.stdout_bytes.decode() + _written(out), ended.stderr + _written(err))


@cache
def _modules() -> tuple[ModuleType, ...]:
    """Return the modules of all commands."""
    return tuple(_of_package(worker.cli))


def _of_package(package: ModuleType) -> Iterator[ModuleType]:
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith("__main__"):
            yield importlib.import_module(module.name)


def _written(console: LiteralConsole) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
