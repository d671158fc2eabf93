"""The command `wbs-sync probe`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import click

from config.loading import load_settings
from config.profile import Profile, profile_file, read_profile
from config.settings import Settings
from probe.cleanup import CleanupResult
from probe.point import Point, PointResult
from probe.points import POINTS
from probe.profile import save_profile
from probe.report import report_of
from probe.run import AlreadyRunning, Probe, ProbeResult
from probe.sandboxes import is_netsuite_sandbox, is_procore_sandbox
from probe.session import ProbeOptions
from probe.wiring import open_probe
from worker.cli.output import FAILED, Fault, err, json_option, out, print_json, progress, styled, table


def two_ids(context: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Parse PROJECT/INVOICE, two ids of Procore. Raises BadParameter."""
    pairs = [value.partition("/") for value in values]
    if any(not (one.isdecimal() and other.isdecimal() and len(one + other) <= 40) for one, _, other in pairs):
        raise click.BadParameter("takes two ids with a / between them, such as 225370/1280861")
    return tuple((int(one), int(other)) for one, _, other in pairs)


@click.command()
@click.option(
    "--account", metavar="ID", help="NetSuite account id, as in NETSUITE_ACCOUNT_ID; skips the prompt for it."
)
@click.option("--force", is_flag=True, help="Continue although the account does not look like a sandbox.")
@click.option(
    "--only",
    multiple=True,
    metavar="POINT",
    type=click.Choice([point.id for point in POINTS]),
    help="Try only this point (repeat for more).",
)
@click.option("--read-only", is_flag=True, help="Try only the points that write nothing.")
@click.option(
    "--vendor",
    "vendor_id",
    default="",
    metavar="ID",
    help="NetSuite vendor of the trial bills (default: the first active one).",
)
@click.option(
    "--job",
    "job_id",
    default="",
    metavar="ID",
    help="NetSuite project of the trial bills (default: one that Procore is linked to).",
)
@click.option(
    "--closed-day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="A day in a closed posting period (default: two years ago).",
)
@click.option("--invoice", "invoices", multiple=True, callback=two_ids, metavar="PROJECT/INVOICE",
              help="A Procore invoice that may stay locked by an origin id. All points need two.")  # fmt: skip
@click.option("--clean", is_flag=True, help="Only delete what an interrupted probe left.")
@click.option(
    "--report", is_flag=True, help="Print the report of the last probe, to be sent as an issue. Sends no requests."
)
@json_option
def probe(
    account: str | None,
    force: bool,
    only: Sequence[str],
    read_only: bool,
    vendor_id: str,
    job_id: str,
    closed_day: datetime | None,
    invoices: tuple[tuple[int, int], ...],
    clean: bool,
    report: bool,
    as_json: bool,
) -> None:
    """Find out by trying what Procore and NetSuite do not document, and write the account's profile. Only for a sandbox.

    It creates Items and vendor bills of 1.00 in NetSuite, provokes refusals, and deletes what it created. Procore is only read, unless
    --invoice names an invoice. docs/probe.md lists every point and its answers.
    """
    options = ProbeOptions(vendor_id, job_id, _day(closed_day), invoices)
    settings = load_settings()
    if report:
        click.echo(report_of(_last_profile(settings)))
        return
    _require_sandbox(settings, force=force, writes_procore=bool(invoices))
    _require_typed(settings, account)
    the_probe = open_probe(settings)
    try:
        if clean:
            _finish(_cleanup_as_dict(the_probe.clean_up(options)), as_json)
            return
        points = [one for one in POINTS if (not only or one.id in only) and not (read_only and one.writes)]
        result = _run(the_probe, points, options)
    except AlreadyRunning:
        raise Fault("A probe of this account is running already.") from None
    is_whole = len(points) == len(POINTS)
    profile = save_profile(settings, result.points, the_probe.latencies(), is_whole=is_whole)
    if not as_json:
        _print(profile, result)
    _finish(_as_dict(settings, profile, result), as_json)


def _require_sandbox(settings: Settings, *, force: bool, writes_procore: bool) -> None:
    if force:
        return
    if not is_netsuite_sandbox(settings.netsuite_account_id):
        raise Fault(
            f"{settings.netsuite_account_id} does not look like a sandbox (such as 1234567_SB1, 1234567_RP or TSTDRV1234567). "
            "The probe creates Items and bills: use a sandbox, or --force if this account is one."
        )
    if writes_procore and not is_procore_sandbox(settings.procore_base_url):
        raise Fault(
            f"{settings.procore_base_url} is not an address that only Procore sandboxes use, and --invoice may lock invoices for good: use "
            "a sandbox, or --force if this company is one."
        )


def _require_typed(settings: Settings, account: str | None) -> None:
    prompt = "NetSuite account to probe, as in NETSUITE_ACCOUNT_ID"
    typed = account if account is not None else click.prompt(prompt, err=True)
    if str(typed).strip().lower() != settings.netsuite_account_id.lower():
        raise Fault("That is not the account in the settings (NETSUITE_ACCOUNT_ID). No request was sent to it.")


def _run(the_probe: Probe, points: Sequence[Point], options: ProbeOptions) -> ProbeResult:
    with progress() as bars:
        bar = bars.add_task("points", total=len(points), note=points[0].id if points else "")

        def advance(result: PointResult) -> None:
            done = points.index(result.point) + 1
            bars.update(bar, completed=done, note=points[done].id if done < len(points) else "cleaning up")

        try:
            return the_probe.run(points, options, advance)
        except KeyboardInterrupt:
            err.print(
                "Interrupted. The records were deleted as far as possible; `wbs-sync probe --clean` checks again."
            )
            raise


def _last_profile(settings: Settings) -> Profile:
    profile = read_profile(profile_file(settings))
    if profile is None:
        raise Fault(f"There is no profile yet ({profile_file(settings)}): run `wbs-sync probe` first.")
    return profile


def _print(profile: Profile, result: ProbeResult) -> None:
    table(
        "What this account does",
        ("question", "answer", "how sure", "what it means"),
        (_row(one) for one in result.points),
    )
    rows = ((one.kind, one.count, one.least, one.median, one.p95) for one in profile.requests)
    table("Requests, in seconds", ("request", "count", "min", "median", "p95"), rows)
    if news := [one.point.id for one in result.points if one.settled and one.settled.answer.is_news]:
        err.print(
            styled(
                ("News:", "yellow"),
                f" {', '.join(news)}. Please send the output of `wbs-sync probe --report` as an issue.",
            ),
            soft_wrap=True,
        )


def _row(result: PointResult) -> tuple[str, ...]:
    if result.settled is None:
        return result.point.question, "not settled", "", result.why
    answer, sure = result.settled.answer, result.settled.sure
    facts = "; ".join(f"{name}: {value}" for name, value in result.settled.facts.items())
    return result.point.question, f"{answer.word} ({facts})" if facts else answer.word, sure, answer.meaning


def _as_dict(settings: Settings, profile: Profile, result: ProbeResult) -> dict[str, Any]:
    return {
        "points": [_point_as_dict(one) for one in result.points],
        "requests": [one.model_dump() for one in profile.requests],
        "cleaned_before": result.before.deleted,
        "clean_again": result.clean_again,
        "profile": str(profile_file(settings)),
        **_cleanup_as_dict(result.after),
    }


def _point_as_dict(result: PointResult) -> dict[str, Any]:
    settled = result.settled
    return {
        "id": result.point.id,
        "question": result.point.question,
        "answer": settled.answer.word if settled else None,
        "how_sure": settled.sure if settled else result.why,
        "facts": dict(settled.facts) if settled else {},
        "meaning": settled.answer.meaning if settled else "",
        "news": bool(settled and settled.answer.is_news),
    }


def _cleanup_as_dict(cleaned: CleanupResult) -> dict[str, Any]:
    return {"deleted": cleaned.deleted, "left": [asdict(one) for one in cleaned.left]}


def _finish(values: dict[str, Any], as_json: bool) -> None:
    """Print the JSON, or the last lines for a person. Exits with code 1 if an active record is left."""
    if as_json:
        print_json(values)
    else:
        _print_end(values)
    sys.exit(FAILED if any(not one["inactive"] for one in values["left"]) else 0)


def _print_end(values: dict[str, Any]) -> None:
    if values.get("cleaned_before"):
        out.print(f"Deleted first, from an interrupted probe: {values['cleaned_before']} records")
    out.print(f"Deleted: {values['deleted']} records")
    if values.get("clean_again"):
        out.print(
            "A write got no response, so its record may still appear: run `wbs-sync probe --clean` in 15 minutes.",
            soft_wrap=True,
        )
    if "profile" in values:
        out.print(f"Profile: {values['profile']} (workers read it when they start)", soft_wrap=True)
    if values["left"]:
        rows = ((one["kind"], one["id"], "inactive" if one["inactive"] else "active", one["why"])
                for one in values["left"])  # fmt: skip
        table("Left for a person to delete in NetSuite", ("record", "id", "state", "why"), rows)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None
