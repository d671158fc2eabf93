"""The operator's commands. Each is loaded when it is called, so that `--help` stays quick."""

from __future__ import annotations

import importlib
import io
import os
import sys
from types import ModuleType

import click

COMMANDS = {
    "demo": "Watch a realistic company being synced, offline, in under a minute.",
    "up": "Run everything on this machine: server, workers, beat and Flower.",
    "flower": "Open Flower: tasks and workers, for looking only.",
    "webhooks": "Receive Procore's webhooks.",
    "simulate": "Run the simulators of Procore and NetSuite.",
    "check": "Look whether this installation can work.",
    "probe": "Try in a sandbox what is not documented, and clean up.",
    "scan": "Export cost codes: make the missing Items.",
    "export": "Export one invoice, or all approved ones.",
    "apply": "Do what a saved plan says, and nothing else.",
    "status": "Where everything stands.",
    "problems": "What a person has to mend, who, and how.",
    "invoices": "Say that an invoice was billed elsewhere or shall not be exported.",
    "report": "Write one HTML page about all of it.",
    "metrics": "The same in numbers, for Prometheus.",
    "explain": "The whole story of one code or one invoice.",
    "forget": "Let what was deleted in NetSuite be made anew.",
    "resume": "Give out work that is due or was interrupted, now.",
    "rebuild": "Restore the ledger from NetSuite.",
    "verify": "Compare Procore with NetSuite; reads only.",
}
TOOLS = {"probe": "probe.command"}
"""Commands of packages that are not part of the product and may be left out of an installation: the module of each."""


class LazyCommands(click.Group):
    """Knows each command's name and line of help without importing it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, from the module that is named like it; None if there is none.

        Raises ClickException for the command of a tool that is not installed.
        """
        if cmd_name not in COMMANDS:
            return None
        module = _tool(cmd_name) if cmd_name in TOOLS else importlib.import_module(f"worker.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _tool(command: str) -> ModuleType:
    """The module of a tool's command. Raises ClickException if the tool is not installed."""
    module = TOOLS[command]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name not in {module, module.partition(".")[0]}:
            raise
        reason = (
            f"`wbs-sync {command}` is not part of this installation: it has no package `{module.partition('.')[0]}`."
        )
        raise click.ClickException(f"{reason} The wheel and the images of wbs-sync contain it.") from None


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="wbs-sync")
def wbs_sync() -> None:
    """Procore WBS codes to NetSuite Items, approved subcontractor invoices to vendor bills: each exactly once."""


def main() -> None:
    """The console script."""
    if sys.argv[1:2] == ["webhooks"]:
        from config.process_secrets import WEBHOOKS, hold_only_own  # noqa: PLC0415 - `--help` stays quick

        # Before anything is read; it begins this program again where it has to.
        hold_only_own(WEBHOOKS)
    # Plans and reports hold money and names of vendors.
    os.umask(0o077)
    # A name may have a letter that this terminal's encoding has not.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Standard output may be a pipe that its reader closes (`| head`): that is no error of ours.
    try:
        wbs_sync()
    except BrokenPipeError:
        sys.exit(1)
