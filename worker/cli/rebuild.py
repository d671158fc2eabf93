"""`wbs-sync rebuild`: restore the ledger from NetSuite."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict

import click

from worker.cli.output import FAILED, json_option, out, print_json, progress
from worker.cli.session import open_container


@click.command()
@json_option
def rebuild(as_json: bool) -> None:
    """Restore the ledger from the external ids in NetSuite. Reads NetSuite and writes only to Redis.

    Workers do this automatically when there is no ledger. Keeps existing ledger records, and continues an interrupted
    rebuild. The exit code is 1 if a code has two Items.
    """
    container = open_container()
    began = time.monotonic()
    with progress() as bars:
        bar = bars.add_task("Items", total=None, note="")
        rebuilt = container.recovery.rebuild(lambda items, of: bars.update(bar, completed=items, total=of))
    result = asdict(rebuilt) | {"seconds": round(time.monotonic() - began, 2)}
    del result["after"]
    print_json(result) if as_json else _print(result)
    sys.exit(FAILED if rebuilt.others else 0)


def _print(result: dict[str, float]) -> None:
    out.print(
        f"{result['items']} Items of wbs-sync in NetSuite, {result['restored']} of them added to the ledger; {result['queries']} queries, "
        f"{result['seconds']} s"
    )
    if result["unusable"]:
        out.print(f"{result['unusable']} are inactive or of another type: the next scan reports each with a next step.")
    if result["others"]:
        out.print(f"{result['others']} belong to codes that already have another Item: see `wbs-sync problems`.")
    if result["bills"]:
        out.print(
            f"{result['bills']} bills of wbs-sync in NetSuite: the next export of all invoices adds them to the ledger."
        )
