"""docs/problems.md lists every cause once, as in the code, with the names of an example."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from tools.problems_page import EXAMPLE, OTHERWISE, PAGE, page
from worker.domain.problems import CATALOGUE, Cause, ProblemClass


def row_of(cause: Cause) -> list[str]:
    (line,) = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{cause.value}` |")]
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]


def section_of(cause: Cause) -> str:
    before = PAGE.read_text().split(f"| `{cause.value}` |")[0]
    return str(re.findall(r"^## (.*)$", before, re.MULTILINE)[-1])


def test_the_page_is_up_to_date() -> None:
    text = PAGE.read_text()
    assert text == page(text), "run `make docs`"


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_one_row_with_owner_example_and_next_step(cause: Cause) -> None:
    """The row is in the section of the cause's class and has no placeholder."""
    entry = CATALOGUE[cause]
    _, owner, sentence, next_step = row_of(cause)
    assert (owner, next_step) == (entry.owner.value, entry.next_step)
    assert section_of(cause).casefold() == entry.problem_class.value.casefold()
    assert "{" not in sentence


@pytest.mark.parametrize("cause", [cause for cause in Cause if CATALOGUE[cause].sentence == "{finding}"])
def test_every_finding_has_its_own_example(cause: Cause) -> None:
    other_examples = {row_of(other)[2] for other in Cause if other is not cause}
    sentence = row_of(cause)[2]
    assert sentence not in {*other_examples, ""}
    about_a_bill = cause.value.startswith(("drift_bill", "drift_duplicate_bill", "drift_origin"))
    assert sentence.startswith("Invoice" if about_a_bill else ("Code", "Project"))


@pytest.mark.parametrize("cause", Cause)
def test_every_fact_of_a_sentence_has_an_example(cause: Cause) -> None:
    facts = {name for _, name, _, _ in Formatter().parse(CATALOGUE[cause].sentence) if name}
    assert facts <= set(EXAMPLE)
    assert set(OTHERWISE.get(cause, {})) <= facts, "an example that no page shows"


@pytest.mark.parametrize("problem_class", ProblemClass)
def test_every_class_is_explained_and_has_causes(problem_class: ProblemClass) -> None:
    assert f"| {problem_class.value} | " in PAGE.read_text()
    assert any(entry.problem_class is problem_class for entry in CATALOGUE.values())
