"""Keys of problems. A problem of a code, an invoice or other work has the key of that work; the others are built here, and all are parsed here.

project:17:budget                  the budget of a project cannot be read
remote:netsuite:vendorBill:create  the work that needs this scope is paused
verify:item_missing:code:17:901    a comparison found something about a code
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.work import WorkKey, exports_of, lane_of, scan_of

FINDINGS = "verify:"
"""The beginning of all keys of findings."""
_SCOPES = "remote:"


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject of a problem. `kind`: the first word of its key, for a finding that of the subject's key; `project_id`: None if it belongs to no
    project; `part`: the part of a project that cannot be read, "" for the whole project.
    """

    kind: str
    project_id: int | None
    part: str = ""


def subject_of(key: str) -> Subject:
    """Return what the problem with this key is about."""
    kind, number, part, *_ = [*finding_of(key)[1].split(":"), "", ""]
    return Subject(kind, int(number) if number.isdecimal() else None, part if kind == "project" else "")


def record_of(key: str) -> CodeKey | InvoiceKey | None:
    """Return the code or the invoice that a problem is about; None for any other problem, and for a finding."""
    work = WorkKey.known(key)
    return work.record if work else None


def of_project(project_id: int, part: str) -> str:
    """Return the key of the problem of a part of a project that cannot be read."""
    return f"project:{project_id}:{part}"


def of_scope(scope: str) -> str:
    """Return the key of the problem that pauses a scope."""
    return f"{_SCOPES}{scope}"


def scope_of_problem(key: str) -> str:
    """Return the scope that a problem pauses; "" for any other problem."""
    return key.removeprefix(_SCOPES) if key.startswith(_SCOPES) else ""


def of_finding(kind: str, key: str) -> str:
    """Return the key of the problem of a finding. `key`: of what the finding is about."""
    return f"{FINDINGS}{kind}:{key}"


def finding_of(key: str) -> tuple[str, str]:
    """Return the kind of the finding and the key of what it is about; ("", key) for any other problem."""
    if not key.startswith(FINDINGS):
        return "", key
    kind, _, about = key.removeprefix(FINDINGS).partition(":")
    return kind, about


def work_behind(key: str) -> Sequence[str]:
    """Return the keys of the work whose end decides about a problem; none if no work of wbs-sync resolves it."""
    about = subject_of(key)
    if key.startswith("project:") and about.project_id is not None:
        return ((exports_of if about.part.startswith("commitment") else scan_of)(about.project_id),)
    try:
        lane_of(key)
    except KeyError:
        return ()
    return (key,)
