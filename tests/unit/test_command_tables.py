"""What commands print for people: tables without empty columns, problems by cause, reasons once, failures last."""

from __future__ import annotations

import io
from collections import Counter
from importlib import import_module
from typing import Any

import pytest

from worker.cli import apply, output, plans, runs, verify
from worker.domain.findings import Finding, Verified
from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.plans import LineData, Plan, PlanLine, Requests, line_of
from worker.domain.problems import Cause, FindingKind, describe
from worker.domain.work import RunKind

# In its package the name is that of the command.
retry = import_module("worker.cli.problems.retry")


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Return the buffer that commands print to, 250 columns wide."""
    buffer = io.StringIO()
    console = output.LiteralConsole(file=buffer, width=250, highlight=False)
    for module in (output, plans, apply, runs, verify, retry):
        monkeypatch.setattr(module, "out", console)
    return buffer


def blocked(about: str, cause: Cause, **facts: str) -> PlanLine:
    outcome = Outcome(OutcomeKind.BLOCKED, reason=describe(cause, facts).sentence, cause=cause)
    return line_of(f"code:17:{about}", "24 Library", about, outcome)


def bill(number: int, total: str) -> PlanLine:
    data: LineData = {"total": total, "vendor": "Acme", "date": "2026-04-30", "lines": ()}
    return line_of(
        f"invoice:17:{number}", "24 Library", f"A-{number}", Outcome(OutcomeKind.CREATED, f"A-{number}"), data=data
    )


def problem(key: str, about: str, cause: Cause, **facts: str) -> dict[str, Any]:
    described = describe(cause, facts)
    return {
        "key": key,
        "record": about,
        "cause": cause.value,
        "class": described.problem_class.value,
        "owner": described.owner.value,
        "sentence": described.sentence,
        "next_step": described.next_step,
    }


def test_an_always_empty_column_is_left_out_and_titles_are_not_wrapped(printed: io.StringIO) -> None:
    """A title may be longer than its table."""
    output.table("A title that is longer than its table", ("id", "why", "name"), [("1", "", "a"), ("2", "", "")])
    title, *rows = printed.getvalue().splitlines()
    assert title == "A title that is longer than its table"
    assert rows[1].split() == ["┃", "id", "┃", "name", "┃"]
    assert rows[4].split() == ["│", "2", "│", "│"]


def test_a_plan_prints_each_reason_once_and_the_total_of_its_bills(printed: io.StringIO) -> None:
    lines = [blocked(code, Cause.PROJECT_NUMBER_MISSING, project="Library") for code in ("01-100.S", "01-200.S")]
    lines += [bill(1, "1234.50"), bill(2, "-0.50"), bill(3, "100000.00")]
    plans.print_plan(
        Plan(1, RunKind.EXPORT, 5, "TST", "2026-05-04T09:00:00+00:00", Requests(), Requests(), tuple(lines))
    )
    text = printed.getvalue()
    assert text.count("has no project number") == 1
    assert "│ 01-100.S, 01-200.S │" in text
    assert "Bills: 3, total 101,234.00" in text


def test_results_that_need_attention_come_last_after_applying_a_plan(printed: io.StringIO) -> None:
    """Created and adopted bills come first, with their number and total."""
    ends = {"A-1": "blocked", "A-2": "created", "A-3": "adopted"}
    rows = [
        {"project": "24", "record": about, "action": "bill", "result": end, "name": about, "id": "", "total": "70.10", "reason": ""}
        for about, end in ends.items()
    ]  # fmt: skip
    counts = Counter(ends.values())
    head = {"plan": "3f2a91c0d4e8", "made_at": "2026-05-04T09:00:00+00:00", "unchanged": 0, "removed": 0}
    apply.print_applied({**head, "lines": rows, "counts": counts})
    text = printed.getvalue()
    assert text.index("A-2") < text.index("A-3") < text.index("A-1")
    assert text.startswith("Plan 3f2a91c0d4e8 of 2026-05-04 09:00:00 UTC\n")
    assert "Bills of the plan in NetSuite: 2, total 140.20." in text


def test_problems_are_grouped_by_cause_with_their_common_next_step(printed: io.StringIO) -> None:
    rows = [
        problem("code:9:2", "24 Library, code 01-200.S", Cause.PROJECT_NUMBER_MISSING, project="Library"),
        problem("invoice:9:7", "24 Library, invoice A-7", Cause.BILLING_DATE_MISSING, invoice="A-7", vendor="Acme"),
        problem("code:9:1", "24 Library, code 01-100.S", Cause.PROJECT_NUMBER_MISSING, project="Library"),
    ]
    runs.print_problems(rows, title="3 open problems", by_cause=False)
    text = printed.getvalue()
    order = ("3 open problems", "project_number_missing: 2 (project accountant)", "code:9:1", "code:9:2",
             "Add a project number", "billing_date_missing: 1", "invoice:9:7", "Set the billing date")  # fmt: skip
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert text.count("Add a project number") == 1


def test_one_row_per_cause_whatever_order_the_problems_came_in(printed: io.StringIO) -> None:
    rows = [
        problem("code:9:2", "24 b", Cause.NAME_TOO_LONG, name="b"),
        problem("code:9:3", "24 c", Cause.ITEM_INACTIVE, name="c"),
        problem("code:9:1", "24 a", Cause.NAME_TOO_LONG, name="a"),
    ]
    runs.print_problems(rows, title="3", by_cause=True)
    text = printed.getvalue()
    printed.truncate(0)
    printed.seek(0)
    runs.print_problems(rows[::-1], title="3", by_cause=True)
    assert printed.getvalue() == text
    assert "'a'" in text
    assert "'b'" not in text


def test_of_many_problems_the_first_are_shown_and_how_to_see_all(printed: io.StringIO) -> None:
    """When problems alone were asked for, all of them are shown."""
    rows = [
        problem(f"code:9:{n}", f"24 Library, code {n:03}", Cause.NAME_TOO_LONG, name=f"24-{n}") for n in range(1200)
    ]
    runs.print_problems(rows, title="1,200 open problems", by_cause=False)
    text = printed.getvalue()
    assert [row for row in ("code:9:24 ", "code:9:25 ") if row in text] == ["code:9:24 "]
    assert "name_too_long: 1,200 (project accountant)" in text
    assert "1,175 more: `wbs-sync problems --cause name_too_long` lists all." in text
    runs.print_problems(rows, title="1,200 open problems", by_cause=False, complete=True)
    assert "code:9:1199 " in printed.getvalue()


def test_a_long_key_in_a_narrow_terminal_has_its_own_line(printed: io.StringIO) -> None:
    """The sentence of the problem comes before it and is not wrapped into a column."""
    output.out.width = 100
    key = "verify:item_missing:code:562949953225777:562950135878263"
    runs.print_problems(
        [problem(key, "24 Library, code 01", Cause.NAME_TOO_LONG, name="24-01", length="70", limit="60")],
        title="1 open problem",
        by_cause=False,
    )
    assert (
        f"- 24 Library, code 01: The Item name '24-01' is 70 characters long; NetSuite's limit is 60.\n  {key}\n"
        in printed.getvalue()
    )


def test_findings_of_one_kind_are_grouped_with_their_next_step(printed: io.StringIO) -> None:
    missing = [
        Finding(FindingKind.ITEM_MISSING, f"code:17:{n}", f"Code {n:03} of 24 Library has no Item.") for n in range(400)
    ]
    twice = Finding(FindingKind.DUPLICATE_BILL, "invoice:17:5", "Invoice A-5 has 2 bills.")
    verify.print_verified(Verified(codes=400, invoices=1, findings=[twice, *missing]))
    text = printed.getvalue()
    assert len(text.splitlines()) < 60
    assert (text.count("Run a scan"), text.count("Void or delete")) == (1, 1)
    assert "duplicate_bill: 1 (project accountant)" in text
    assert "375 more: `wbs-sync problems --cause drift_item_missing` lists all." in text


def test_a_retry_with_nothing_to_try_says_so_once_for_each_cause(printed: io.StringIO) -> None:
    rows = [
        problem(f"verify:item_renamed:code:9:{n}", f"24 {n:03}", FindingKind.ITEM_RENAMED.cause) for n in range(100)
    ]
    retry.print_retried({"dispatched": {}, "not_retryable": rows, "fixed": [], "remaining": [], "seconds": 0.0})
    text = printed.getvalue()
    assert text.startswith("Retrying: nothing.\nNot retried")
    assert (text.count("Next step:"), "75 more: " in text) == (1, True)
    assert text.endswith("None was retried.\n")


def test_the_number_of_problems_that_remain_after_a_retry_is_printed(printed: io.StringIO) -> None:
    row = problem("invoice:9:7", "24 A-7", Cause.BILLING_DATE_MISSING, invoice="A-7", vendor="Acme") | {
        "next_attempt_at": None
    }
    retried = {"dispatched": {"invoices": 1}, "not_retryable": [], "fixed": [], "remaining": [row], "seconds": 0.31}
    retry.print_retried(retried)
    assert printed.getvalue().startswith("Retrying: 1 invoice.\n1 remains; none was fixed in 0.3 s\n")


def test_a_plan_shows_a_moved_period_and_a_vendor_credit_in_its_row(printed: io.StringIO) -> None:
    """Neither is a reason why the line would not be exported."""
    data: LineData = {
        "total": "-720.00",
        "vendor": "Acme",
        "date": "2026-02-25",
        "lines": (),
        "posting period": "Apr 2026",
    }
    outcome = Outcome(OutcomeKind.CREATED, "C-1", reason="posted in Apr 2026")
    credit = line_of("invoice:17:9", "24 Library", "C-1", outcome, data=data)
    plans.print_plan(Plan(1, RunKind.EXPORT, 5, "TST", "2026-05-04T09:00:00+00:00", Requests(), Requests(), (credit,)))
    text = printed.getvalue()
    (row,) = [line for line in text.splitlines() if line.startswith("│ C-1")]
    assert [cell.strip() for cell in row.strip("│").split("│")][:6] == [
        "C-1", "vendor credit", "Acme", "2026-02-25", "Apr 2026", "-720.00",
    ]  # fmt: skip
    assert "why not" not in text
