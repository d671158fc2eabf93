"""`wbs-sync rebuild`: the ledger, from NetSuite."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict

import click

from worker.cli.output import FAILED, faults_as_sentences, json_option, out, print_json, progress
from worker.cli.session import open_container


@click.command()
@json_option
def rebuild(as_json: bool) -> None:
    """Restore the ledger from the external ids in NetSuite; reads there, writes only to Redis.

    Workers do it by themselves when they find no ledger. What the ledger knows already is kept; a rebuild that was
    interrupted is gone on with. Exit code 1 when a code has two Items.
    """
    with faults_as_sentences():
        container = open_container()
        began = time.monotonic()
        with progress() as bars:
            bar = bars.add_task("Items", total=None, note="")
            rebuilt = container.recovery.rebuild(lambda items, of: bars.update(bar, completed=items, total=of))
        told = asdict(rebuilt) | {"seconds": round(time.monotonic() - began, 2)}
        del told["after"]
        if as_json:
            print_json(told)
        else:
            _print(told)
        sys.exit(FAILED if rebuilt.others else 0)


def _print(told: dict[str, float]) -> None:
    out.print(
        f"{told['items']} Items of ours in NetSuite, {told['restored']} of them new to the ledger; "
        f"{told['queries']} queries, {told['seconds']} s"
    )
    if told["unusable"]:
        out.print(f"{told['unusable']} are inactive or of another type: the next scan says what to do about them.")
    if told["others"]:
        out.print(f"{told['others']} belong to codes that have another Item: see `wbs-sync problems`.")
    if told["bills"]:
        out.print(f"{told['bills']} bills of ours in NetSuite: the next export of all notes their invoices.")
