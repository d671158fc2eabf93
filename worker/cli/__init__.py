"""The `wbs-sync` command group. Each command is imported only when it is called, so that `--help` is fast."""

from __future__ import annotations

import importlib
import io
import os
import sys
from types import ModuleType
from typing import Any

import click

COMMANDS = {
    "demo": "Sync a simulated company offline in under a minute.",
    "up": "Run everything on this machine: server, workers, beat and Flower.",
    "flower": "Open a read-only Flower for tasks and workers.",
    "webhooks": "Receive Procore's webhooks.",
    "simulate": "Run the simulators of Procore and NetSuite.",
    "check": "Check configuration, connections and permissions.",
    "fields": "List the NetSuite fields that the installation can set.",
    "probe": "Test undocumented behavior in a sandbox, then clean up.",
    "scan": "Create the missing Items of budgeted WBS codes.",
    "export": "Export one invoice or all approved invoices.",
    "apply": "Carry out a saved plan, and nothing else.",
    "status": "Show counts, work in progress, runs and open problems.",
    "problems": "List open problems with owner and next step.",
    "invoices": "Mark an invoice as billed elsewhere, or exclude it from export.",
    "report": "Write a one-page HTML report.",
    "metrics": "Print metrics for Prometheus.",
    "explain": "Show the status and history of one code or invoice.",
    "forget": "Clear a deleted record from the ledger so that it can be recreated.",
    "resume": "Dispatch due and interrupted work now.",
    "rebuild": "Restore the ledger from NetSuite.",
    "verify": "Compare Procore with NetSuite (read-only).",
}
TOOLS = {"probe": "probe.command"}
"""Modules of commands whose package is optional and may be missing from an installation, by command."""


class LazyCommands(click.Group):
    """A command group that lists names and short help without importing the commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the command names in the order in which they are usually needed."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command with this name from the module of the same name, or None.

        Raises ClickException if the command's package is not installed.
        """
        if cmd_name not in COMMANDS:
            return None
        module = _tool(cmd_name) if cmd_name in TOOLS else importlib.import_module(f"worker.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and end it with a sentence and exit code 1 or 2 for known errors, without a traceback."""
        from worker.cli.output import faults_as_sentences  # noqa: PLC0415 - keeps `--help` fast

        with faults_as_sentences():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _tool(command: str) -> ModuleType:
    """Return the module of a tool's command. Raises ClickException if the tool is not installed."""
    module = TOOLS[command]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name not in {module, module.partition(".")[0]}:
            raise
        reason = f"`wbs-sync {command}` is not installed: the package `{module.partition('.')[0]}`."
        raise click.ClickException(f"{reason} The wheel and the images of wbs-sync contain it.") from None


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="wbs-sync")
def wbs_sync() -> None:
    """Sync Procore WBS codes to NetSuite Items and approved subcontractor invoices to vendor bills, each exactly once."""


def main() -> None:
    """Run the console script."""
    if sys.argv[1:2] == ["webhooks"]:
        from config.process_secrets import WEBHOOKS, hold_only_own  # noqa: PLC0415 - keeps `--help` fast

        # Before any setting is read, because this may restart the program.
        hold_only_own(WEBHOOKS)
    # Plans and reports contain amounts and vendor names.
    os.umask(0o077)
    # A name may contain a character that is not in the terminal's encoding.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Standard output may be a pipe that its reader closes (`| head`), which is not an error.
    try:
        wbs_sync()
    except BrokenPipeError:
        sys.exit(1)
