"""How a command is told a problem: by its key, or by what people call its invoice, code or project."""

from __future__ import annotations

from worker.cli.output import Fault
from worker.container import Container


def problem_key(container: Container, text: str) -> str:
    """The key of the one open problem that a person means; the text itself where none is open. Raises Fault for more than one."""
    keys = container.problem_views.named(text)
    if len(keys) > 1:
        raise Fault(f"More than one problem is open for {text}: {', '.join(sorted(keys))}. Name one of these keys.")
    return keys[0] if keys else text
