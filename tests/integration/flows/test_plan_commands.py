"""The command line of `scan --dry-run`, `export --dry-run` and `apply`: their output, the files they accept, and their exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from simulators.company.billing import Invoice
from simulators.company.model import Project
from tests.kit.commands import run_command
from tests.kit.installation import Installation
from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.plans import line_of

pytestmark = pytest.mark.real

CODES = ("05-120.S", "05-310.S")


@dataclass
class Ended:
    code: int
    output: str

    def json(self) -> Any:
        return json.loads(self.output)


@dataclass
class CommandLine:
    """A command line, and workers that do the work that it sends."""

    office: Installation
    project: Project
    invoice: Invoice
    file: Path
    monkeypatch: pytest.MonkeyPatch

    def call(self, *arguments: str, **settings: Any) -> Ended:
        ended = run_command(
            lambda: self.office.reopened(**settings).container,
            *arguments,
            width=400,
            send=lambda *_, **__: self.office.work_off(),
        )
        return Ended(ended.code, ended.out + ended.err)

    def scan_plan(self, *options: str) -> Ended:
        return self.call("scan", "--project", str(self.project.id), "--dry-run", *options)

    def refused(self, **changes: Any) -> str:
        """Apply the saved plan with these changes, check that nothing happens, and return the output."""
        self.file.write_text(json.dumps(json.loads(self.file.read_text()) | changes))
        mark = self.office.mark()
        ended = self.call("apply", str(self.file))
        assert ended.code == 1
        assert self.office.requests(mark) == []
        assert self.office.container.ledger.codes(self.project.id) == {}
        return ended.output


@pytest.fixture
def shell(office: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    project = office.new_project("27-001", CODES)
    invoice = office.new_invoice(project, (CODES[0], "100.00"), (CODES[1], "1234.50"), invoice_number="N-1")
    return CommandLine(office, project, invoice, tmp_path / "plan.json", monkeypatch)


def first_step(explanation: dict[str, Any]) -> str:
    return str(explanation["history"][0]["sentence"])


def test_a_scans_plan_is_shown_saved_applied_and_applied_again(shell: CommandLine) -> None:
    case = shell.office.case("name_too_long")
    ended = shell.call(
        "scan", "--project", str(shell.project.id), "--project", str(case["project_id"]), "--dry-run", "--save", str(shell.file)
    )  # fmt: skip
    assert ended.code == 0
    for text in (
        f"27-001-{CODES[0]}",
        "create",
        "is 70 characters long",
        "project accountant",
        "Shorten the WBS code",
    ):
        assert text in " ".join(ended.output.split()), ended.output
    assert "Estimated requests:" in ended.output
    assert f"wbs-sync apply {shell.file}" in ended.output

    done = shell.call("apply", str(shell.file), "--wait", "--json")
    rows = {row["name"]: row for row in done.json()["lines"]}
    assert (done.code, rows[f"27-001-{CODES[0]}"]["result"]) == (0, "created"), done.output
    assert rows[f"27-001-{CODES[0]}"]["id"] == shell.office.item(f"27-001-{CODES[0]}").id
    assert first_step(shell.office.container.explain.code("27-001", CODES[0])) == "First seen (requested by: a plan)"
    again = shell.call("apply", str(shell.file), "--wait", "--json")
    assert (again.code, set(again.json()["counts"])) == (0, {"already"})


def test_an_invoices_plan_shows_its_bill_line_by_line(shell: CommandLine) -> None:
    arguments = (str(shell.invoice.id), "--project", str(shell.project.id), "--dry-run")
    output = shell.call("export", *arguments, "--save", str(shell.file)).output
    for text in (
        "N-1",
        "Blue Spruce Electric",
        "bill",
        f"27-001-{CODES[1]}",
        "1,234.50",
        "1,201.05",
        "Retainage held",
    ):
        assert text in output, output
    # The table of the bill ends with the payment due, and amounts are aligned.
    rows = [line.split("│")[2] for line in output.splitlines() if "Retainage held" in line or "Payment due" in line]
    assert [row.strip() for row in rows] == ["-133.45", "1,201.05"]
    assert {len(row) - len(row.rstrip()) for row in rows} == {1}
    done = shell.call("apply", str(shell.file), "--wait")
    assert (done.code, shell.office.bill(shell.invoice).tranid) == (0, "N-1"), done.output
    assert "Applied: 3 created; no change needed for 0 lines of the plan." in done.output
    explanation = shell.office.container.explain.invoice(str(shell.invoice.id), None)
    assert first_step(explanation) == "First seen (requested by: a plan)"
    assert [step["what"] for step in explanation["history"]] == ["seen", "sent", "created", "written_back"]
    # The saved JSON.
    saved = json.loads(shell.file.read_text())
    line = next(line for line in saved["lines"] if line["action"] == "bill")
    assert (line["data"]["total"], line["data"]["lines"][1][:2]) == ("1201.05", [f"27-001-{CODES[1]}", "1234.50"])
    assert len(line["needs"]) == 2
    now = shell.call("export", *arguments, "--json").json()
    assert [line["action"] for line in now["lines"]] == ["already"]


def test_apply_without_wait_ends_when_the_work_is_queued(shell: CommandLine) -> None:
    shell.scan_plan("--save", str(shell.file))
    ended = shell.call("apply", str(shell.file), "--json")
    assert (ended.code, ended.json()["counts"]) == (0, {"queued": 2})


def test_a_refused_line_is_reported_and_ends_with_1(shell: CommandLine) -> None:
    shell.scan_plan("--save", str(shell.file))
    shell.office.procore.rename_code(shell.project.id, shell.project.code_named(CODES[0]).id, "05-130.S")
    ended = shell.call("apply", str(shell.file), "--wait")
    assert ended.code == 1
    assert "WBS code was 05-120.S, is now 05-130.S" in ended.output
    assert "1 refused, 1 created" in ended.output or "1 created, 1 refused" in ended.output
    assert [item.itemid for item in shell.office.netsuite.items if item.itemid.startswith("27-001")] == [
        f"27-001-{CODES[1]}"
    ]


def test_a_blocked_line_is_reported_with_its_sentence(shell: CommandLine) -> None:
    """Workers apply their own rules as well: if NetSuite refuses a record, it becomes a problem."""
    shell.office.procore.edit_invoice(shell.invoice.id, billing_date="2026-02-20")
    shell.office.stage.settings("netsuite", missing_permissions=("accountingPeriod",))
    shell.call(
        "export", str(shell.invoice.id), "--project", str(shell.project.id), "--dry-run", "--save", str(shell.file)
    )
    ended = shell.call("apply", str(shell.file), "--wait", "--json")
    row = next(row for row in ended.json()["lines"] if row["action"] == "bill")
    assert (ended.code, row["result"], row["cause"]) == (1, "blocked", "period_closed")
    assert "The posting period of 2026-02-20 is closed" in row["reason"]


def test_a_file_is_not_overwritten_without_force(shell: CommandLine) -> None:
    shell.file.write_text("something else")
    ended = shell.scan_plan("--save", str(shell.file))
    assert (ended.code, "--force overwrites it" in ended.output) == (1, True)
    assert shell.file.read_text() == "something else"
    assert shell.scan_plan("--save", str(shell.file), "--force").code == 0
    assert json.loads(shell.file.read_text())["version"] == 4


def test_no_secret_is_in_a_plan(shell: CommandLine) -> None:
    shell.scan_plan("--save", str(shell.file))
    secrets = [
        shell.office.stage.env[name] for name in ("PROCORE_CLIENT_SECRET", "PROCORE_CLIENT_ID", "NETSUITE_CLIENT_ID")
    ]
    redis = shell.office.container.redis
    tokens = [str(redis.get(key)) for key in redis.scan_iter(f"{shell.office.container.settings.redis_key_prefix}token*") if redis.type(key) == "string"]  # fmt: skip
    text = shell.file.read_text()
    assert [secret for secret in secrets + tokens if secret in text] == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"company_id": 1}, "is a plan for Procore company 1 and NetSuite account"),
        ({"account": "other_sb1"}, "and NetSuite account other_sb1; the settings are for"),
        ({"version": 3}, "is not a plan of version 4"),
        ({"version": 1}, "is not a plan of version 4"),
        ({"version": None}, "is not a plan of version 4"),
        ({"made_at": "2026-05-04T09:00:00+00:00"}, "is not a plan saved by this installation"),
        ({"id": "0" * 12}, "is not a plan saved by this installation"),
        ({"lines": [{"key": "code:1:2"}]}, "is not a plan"),
        ({"lines": 7}, "is not a plan"),
    ],
)
def test_a_plan_for_something_else_is_refused(shell: CommandLine, changes: dict[str, Any], sentence: str) -> None:
    shell.scan_plan("--save", str(shell.file))
    assert sentence in shell.refused(**changes)


@pytest.mark.parametrize(
    "edit",
    [
        lambda line: line | {"name": "27-001-other"},
        lambda line: line | {"data": line["data"] | {"WBS code": "01-100.S"}},
        lambda line: line | {"signature": "0" * 32},
        lambda line: line | {"action": "adopt"},
        lambda line: line | {"key": "code:1:2"},
        lambda line: line | {"record": "INV-APPROVED", "project": "24-999 Approved Project"},
    ],
    ids=["name", "data", "signature", "action", "key", "what is shown"],
)
def test_an_edited_line_refuses_the_whole_plan(
    shell: CommandLine, edit: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    shell.scan_plan("--save", str(shell.file))
    first, second = json.loads(shell.file.read_text())["lines"]
    assert "was edited after it was made" in shell.refused(lines=[edit(first), second])
    assert "more than once" in shell.refused(lines=[second, second])


def test_a_line_that_nobody_approved_cannot_be_added(shell: CommandLine) -> None:
    """A line from another plan, or from another installation's plan, is refused."""
    shell.scan_plan("--save", str(shell.file))
    saved = json.loads(shell.file.read_text())
    other_file = shell.file.with_name("other.json")
    shell.office.procore.add_code(shell.project.id, "07-100.S", budget=10)
    shell.scan_plan("--save", str(other_file))
    foreign = [line for line in json.loads(other_file.read_text())["lines"] if line["record"] == "07-100.S"]
    assert foreign
    assert "was edited after it was made (1 line, such as 07-100.S)" in shell.refused(lines=saved["lines"] + foreign)
    key = f"{shell.office.container.settings.redis_key_prefix}plans:key"
    shell.office.container.redis.set(key, "another installation's")
    assert "is not a plan saved by this installation" in shell.refused()


def test_the_approved_plan_is_identified_by_its_id(shell: CommandLine) -> None:
    saved = shell.scan_plan("--save", str(shell.file))
    plan_id = json.loads(shell.file.read_text())["id"]
    assert f"as plan {plan_id}" in " ".join(saved.output.split())
    refused = shell.call("apply", str(shell.file), "--plan", "0" * 12)
    assert (refused.code, f"is plan {plan_id}, not plan {'0' * 12}" in " ".join(refused.output.split())) == (1, True)
    saved_plan = json.loads(shell.file.read_text())
    shell.file.write_text(json.dumps(saved_plan | {"lines": saved_plan["lines"][:1]}))
    applied = shell.call("apply", str(shell.file), "--plan", plan_id.upper(), "--json")
    assert (applied.code, applied.json()["plan"], applied.json()["removed"]) == (0, plan_id, 1)


@pytest.mark.parametrize("key", ["", "code", "code:x:2", "code:1", "code:01:2", "invoice:1:", "project:1:budget"])
def test_a_plan_with_an_invalid_key_is_refused(shell: CommandLine, key: str) -> None:
    line = line_of(key, "p", "05-120.S", Outcome(OutcomeKind.CREATED, "27-001-05-120.S"))
    shell.scan_plan("--save", str(shell.file))
    assert "is not a plan" in shell.refused(lines=[asdict(line)])


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"7", b"[" * 100_000, b'{"version": 1}', None])
def test_a_file_that_is_no_plan_is_reported_in_one_sentence(shell: CommandLine, content: bytes | None) -> None:
    if content is not None:
        shell.file.write_bytes(content)
    ended = shell.call("apply", str(shell.file))
    assert ended.code == 1
    assert len(ended.output) < 400
    assert "plan" in ended.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--save", "x"], "--save requires --dry-run"),
        (["--dry-run", "--wait"], "--dry-run and --wait cannot be combined"),
        (["--dry-run", "--force"], "--force requires --save"),
    ],
)
def test_options_that_contradict_each_other_are_reported(
    shell: CommandLine, arguments: list[str], sentence: str
) -> None:
    for command in (["scan"], ["export", "--approved"]):
        ended = shell.call(*command, *arguments)
        assert (ended.code, sentence in ended.output) == (2, True), ended.output


def test_a_project_that_a_scan_would_skip_is_shown_with_the_reason(shell: CommandLine) -> None:
    inactive = shell.office.case("inactive_project")["project_id"]
    ended = shell.call("scan", "--project", str(inactive), "--project", "77", "--dry-run", "--json")
    lines = {line["key"]: (line["action"], line["cause"]) for line in ended.json()["lines"]}
    assert lines == {
        f"project:{inactive}:budget": ("skip", ""),
        "project:77:budget": ("blocked", "project_not_readable"),
    }


def test_projects_and_invoices_are_named_as_people_call_them(shell: CommandLine) -> None:
    by_id = shell.call(
        "export", str(shell.invoice.id), "--project", str(shell.project.id), "--dry-run", "--json"
    ).json()
    for project in ("27-001", "27-001 New Project"):
        plan = shell.call("export", "N-1", "--project", project, "--dry-run", "--json").json()
        assert plan["lines"] == by_id["lines"]
    (line,) = {
        line["project"] for line in shell.call("scan", "--project", "27-001", "--dry-run", "--json").json()["lines"]
    }
    assert line == "27-001 New Project"
    # Digits are read as a project number if a project has that number.
    digits = shell.office.new_project("4711", CODES[:1])
    shell.office.container.scans.projects.refresh()
    plan = shell.call("scan", "--project", "4711", "--dry-run", "--json").json()
    assert {line["key"].split(":")[1] for line in plan["lines"]} == {str(digits.id)}


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
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
def test_a_name_without_a_match_is_reported_in_a_sentence(
    shell: CommandLine, arguments: list[str], code: int, sentence: str
) -> None:
    mark = shell.office.mark()
    ended = shell.call(*arguments)
    assert (ended.code, sentence in " ".join(ended.output.split())) == (code, True), ended.output
    assert shell.office.writes(mark) == []
    assert shell.office.container.ledger.problems() == []
