"""Settings that can be changed while the Procore simulator runs. Comments mark those for undocumented behavior."""

from __future__ import annotations

from dataclasses import dataclass

from simulators.common.settings import CommonSettings


@dataclass
class ProcoreSettings(CommonSettings):
    """Defaults are the documented behavior, or the most likely one if nothing is documented."""

    token_lifetime: int = 5400  # seconds ("oauth-client-credentials" guide)
    hourly_limit: int | None = 3600  # requests in 60 minutes; None = no such limit ("rate-limiting" guide)
    hour_seconds: float = 3600.0  # length of the hourly window; shorter in tests that wait for its end
    spike_limit: int | None = 100  # requests in 10 seconds; None = no such limit (same guide)
    retry_after_on_429: bool = (
        False  # the error reference documents Retry-After for a 429, the rate-limiting guide for a 503
    )
    retry_after_on_503: bool = (
        True  # False: as a gateway's response, which has the headers of the rate limit like every other
    )
    directory_forbidden: bool = False  # the app's manifest asks for no permission on the company's Directory
    definitions_forbidden: bool = False  # the app may not list the company's custom fields
    json_on_429: bool = False  # whether the documented sentence is sent as JSON is not documented
    links_pages: bool = (
        True  # "not every endpoint pages" ("pagination" guide): whether lists name their next page in Link
    )
    most_codes: int = 2000  # how many WBS codes a page has at most: only advised, not documented
    budget_lines_v2: bool = True  # the v2.0 budget line list is BETA: off = 404 as on an account without it
    unpermitted_status: int = (
        404  # of a project that the app may not see: "404 also means no read access"; 403 occurs too
    )
    patch_forbidden: bool = False  # the service account has no Admin permission on Commitments
    patch_marks_synced: bool = True  # whether a PATCH of origin_id changes `erp_status` is not documented
    status_when_synced: str = "synced"  # the values of `erp_status` are not documented for requisitions
    origin_id_clearable: bool = False  # whether a PATCH may set origin_id back to null is not documented
    duplicate_origin_status: int = 422  # 422, 409, or 200 for an account that accepts it: not documented
    # Where stored materials and their retainage show once they become work: "this_period", moved by hand, or "from_previous", moved
    # by Procore (move_materials_to_previous_work_completed; field texts of the requisitions reference page).
    moved_retainage: str = "this_period"
    # How contracts are invoiced, "progressive" or "simplified"; "" = not shown. A simplified one has no `summary_text` (newer text of
    # Procore's reference).
    contract_invoicing_method: str = ""
    # What names the contract line that an invoice line bills: "own" line_item_id; "shared", that of the contract line, when several rows
    # of a subcontractor's schedule of values break it down; "detail", a detail_line_item_id alone (seen in live answers); "none".
    line_ids: str = "own"
    totals_before: bool = True  # off: lines without total_completed_and_stored_to_date_from_previous, as those of v1.0
    line_amounts: str = (
        "this_period"  # "to_date" or "scheduled": what a line's gross_amount and net_amount mean is not documented
    )
    tax_in_payment_due: bool = False  # whether current_payment_due includes the tax is not documented
    refuse_unknown_parameters: bool = (
        False  # Procore ignores unknown parameters; True returns 400, to detect a client that sends some
    )
