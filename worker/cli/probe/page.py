"""docs/probe.md, written from the table of points: `python -m worker.cli.probe.page`."""

from __future__ import annotations

from pathlib import Path

from worker.cli.probe.report import as_table
from worker.services.probe import bills, items, procore
from worker.services.probe.point import Point

PAGE = Path(__file__).resolve().parents[3] / "docs" / "probe.md"

HEAD = """# Probe: first contact with an account

Much about Procore and NetSuite is documented poorly or not at all ([remotes](remotes.md)), and one account differs from the next. `wbs-sync probe` settles each
open point by trying it in a sandbox, takes away what it made, and writes the account's profile, which the settings then read. For the integration engineer, after
`wbs-sync check` and before the first scan. This page is written from the table of points by `python -m worker.cli.probe.page`.

## Running it

```sh
wbs-sync probe                # asks for the account id to be typed; --account ID for scripts
wbs-sync probe --read-only    # only the points that write nothing
wbs-sync probe --report       # the report of the last probe, to be sent as an issue
```

| Option | Meaning |
|---|---|
| `--account ID` | types the account id; another than NETSUITE_ACCOUNT_ID ends the probe before it asks anything |
| `--force` | goes on although the account does not look like a sandbox; the id is typed all the same |
| `--only POINT` | this point alone, again for more; other answers in the profile stay |
| `--read-only` | the points that write nothing |
| `--vendor ID`, `--job ID` | NetSuite vendor and project of the trial bills. Otherwise: the first active vendor of the subsidiary, and a project that Procore is linked to |
| `--closed-day DAY` | a day in a closed posting period. Otherwise two years back |
| `--invoice PROJECT/INVOICE` | a Procore invoice that may be spoilt, twice for all points. Without it Procore is only read |
| `--clean` | only takes away what an interrupted probe left |
| `--json` | one JSON value instead of tables |

NetSuite accounts such as `1234567_SB1` (sandbox), `1234567_RP` (Release Preview) and `TSTDRV1234567` (demo) look like sandboxes. With `--invoice`, Procore has to be at
`sandbox.procore.com` or `api-monthly.procore.com`; an on-demand sandbox shares production's address, so there it takes `--force`.

Redis has to run (`wbs-sync up`): every request goes through the same gate and limits as all others, behind exports. It sends some seventy requests; where new
records are seen late it waits up to a minute for each of four looks. Exit code 1 when something is left that a person has to delete.

## What it writes, and what it takes away

Six to fourteen Items and four to eleven bills of 1.00, by what the account takes, all with an external id that begins with `pcr-prb-` and a name or number that begins with `wbs-sync probe`. No code and no invoice has such
an external id, so no scan, export or `verify` takes them for its own. At its end they are deleted, bills first. Where the role may not delete, Items are made inactive; what is left is told by its
id, so give the role *full* permission on Items and Bills in the sandbox. What the account does by itself when an Item or a bill is made, such as a workflow that sends an e-mail, it
does for these too.

An interrupted probe is cleaned up by the next one, which finds its records by that beginning. A write whose answer did not come may come to stand for 15 minutes: then `--clean` looks again.

An origin id locks an invoice in Procore, and whether it can be taken away again is one of the questions. So name an invoice with `--invoice` only if it may be lost.

## The profile

`netsuite-profile.json` in DATA_DIR, or the file that NETSUITE_PROFILE_FILE names. It holds every answer, the latencies, and under `effects` what changes how wbs-sync works:

| Effect | What reads it |
|---|---|
| `item_name_limit` | how long the name of an Item may be, instead of asking the catalog each day |
| `project_field` | NETSUITE_PROJECT_FIELD, where nobody set it |
| `look_up_lag_seconds` | NETSUITE_SETTLE_SECONDS, where nobody set it, is longer by the largest of these |
| `already_exists`, `period_closed` | words of this account that are known to mean it, beside those of the error table |
| `needed_settings`, `takes_tax_schedule` | `wbs-sync check` |

A setting that has a value wins, and `wbs-sync check` tells where it says otherwise than the profile. Processes read the profile when they start; on several machines each needs the
file. Probe again after a sandbox refresh, a new NetSuite release, or a change of role or preferences. A profile of another account is refused. A sandbox is a copy of production, so production may be run with its profile: name it in NETSUITE_PROFILE_FILE.

## Sending the report

`wbs-sync probe --report` prints Markdown, made from the profile without asking anybody. Please send it as an issue, above all when an answer is marked *news* below. It holds no
secret, no account or company id, and no name of a project, vendor, Item or invoice. Words of a remote stand in it without names that were known, numbers, and what was quoted; what is left of them
is the remote's own, so read it once before it is sent.

## The points
"""
LEFT_OUT = """## What is not probed

| Open point | Why not |
|---|---|
| `PUT` by external id, with `replace` or without; batches; idempotency keys | wbs-sync uses none of them |
| 429: whether it carries `Retry-After`, its body; frequency limits | to be told, the limits would have to be broken; both forms are read |
| References by external id in bodies | internal ids are sent |
| Names of child Items in SuiteQL | no parent is ever set; a name with ` : ` is blocked |
| Retainage of materials that become work | the formula gives the same either way ([decision 6](decisions/0006-retainage-from-balances.md)) |
| Whether a renamed code changes `updated_at` | lists are read whole, never by time |
| Which resource a webhook names for subcontractor invoices | nothing rests on webhooks: `WEBHOOK_INVOICE_RESOURCES` names it, and the schedule finds what no event tells ([webhooks](webhooks.md)) |
| The ERP mode of Procore | not used |

Why it is built this way: [decision 15](decisions/0015-probe.md)."""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for title, points in (
        ("NetSuite: reading", (*items.READS, *bills.READS)),
        ("NetSuite: Items", items.WRITES),
        ("NetSuite: bills", bills.WRITES),
        ("Procore: reading", procore.READS),
        ("Procore: with `--invoice`", procore.WRITES),
    ):
        rows = [(f"`{one.id}`", one.question, f"{one.does[0].upper()}{one.does[1:]}", _answers(one)) for one in points]
        parts.append(
            f"### {title}\n\n{as_table(('Point', 'Question', 'What is done', 'Answers and what they mean'), rows)}\n"
        )
    return "\n".join([*parts, LEFT_OUT]) + "\n"


def _answers(point: Point) -> str:
    return "<br>".join(f"`{one.word}`{' (news)' if one.alarming else ''}: {one.meaning}" for one in point.answers)


if __name__ == "__main__":
    PAGE.write_text(page())
