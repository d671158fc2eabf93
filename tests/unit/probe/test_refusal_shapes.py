"""The text of a refusal without names, and as a pattern for another refusal by the same rule."""

from __future__ import annotations

import pytest

from probe.refusal_shapes import is_specific, shape_of
from worker.clients.netsuite.errors import fits

NAMES = ["Blue Spruce Electric", "24-017", "Riverside (Phase 2)"]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("400 USER_ERROR A bill 4711 of BLUE SPRUCE ELECTRIC stands.", "400 USER_ERROR A bill … of … stands."),
        ("400 DUP Project Riverside (Phase 2) is there, as 'Dome, new'.", "400 DUP Project … is there, as …."),
        ("400 X See https://1234567.app.netsuite.com/x?id=7 or jo@example.com", "400 X See … or …"),
        ("400 X Dated 2026-09-30, 1,200.00 due", "400 X Dated … due"),
        ("400 USER_ERROR Keine Nummer", "400 USER_ERROR Keine Nummer"),
    ],
)
def test_names_numbers_and_quotes_are_removed(text: str, shape: str) -> None:
    assert shape_of(text, NAMES) == shape
    assert fits(shape, text)


def test_a_shape_fits_the_next_refusal_by_its_rule_only() -> None:
    shape = shape_of("400 USER_ERROR Der Beleg A-7 von Blue Spruce Electric ist schon da.", NAMES)
    assert fits(shape, "400 USER_ERROR Der Beleg ohne Ziffer von Müller+Söhne ist schon da.")
    assert not fits(shape, "400 USER_ERROR Der Beleg A-7 von Blue Spruce Electric ist gesperrt.")
    assert not fits(shape, "403 USER_ERROR Der Beleg A-7 von Blue Spruce Electric ist schon da.")


@pytest.mark.parametrize(
    ("shape", "other_refusals", "specific"),
    [
        ("400 USER_ERROR Der Beleg … ist schon da.", [], True),
        ("400 USER_ERROR Der Beleg … ist schon da.", ["400 USER_ERROR Der Beleg B ist schon da."], False),
        ("400 USER_ERROR Error while accessing a resource.", [], False),
        ("400 USER_ERROR Error while accessing a resource. …", [], False),
        ("400 USER_ERROR Fehler.", [], False),
    ],
)
def test_a_shape_without_content_or_of_other_refusals_is_not_specific(
    shape: str, other_refusals: list[str], specific: bool
) -> None:
    assert is_specific(shape, other_refusals) is specific
