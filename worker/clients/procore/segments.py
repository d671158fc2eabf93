"""The parts of WBS codes. They only decide further fields in NetSuite, so an unreadable one counts as missing."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from worker.clients.fields import IdOrNone, Label
from worker.clients.procore.row import ProcoreRow
from worker.domain.wbs_codes import Segment


class SegmentRow(ProcoreRow):
    """`segment` of a part of a WBS code, and one of `segments` of GET /rest/v1.0/projects/{id}/work_breakdown_structure/patterns."""

    id: IdOrNone = None
    name: Label = ""
    type: Label = ""


_SegmentOrNone = Annotated[SegmentRow, BeforeValidator(lambda value: value if isinstance(value, dict) else {})]


class SegmentItemRow(ProcoreRow):
    """One of `segment_items` of a WBS code."""

    code: Label = ""
    segment: _SegmentOrNone = SegmentRow()
    segment_type: Label = ""
    segment_id: IdOrNone = None

    def segment_of(self) -> Segment:
        """Convert to the domain's type."""
        described = self.segment
        return Segment(described.id or self.segment_id, described.name, described.type or self.segment_type, self.code)


class PatternRow(ProcoreRow):
    """GET /rest/v1.0/projects/{id}/work_breakdown_structure/patterns."""

    segments: list[SegmentRow] = Field(default_factory=list)


def segments_of(segment_items: Any) -> tuple[Segment, ...]:
    """Return the parts of a code. In a list of codes, `segment` describes each; an invoice line has only its type and id."""
    items = segment_items if isinstance(segment_items, list) else []
    rows = [SegmentItemRow.model_validate(item) for item in items if isinstance(item, dict)]
    return tuple(row.segment_of() for row in rows if row.code)
