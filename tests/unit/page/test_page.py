"""The page: every text literal, no content from other servers, and the same content for screen readers."""

from __future__ import annotations

import functools
import hashlib
import re
from base64 import b64encode
from dataclasses import replace
from decimal import Decimal
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import example, given

from tests.bad_input import strategies as hostile
from tests.unit.page.samples import AT, report
from worker.inspect.report import (
    GateUse,
    InvoiceTotals,
    ProblemsOfCause,
    ProblemsOfOwner,
    ProjectRow,
    ReportedProblem,
    StatusCounts,
)
from worker.page import MAX_PROBLEMS, MAX_PROJECTS, amount, bar, duration, known_amounts, on_hold, render, share

VOID = {"meta", "link", "br"}


class Outline(HTMLParser):
    """The structure of the page: its elements with their attributes, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == [], "an element was left open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        """Return all texts, with single spaces."""
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of each element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


def names(page: str) -> list[tuple[str, list[str]]]:
    """Return the elements and the names of their attributes, which texts must not change."""
    return [(tag, sorted(attributes)) for tag, attributes in Outline(page).elements]


@functools.cache
def names_of_a_plain_page() -> list[tuple[str, list[str]]]:
    return names(render(report(name="n")))


@given(name=hostile.any_texts)
@example(name="<script>alert(1)</script>")
@example(name='"><img src=x onerror=alert(1)>')
@example(name="</style></title><iframe src=//x>")
@example(name="{{ 7 * 7 }}{% raw page %}{# #}")
@example(name="' onmouseover='alert(1)")
@example(name="\ud800\u202e<b>&amp;")
def test_a_name_of_any_kind_is_shown_as_text_only(name: str) -> None:
    page = render(report(name=f"n{name}"))
    assert names(page) == names_of_a_plain_page()
    assert page.encode()
    assert "\u202e" not in page


def test_a_name_is_shown_literally() -> None:
    name = "O'Brien & <Söhne> {{ 1 }} &amp;"
    assert Outline(render(report(name=name))).text.count(name) == 7


def test_nothing_comes_from_elsewhere_and_no_script_runs() -> None:
    page = render(report())
    outline = Outline(page)
    assert not {"script", "img", "iframe", "object", "form", "input", "base"} & {tag for tag, _ in outline.elements}
    targets = [
        value for _, attributes in outline.elements for name, value in attributes.items() if name in ("href", "src")
    ]
    assert targets
    assert all(target and target.startswith(("#", "data:,")) for target in targets)
    assert not re.search(r"url\(|@import|https?:", page)
    assert not any(
        name.startswith("on") or name == "style" for _, attributes in outline.elements for name in attributes
    )


def test_its_policy_allows_its_own_style_and_nothing_else() -> None:
    page = render(report())
    (policy,) = (one["content"] for one in Outline(page).all("meta") if "http-equiv" in one)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    own = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{own}'; base-uri 'none'; form-action 'none'"
    )


def test_links_within_the_page_have_a_target() -> None:
    outline = Outline(render(report()))
    ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    referred = [str(one["href"])[1:] for one in outline.all("a")]
    for _, attributes in outline.elements:
        referred += str(attributes.get("aria-labelledby") or "").split()
    assert set(referred) <= set(ids)
    assert {"content", "projects", "invoices", "problems", "runs", "gate"} <= set(referred)


def test_tables_bars_and_the_plot_have_text_for_screen_readers() -> None:
    outline = Outline(render(report()))
    assert all("scope" in one for one in outline.all("th"))
    assert len(outline.all("caption")) == len(outline.all("table")) == 4
    pictures = [one for one in outline.all("svg") if one.get("aria-hidden") != "true"]
    assert [one.get("aria-label") for one in pictures] == [
        "25 % of its codes synced",
        "100 % of its codes synced",
        None,
    ]
    assert pictures[-1]["aria-labelledby"] == "plot-name plot-words"
    assert all(one["role"] == "img" for one in pictures)
    levels = [int(tag[1]) for tag, _ in outline.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert [len(outline.all(landmark)) for landmark in ("header", "nav", "main")] == [1, 1, 1]
    assert outline.all("html")[0]["lang"] == "en"


def test_the_page_says_in_text_what_its_state_is() -> None:
    text = Outline(render(report())).text
    for sentence in (
        "Procore company 4590, NetSuite account TSTDRV1234567. As of 2026-09-21 14:13:20 UTC",
        "All times are UTC.",
        "WBS codes with an Item 13 of 16 1 waiting, 2 blocked",
        "Invoices with a bill 3 of 4 0 waiting, 1 blocked",
        "Open problems 2 need attention",
        "24-001 Harbor View 100 % 12 0 0 3 of 3",
        "Harbor View (no number) 25 % 1 1 2 0 of 1",
        "All 2 known projects 13 1 2 3 of 4",
        "Billed vendor bill created 3 12,345.60 Blocked needs attention: see the problems 2 -0.05 1 of 2 amounts known",
        "not ready or not ours, such as a draft 1 not known All known invoices 6 12,345.55 4 of 6 amounts known Payment due in the company's base currency",
        "Project accountant 2 On hold: 2 invoices, payment due 1,000.00 (1 of 2 amounts known). Project number missing 2",
        "Harbor View, code 1 Project Harbor View has no number. Since 2026-09-21 14:13",
        "2026-09-21 14:12:20 Scan Harbor View 11.2 s 6 1,234 13 created, 2 blocked",
        "1 of 5 slots in use now",
    ):
        assert sentence in text, text


def test_a_problem_leads_to_its_records_where_their_addresses_are_known() -> None:
    made = report()
    cause = made.problems[0].causes[0]
    url = "https://tstdrv1.app.netsuite.com/app/common/item/item.nl?id=7&x=1"
    link = {"system": "NetSuite", "record": "Item 7", "url": url}
    problems = [replace(one, links=[link]) for one in cause.problems]
    owner = replace(made.problems[0], causes=[replace(cause, problems=problems)])
    page = render(report(problems=[owner]))
    assert page.count(f'<a href="{url.replace("&", "&amp;")}">NetSuite: Item 7</a>') == len(problems)
    assert "https:" not in render(made)


def test_projects_with_blocked_records_come_first() -> None:
    text = Outline(render(report())).text
    assert text.index("(no number)") < text.index("24-001")


def test_an_empty_ledger_has_a_page_too() -> None:
    notice = "A rebuild of the ledger has begun."
    empty = report(
        ledger_notice=notice, projects=[], invoices={}, problems=[], runs=[], gate=GateUse(0, 5, []), waiting=0
    )
    text = Outline(render(empty)).text
    for sentence in (
        notice, "No project is known yet.", "No invoice is known yet.", "None.",
        "None in the last week.", "No samples in the last hours", "Open problems 0 all clear",
    ):  # fmt: skip
        assert sentence in text, text


def test_a_run_in_progress_shows_what_is_left() -> None:
    run = replace(report().runs[0], seconds=None, open_keys=1234, requests=None)
    assert "running not counted 13 created, 2 blocked; 1,234 left" in Outline(render(report(runs=[run]))).text


def test_a_sum_of_some_amounts_is_never_shown_as_the_sum_of_all() -> None:
    whole, part, nothing = InvoiceTotals(2, 2, Decimal("0.30")), InvoiceTotals(2, 1, Decimal("0.10")), InvoiceTotals(1)
    assert [(amount(due), known_amounts(due)) for due in (whole, part, nothing)] == [
        ("0.30", ""),
        ("0.10", "1 of 2 amounts known"),
        ("not known", ""),
    ]
    assert on_hold(nothing) == "On hold: 1 invoice, payment due not known."


def test_a_company_of_any_size_stays_a_page_that_opens() -> None:
    rows = [
        ProjectRow(number, f"24-{number}", "A", StatusCounts(done=1), StatusCounts())
        for number in range(MAX_PROJECTS + 3)
    ]
    many = [ReportedProblem(f"code {number}", "It stands.", AT) for number in range(MAX_PROBLEMS + 7)]
    owners = [ProblemsOfOwner("ERP administrator", [ProblemsOfCause("item_inactive", "Wake it.", many)])]
    page = render(report(projects=rows, problems=owners))
    outline = Outline(page)
    assert page.count("It stands.") == MAX_PROBLEMS
    assert page.count('scope="row"><span class="row"><span class="name"><span class="number">') == MAX_PROJECTS
    assert f"The first {MAX_PROJECTS} of {MAX_PROJECTS + 3} projects" in outline.text
    assert "7 more: wbs-sync problems --cause item_inactive" in outline.text
    # The counts include all problems.
    assert f"ERP administrator {MAX_PROBLEMS + 7}" in outline.text
    assert f"All {MAX_PROJECTS + 3} known projects {MAX_PROJECTS + 3}" in outline.text


def test_a_bar_shows_the_shares_of_records_that_are_not_skipped() -> None:
    assert bar(StatusCounts(done=1, waiting=1, blocked=2, skipped=50)) == [
        ("done", 0.0, 25.0),
        ("waiting", 25.0, 25.0),
        ("blocked", 50.0, 50.0),
    ]
    assert bar(StatusCounts(skipped=3)) == []


@pytest.mark.parametrize(
    ("tally", "sentence"),
    [
        (StatusCounts(done=999, blocked=1), "99 %"),
        (StatusCounts(done=5, skipped=5), "100 %"),
        (StatusCounts(blocked=4), "0 %"),
        (StatusCounts(), "none known"),
    ],
)
def test_all_is_only_said_when_nothing_is_missing(tally: StatusCounts, sentence: str) -> None:
    assert share(tally) == sentence


@pytest.mark.parametrize(
    ("seconds", "sentence"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (60, "1 min 0 s"), (3599.6, "1 h 0 min"), (7325, "2 h 2 min")],
)
def test_a_duration_is_written_in_common_units(seconds: float, sentence: str) -> None:
    assert duration(seconds) == sentence


def test_texts_of_the_page_itself_are_plain() -> None:
    """No entity is escaped twice: an `&amp;amp;` would show up as `&amp;`."""
    assert "&" not in unescape(re.sub(r"<style>.*?</style>", "", render(report()), flags=re.DOTALL))
