"""Finds a problem by its key, or by the name of its invoice, code or project."""

from __future__ import annotations

from worker.cli.output import Fault
from worker.container import Container


def problem_key(container: Container, text: str) -> str:
    """Return the key of the open problem that matches the text, or the text if none matches. Raises Fault if several match."""
    keys = container.problem_views.named(text)
    if len(keys) > 1:
        raise Fault(f"More than one problem is open for {text}. Pass one of these keys: {', '.join(sorted(keys))}.")
    return keys[0] if keys else text
