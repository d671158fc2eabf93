"""`scan --dry-run`, `export --dry-run` and `apply` as a person calls them: what they say, which files they take, how they end."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.progress import Progress

from simulators.company.billing import Invoice
from simulators.company.model import Project
from tests.integration.flows.office import Office
from worker.cli import apply, export, output, plans, scan, session, wbs_sync
from worker.cli.output import Plain
from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.plans import line_of

pytestmark = pytest.mark.real

CODES = ("05-120.S", "05-310.S")


@dataclass
class Ended:
    code: int
    told: str

    def json(self) -> Any:
        return json.loads(self.told)


@dataclass
class Desk:
    """A person at the command line, and workers that take up what is sent."""

    office: Office
    project: Project
    invoice: Invoice
    file: Path
    monkeypatch: pytest.MonkeyPatch

    def call(self, *arguments: str, **settings: Any) -> Ended:
        told = io.StringIO()
        with self.monkeypatch.context() as patch:
            for module in (scan, export, apply):
                patch.setattr(module, "open_container", lambda: self.office.reopened(**settings).container)
                patch.setattr(module, "send", lambda *_args, **_kwargs: self.office.work_off())
            for module in (output, plans, apply, export, scan):
                patch.setattr(module, "out", Plain(file=told, width=400, highlight=False), raising=False)
                patch.setattr(module, "err", Plain(file=told, width=400, highlight=False), raising=False)
            # Bars are for a terminal.
            for module in (plans, apply, session):
                patch.setattr(module, "progress", lambda: Progress(disable=True))
            ended = CliRunner().invoke(wbs_sync, list(arguments))
        assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
        return Ended(ended.exit_code, ended.output + told.getvalue())

    def scan_plan(self, *options: str) -> Ended:
        return self.call("scan", "--project", str(self.project.id), "--dry-run", *options)

    def refused(self, **changes: Any) -> str:
        """What `apply` says to the saved plan with these changes; it does nothing then."""
        self.file.write_text(json.dumps(json.loads(self.file.read_text()) | changes))
        mark = self.office.mark()
        ended = self.call("apply", str(self.file))
        assert ended.code == 1
        assert self.office.requests(mark) == []
        assert self.office.container.ledger.codes(self.project.id) == {}
        return ended.told


@pytest.fixture
def desk(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    project = office.new_project("27-001", CODES)
    invoice = office.new_invoice(project, (CODES[0], "100.00"), (CODES[1], "1234.50"), invoice_number="N-1")
    return Desk(office, project, invoice, tmp_path / "plan.json", monkeypatch)


def first_step(story: dict[str, Any]) -> str:
    return str(story["history"][0]["sentence"])


def test_a_scans_plan_is_shown_saved_applied_and_applied_again(desk: Desk) -> None:
    case = desk.office.case("name_too_long")
    ended = desk.call(
        "scan", "--project", str(desk.project.id), "--project", str(case["project_id"]), "--dry-run", "--save", str(desk.file)
    )  # fmt: skip
    assert ended.code == 0
    for words in (
        f"27-001-{CODES[0]}",
        "create",
        "is 70 characters long",
        "project accountant",
        "Shorten the WBS code",
    ):
        assert words in " ".join(ended.told.split()), ended.told
    assert "Estimated requests:" in ended.told
    assert f"wbs-sync apply {desk.file}" in ended.told

    done = desk.call("apply", str(desk.file), "--wait", "--json")
    rows = {row["name"]: row for row in done.json()["lines"]}
    assert (done.code, rows[f"27-001-{CODES[0]}"]["result"]) == (0, "created"), done.told
    assert rows[f"27-001-{CODES[0]}"]["id"] == desk.office.item(f"27-001-{CODES[0]}").id
    assert first_step(desk.office.container.explain.code("27-001", CODES[0])) == "First seen (requested by: a plan)"
    again = desk.call("apply", str(desk.file), "--wait", "--json")
    assert (again.code, set(again.json()["counts"])) == (0, {"already"})


def test_an_invoices_plan_tells_its_bill_line_by_line(desk: Desk) -> None:
    one = (str(desk.invoice.id), "--project", str(desk.project.id), "--dry-run")
    told = desk.call("export", *one, "--save", str(desk.file)).told
    for words in (
        "N-1",
        "Blue Spruce Electric",
        "bill",
        f"27-001-{CODES[1]}",
        "1,234.50",
        "1,201.05",
        "Retainage held",
    ):
        assert words in told, told
    # The bill's own table ends with what its lines come to, and amounts stand under one another.
    rows = [line.split("│")[2] for line in told.splitlines() if "Retainage held" in line or "Payment due" in line]
    assert [row.strip() for row in rows] == ["-133.45", "1,201.05"]
    assert {len(row) - len(row.rstrip()) for row in rows} == {1}
    done = desk.call("apply", str(desk.file), "--wait")
    assert (done.code, desk.office.bill(desk.invoice).tranid) == (0, "N-1"), done.told
    assert "Applied: 3 created; no change needed for 0 lines of the plan." in done.told
    story = desk.office.container.explain.invoice(str(desk.invoice.id), None)
    assert first_step(story) == "First seen (requested by: a plan)"
    assert [step["what"] for step in story["history"]] == ["seen", "sent", "created", "written_back"]
    # The same as JSON, which is what is saved.
    saved = json.loads(desk.file.read_text())
    line = next(line for line in saved["lines"] if line["would"] == "bill")
    assert (line["world"]["total"], line["world"]["lines"][1][:2]) == ("1201.05", [f"27-001-{CODES[1]}", "1234.50"])
    assert len(line["needs"]) == 2
    now = desk.call("export", *one, "--json").json()
    assert [line["would"] for line in now["lines"]] == ["already"]


def test_apply_without_wait_ends_when_the_work_is_queued(desk: Desk) -> None:
    desk.scan_plan("--save", str(desk.file))
    ended = desk.call("apply", str(desk.file), "--json")
    assert (ended.code, ended.json()["counts"]) == (0, {"queued": 2})


def test_a_refused_line_is_told_and_ends_with_1(desk: Desk) -> None:
    desk.scan_plan("--save", str(desk.file))
    desk.office.procore.rename_code(desk.project.id, desk.project.code_named(CODES[0]).id, "05-130.S")
    ended = desk.call("apply", str(desk.file), "--wait")
    assert ended.code == 1
    assert "WBS code was 05-120.S, is now 05-130.S" in ended.told
    assert "1 refused, 1 created" in ended.told or "1 created, 1 refused" in ended.told
    assert [item.itemid for item in desk.office.netsuite.items if item.itemid.startswith("27-001")] == [
        f"27-001-{CODES[1]}"
    ]


def test_a_blocked_end_is_told_with_its_sentence(desk: Desk) -> None:
    """The worker's own rules stand behind the plan: what NetSuite refuses ends as a problem."""
    desk.office.procore.edit_invoice(desk.invoice.id, billing_date="2026-02-20")
    desk.office.stage.settings("netsuite", missing_permissions=("accountingPeriod",))
    desk.call("export", str(desk.invoice.id), "--project", str(desk.project.id), "--dry-run", "--save", str(desk.file))
    ended = desk.call("apply", str(desk.file), "--wait", "--json")
    row = next(row for row in ended.json()["lines"] if row["would"] == "bill")
    assert (ended.code, row["result"], row["cause"]) == (1, "blocked", "period_closed")
    assert "The posting period of 2026-02-20 is closed" in row["reason"]


def test_a_file_is_not_overwritten_unless_somebody_says_so(desk: Desk) -> None:
    desk.file.write_text("something else")
    ended = desk.scan_plan("--save", str(desk.file))
    assert (ended.code, "--force overwrites it" in ended.told) == (1, True)
    assert desk.file.read_text() == "something else"
    assert desk.scan_plan("--save", str(desk.file), "--force").code == 0
    assert json.loads(desk.file.read_text())["version"] == 3


def test_no_secret_is_in_a_plan(desk: Desk) -> None:
    desk.scan_plan("--save", str(desk.file))
    secrets = [
        desk.office.stage.env[name] for name in ("PROCORE_CLIENT_SECRET", "PROCORE_CLIENT_ID", "NETSUITE_CLIENT_ID")
    ]
    redis = desk.office.container.redis
    tokens = [str(redis.get(key)) for key in redis.scan_iter(f"{desk.office.container.settings.redis_key_prefix}token*") if redis.type(key) == "string"]  # fmt: skip
    text = desk.file.read_text()
    assert [secret for secret in secrets + tokens if secret in text] == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"company_id": 1}, "is a plan for Procore company 1 and NetSuite account"),
        ({"account": "other_sb1"}, "and NetSuite account other_sb1; the settings are for"),
        ({"version": 1}, "is not a plan of version 3"),
        ({"version": None}, "is not a plan of version 3"),
        ({"made_at": "2026-05-04T09:00:00+00:00"}, "is not a plan saved by this installation"),
        ({"id": "0" * 12}, "is not a plan saved by this installation"),
        ({"lines": [{"key": "code:1:2"}]}, "is not a plan"),
        ({"lines": 7}, "is not a plan"),
    ],
)
def test_another_plan_is_refused_as_a_whole(desk: Desk, changes: dict[str, Any], words: str) -> None:
    desk.scan_plan("--save", str(desk.file))
    assert words in desk.refused(**changes)


@pytest.mark.parametrize(
    "edit",
    [
        lambda line: line | {"name": "27-001-other"},
        lambda line: line | {"world": line["world"] | {"WBS code": "01-100.S"}},
        lambda line: line | {"fingerprint": "0" * 32},
        lambda line: line | {"would": "adopt"},
        lambda line: line | {"key": "code:1:2"},
        lambda line: line | {"about": "INV-APPROVED", "project": "24-999 Approved Project"},
    ],
    ids=["name", "world", "fingerprint", "would", "key", "what is shown"],
)
def test_an_edited_line_refuses_the_whole_plan(desk: Desk, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    desk.scan_plan("--save", str(desk.file))
    first, second = json.loads(desk.file.read_text())["lines"]
    assert "was edited after it was made" in desk.refused(lines=[edit(first), second])
    assert "more than once" in desk.refused(lines=[second, second])


def test_a_line_that_nobody_approved_cannot_be_added(desk: Desk) -> None:
    """Neither from another plan nor from another installation's."""
    desk.scan_plan("--save", str(desk.file))
    saved = json.loads(desk.file.read_text())
    other = desk.file.with_name("other.json")
    desk.office.procore.add_code(desk.project.id, "07-100.S", budget=10)
    desk.scan_plan("--save", str(other))
    foreign = [line for line in json.loads(other.read_text())["lines"] if line["about"] == "07-100.S"]
    assert foreign
    assert "was edited after it was made (1 line, such as 07-100.S)" in desk.refused(lines=saved["lines"] + foreign)
    key = f"{desk.office.container.settings.redis_key_prefix}plans:key"
    desk.office.container.redis.set(key, "another installation's")
    assert "is not a plan saved by this installation" in desk.refused()


def test_the_plan_that_was_approved_is_named_by_its_id(desk: Desk) -> None:
    saved = desk.scan_plan("--save", str(desk.file))
    plan_id = json.loads(desk.file.read_text())["id"]
    assert f"as plan {plan_id}" in " ".join(saved.told.split())
    refused = desk.call("apply", str(desk.file), "--plan", "0" * 12)
    assert (refused.code, f"is plan {plan_id}, not plan {'0' * 12}" in " ".join(refused.told.split())) == (1, True)
    told = json.loads(desk.file.read_text())
    desk.file.write_text(json.dumps(told | {"lines": told["lines"][:1]}))
    applied = desk.call("apply", str(desk.file), "--plan", plan_id.upper(), "--json")
    assert (applied.code, applied.json()["plan"], applied.json()["removed"]) == (0, plan_id, 1)


@pytest.mark.parametrize("key", ["", "code", "code:x:2", "code:1", "code:01:2", "invoice:1:", "project:1:budget"])
def test_a_key_that_names_nothing_is_no_plan(desk: Desk, key: str) -> None:
    """Even under a fingerprint that fits."""
    line = line_of(key, "p", "05-120.S", Outcome(OutcomeKind.CREATED, "27-001-05-120.S"))
    desk.scan_plan("--save", str(desk.file))
    assert "is not a plan" in desk.refused(lines=[asdict(line)])


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"7", b"[" * 100_000, b'{"version": 1}', None])
def test_what_is_no_plan_is_told_in_one_sentence(desk: Desk, content: bytes | None) -> None:
    if content is not None:
        desk.file.write_bytes(content)
    ended = desk.call("apply", str(desk.file))
    assert ended.code == 1
    assert len(ended.told) < 400
    assert "plan" in ended.told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--save", "x"], "--save requires --dry-run"),
        (["--dry-run", "--wait"], "--dry-run and --wait cannot be combined"),
        (["--dry-run", "--force"], "--force requires --save"),
    ],
)
def test_options_that_contradict_each_other_are_told(desk: Desk, arguments: list[str], words: str) -> None:
    for command in (["scan"], ["export", "--approved"]):
        ended = desk.call(*command, *arguments)
        assert (ended.code, words in ended.told) == (2, True), ended.told


def test_a_project_that_a_scan_would_leave_alone_is_told_with_the_reason(desk: Desk) -> None:
    inactive = desk.office.case("inactive_project")["project_id"]
    ended = desk.call("scan", "--project", str(inactive), "--project", "77", "--dry-run", "--json")
    told = {line["key"]: (line["would"], line["cause"]) for line in ended.json()["lines"]}
    assert told == {
        f"project:{inactive}:budget": ("skip", ""),
        "project:77:budget": ("blocked", "project_not_readable"),
    }


def test_projects_and_invoices_are_named_as_people_call_them(desk: Desk) -> None:
    by_id = desk.call("export", str(desk.invoice.id), "--project", str(desk.project.id), "--dry-run", "--json").json()
    for project in ("27-001", "27-001 New Project"):
        told = desk.call("export", "N-1", "--project", project, "--dry-run", "--json").json()
        assert told["lines"] == by_id["lines"]
    (line,) = {
        line["project"] for line in desk.call("scan", "--project", "27-001", "--dry-run", "--json").json()["lines"]
    }
    assert line == "27-001 New Project"
    # A number that could be an id is a number where a project has it.
    digits = desk.office.new_project("4711", CODES[:1])
    desk.office.container.scans.projects.refresh()
    told = desk.call("scan", "--project", "4711", "--dry-run", "--json").json()
    assert {line["key"].split(":")[1] for line in told["lines"]} == {str(digits.id)}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["scan", "--project", "no such", "--dry-run"], 1, "no project with the id, number or name no such"),
        (["scan", "--project", "0", "--dry-run"], 2, "is not a Procore id or project number or name"),
        (
            ["export", "N-9", "--project", "27-001", "--dry-run"],
            1,
            "Project 27-001 New Project has no invoice N-9, in any status",
        ),
        (
            ["scan", "--dry-run", "--save", "/no/such/folder/plan.json"],
            1,
            "/no/such/folder is not a writable directory",
        ),
        (["export", "N-9"], 1, "Procore's active projects have no invoice N-9, in any status"),
        (["export", "--approved", "--project", "27-001"], 2, "--approved for all projects"),
        (["export", "N-1", "--approved"], 2, "Pass one INVOICE"),
    ],
)
def test_what_names_nothing_is_told_in_a_sentence(desk: Desk, arguments: list[str], code: int, words: str) -> None:
    mark = desk.office.mark()
    ended = desk.call(*arguments)
    assert (ended.code, words in " ".join(ended.told.split())) == (code, True), ended.told
    assert desk.office.writes(mark) == []
    assert desk.office.container.ledger.problems() == []
