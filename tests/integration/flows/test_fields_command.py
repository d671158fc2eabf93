"""`wbs-sync fields`: the list, the draft, and what the records of a project would get."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.integration.flows.conftest import OpenInstallation
from tests.integration.flows.test_account_fields import FIELDS, invoice_of, with_fields
from tests.kit.commands import run_command
from tests.kit.ended import Ended
from tests.kit.installation import Installation
from worker.domain.fields_file import account_fields

pytestmark = pytest.mark.real


@pytest.fixture
def office(open_office: OpenInstallation, tmp_path: Path) -> Installation:
    return with_fields(open_office, tmp_path, FIELDS)


def call(office: Installation, *arguments: str) -> Ended:
    return run_command(office.container, "fields", *arguments)


def test_the_list_has_a_row_for_each_field_with_what_it_is_set_to(office: Installation) -> None:
    ended = call(office)
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert any("[bill]" in line and "custbody_note" in line and "Procore {invoice.number}" in line for line in lines)
    assert any("[item]" in line and "cseg_phase" in line and "reference" in line for line in lines)
    rows = json.loads(call(office, "--json").out)
    due = {
        "place": "bill",
        "name": "dueDate",
        "kind": "date",
        "custom": False,
        "set_to": "invoice.billing_date, +30 days",
    }
    assert due in rows


def test_the_draft_has_each_field_as_a_comment_that_is_valid(office: Installation, tmp_path: Path) -> None:
    draft = tmp_path / "draft.toml"
    ended = call(office, "--draft", str(draft))
    assert (ended.code, "each as a comment" in ended.out) == (0, True)
    text = draft.read_text(encoding="utf-8")
    assert not account_fields(tomllib.loads(text), ""), "nothing is set by a draft"
    used = re.sub(r"^# (?=\w+ = |\[)", "", text, flags=re.MULTILINE)
    fields = account_fields(tomllib.loads(used.replace("ID", "5")), "")
    assert sum(len(rules) for rules in fields.rules.values()) == len(json.loads(call(office, "--json").out))

    ended = call(office, "--draft", str(draft))
    assert ended.code == 1
    assert "exists already. Nothing was written." in ended.err
    assert draft.read_text(encoding="utf-8") == text


def test_trying_a_project_shows_both_records_or_why_one_cannot_be_written(
    office: Installation, open_office: OpenInstallation, tmp_path: Path
) -> None:
    project, invoice = invoice_of(office)
    ended = call(office, "--try", str(project.number))
    assert ended.code == 0
    assert "Field Operations (id 5)" in ended.out
    assert "Item of code 05-120.S" in ended.out

    (tmp_path / "second").mkdir()
    other = with_fields(open_office, tmp_path / "second", FIELDS.replace('S = "7"', 'M = "7"'))
    project, invoice = invoice_of(other)
    ended = call(other, "--try", str(project.number))
    assert ended.code == 1
    assert f"bill of invoice {invoice.invoice_number}: The field custcol_cost_type" in " ".join(ended.out.split())
    assert json.loads(call(other, "--try", str(project.number), "--json").out)[1]["problem"]


def test_a_draft_of_a_project_is_refused(office: Installation) -> None:
    ended = call(office, "--try", "24-901", "--draft", "x.toml")
    assert ended.code == 2
    assert "Pass --try or --draft, not both." in ended.err
