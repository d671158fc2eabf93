"""`wbs-sync probe`: first contact with an account."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

import click

from config.profile import Answer, Effects, Profile, Request, profile_file, read_profile
from config.settings import InvalidSettings, Settings, load_settings
from worker.cli.output import (
    FAILED,
    Fault,
    err,
    faults_as_sentences,
    json_option,
    out,
    print_json,
    progress,
    styled,
    table,
)
from worker.cli.probe.report import report_of
from worker.cli.session import open_for_probe
from worker.domain.sandboxes import is_netsuite_sandbox, is_procore_sandbox
from worker.services.probe.bench import Wishes
from worker.services.probe.cleaning import Cleaned
from worker.services.probe.point import Point, Result
from worker.services.probe.run import AnotherRuns, Probe, Probed
from worker.services.probe.table import POINTS


def two_ids(context: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """PROJECT/INVOICE, two ids of Procore, as numbers."""
    pairs = [value.partition("/") for value in values]
    if any(not (one.isdecimal() and other.isdecimal() and len(one + other) <= 40) for one, _, other in pairs):
        raise click.BadParameter("takes two ids with a / between them, such as 225370/1280861")
    return tuple((int(one), int(other)) for one, _, other in pairs)


@click.command()
@click.option("--account", metavar="ID", help="The NetSuite account, typed here instead of when asked.")
@click.option("--force", is_flag=True, help="Go on although the account does not look like a sandbox.")
@click.option(
    "--only",
    multiple=True,
    metavar="POINT",
    type=click.Choice([one.id for one in POINTS]),
    help="Only this point (again for more).",
)
@click.option("--read-only", is_flag=True, help="Only the points that write nothing.")
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
    help="A day in a closed posting period (default: two years back).",
)
@click.option("--invoice", "invoices", multiple=True, callback=two_ids, metavar="PROJECT/INVOICE",
              help="A Procore invoice that may be spoilt: it may keep an origin id. Two for all points.")  # fmt: skip
@click.option("--clean", is_flag=True, help="Only take away what an interrupted probe left.")
@click.option(
    "--report", is_flag=True, help="Print the report of the last probe, to be sent as an issue; asks no remote."
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
    """Settle by trying what is documented poorly or not at all, and write the account's profile. For a sandbox only.

    It makes Items, vendor bills of 1.00 and refusals in NetSuite and takes away what it made. Procore is only read, unless --invoice
    names an invoice. docs/probe.md has every point and its answers.
    """
    wishes = Wishes(vendor_id, job_id, _day(closed_day), invoices)
    with faults_as_sentences():
        settings = load_settings()
        if report:
            click.echo(report_of(_last(settings)))
            return
        _require_sandbox(settings, force=force, touches_procore=bool(invoices))
        _require_typed(settings, account)
        the_probe = open_for_probe(settings).probe()
        try:
            if clean:
                _end(_told(the_probe.clean_up(wishes)), as_json)
                return
            points = [one for one in POINTS if (not only or one.id in only) and not (read_only and one.writes)]
            probed = _run(the_probe, points, wishes)
        except AnotherRuns:
            raise Fault("A probe of this account is running already.") from None
        profile = _kept(settings, probed, the_probe, is_whole=len(points) == len(POINTS))
        if not as_json:
            _print(profile, probed)
        _end(_as_dict(settings, profile, probed), as_json)


def _require_sandbox(settings: Settings, *, force: bool, touches_procore: bool) -> None:
    if force:
        return
    if not is_netsuite_sandbox(settings.netsuite_account_id):
        raise Fault(
            f"{settings.netsuite_account_id} does not look like a sandbox (such as 1234567_SB1, 1234567_RP or TSTDRV1234567). "
            "The probe makes Items and bills: use a sandbox, or --force if this account is one."
        )
    if touches_procore and not is_procore_sandbox(settings.procore_base_url):
        raise Fault(
            f"{settings.procore_base_url} is not the address of a Procore sandbox alone, and --invoice spoils invoices: use a sandbox, "
            "or --force if this company is one."
        )


def _require_typed(settings: Settings, account: str | None) -> None:
    wanted = settings.netsuite_account_id
    typed = (
        account
        if account is not None
        else click.prompt("NetSuite account to probe, as in NETSUITE_ACCOUNT_ID", err=True)
    )
    if str(typed).strip().lower() != wanted.lower():
        raise Fault("That is not the account of the settings (NETSUITE_ACCOUNT_ID). Nothing was asked of it.")


def _run(the_probe: Probe, points: Sequence[Point], wishes: Wishes) -> Probed:
    with progress() as bars:
        bar = bars.add_task("points", total=len(points), note=points[0].id if points else "")

        def note(result: Result) -> None:
            place = points.index(result.point) + 1
            bars.update(bar, completed=place, note=points[place].id if place < len(points) else "cleaning up")

        try:
            return the_probe.run(points, wishes, note)
        except KeyboardInterrupt:
            err.print(
                "Interrupted. What was made has been taken away as far as it could be; `wbs-sync probe --clean` looks again."
            )
            raise


def _kept(settings: Settings, probed: Probed, the_probe: Probe, *, is_whole: bool) -> Profile:
    """The profile with this probe's answers, written: a new one, or after some points only the one before with these changed."""
    path = profile_file(settings)
    before = None if is_whole else _usable(settings)
    effects, answers = (before.effects, dict(before.answers)) if before else (Effects(), {})
    requests = {one.kind: one for one in before.requests} if before else {}
    requests |= {one.kind: Request(**asdict(one)) for one in the_probe.latencies()}
    for result in probed.results:
        effects = effects.with_news(result.found.effects) if result.found else effects
        answers[result.point.id] = _answer(result)
    profile = Profile(
        account=settings.netsuite_account_id,
        probed_at=datetime.now(UTC).replace(microsecond=0),
        effects=effects,
        answers=answers,
        requests=tuple(requests.values()),
    )
    profile.write(path)
    return profile


def _usable(settings: Settings) -> Profile | None:
    """The profile that stands, if it is one and of this account."""
    try:
        before = read_profile(profile_file(settings))
    except InvalidSettings:
        return None
    return before if before and before.account.lower() == settings.netsuite_account_id.lower() else None


def _answer(result: Result) -> Answer:
    if result.found is None:
        return Answer(why=result.why)
    return Answer(answer=result.found.answer.word, sure=result.found.sure, facts=dict(result.found.facts))


def _last(settings: Settings) -> Profile:
    profile = read_profile(profile_file(settings))
    if profile is None:
        raise Fault(f"There is no profile yet ({profile_file(settings)}): run `wbs-sync probe` first.")
    return profile


def _print(profile: Profile, probed: Probed) -> None:
    table(
        "What this account does",
        ("question", "answer", "how sure", "what it means"),
        (_row(one) for one in probed.results),
    )
    rows = ((one.kind, one.count, one.least, one.median, one.p95) for one in profile.requests)
    table("Requests, in seconds", ("request", "count", "least", "median", "p95"), rows)
    if alarming := [one.point.id for one in probed.results if one.found and one.found.answer.alarming]:
        err.print(
            styled(
                ("News:", "yellow"),
                f" {', '.join(alarming)}. Please send what `wbs-sync probe --report` prints as an issue.",
            ),
            soft_wrap=True,
        )


def _row(result: Result) -> tuple[str, ...]:
    if result.found is None:
        return result.point.question, "not settled", "", result.why
    answer, facts = result.found.answer, result.found.facts
    told = "; ".join(f"{name}: {value}" for name, value in facts.items())
    return result.point.question, f"{answer.word} ({told})" if told else answer.word, result.found.sure, answer.meaning


def _as_dict(settings: Settings, profile: Profile, probed: Probed) -> dict[str, Any]:
    points = [
        {
            "id": one.point.id,
            "question": one.point.question,
            "answer": one.found.answer.word if one.found else None,
            "how_sure": one.found.sure if one.found else one.why,
            "facts": dict(one.found.facts) if one.found else {},
            "meaning": one.found.answer.meaning if one.found else "",
            "news": bool(one.found and one.found.answer.alarming),
        }
        for one in probed.results
    ]
    return {
        "points": points,
        "requests": [one.model_dump() for one in profile.requests],
        "cleaned_before": probed.before.deleted,
        "clean_again": probed.clean_again,
        "profile": str(profile_file(settings)),
        **_told(probed.after),
    }


def _told(cleaned: Cleaned) -> dict[str, Any]:
    return {"deleted": cleaned.deleted, "left": [asdict(one) for one in cleaned.left]}


def _end(told: dict[str, Any], as_json: bool) -> None:
    """The last lines, and exit code 1 when something is left that stands in the way."""
    if as_json:
        print_json(told)
    else:
        if told.get("cleaned_before"):
            out.print(
                f"Taken away before it began, from a probe that was interrupted: {told['cleaned_before']} records"
            )
        out.print(f"Taken away: {told['deleted']} records")
        if told.get("clean_again"):
            out.print(
                "A write got no answer and may come to stand yet: `wbs-sync probe --clean` in 15 minutes.",
                soft_wrap=True,
            )
        if "profile" in told:
            out.print(f"Profile: {told['profile']} (workers read it when they start)", soft_wrap=True)
        rows = (
            (one["kind"], one["id"], "inactive" if one["inactive"] else "stands", one["why"]) for one in told["left"]
        )
        if told["left"]:
            table("Left, for a person to delete in NetSuite", ("record", "id", "state", "why"), rows)
    sys.exit(FAILED if any(not one["inactive"] for one in told["left"]) else 0)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None
