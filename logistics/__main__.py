"""The command line: ``logistics VERB …``; a verb is a file of :mod:`logistics.commands`, loaded when used."""

from __future__ import annotations

import importlib
import sys

import click

from logistics.version import VERSION

VERBS = {
    "new": "Write a runnable copy of the bundled networks and scenarios.",
    "check": "Check a scenario or a network folder without solving.",
    "run": "Solve a scenario, check the plan, write the results.",
    "batch": "Run many scenarios and variants; finished runs are never run again.",
    "verify": "Check a results folder, or a hand-made plan, from its files alone.",
    "compare": "Compare two results or more: inputs, totals, services.",
    "results": "Ask the tables of a batch or of one results folder, also in SQL.",
    "report": "Make the page, workbook, GIS layers and figures of a results folder.",
    "export-network": "Write a network folder as an Excel workbook to edit.",
    "import-network": "Read such a workbook back into a network folder.",
    "schema": "Print the JSON Schema of scenario files.",
}
EXIT_CODES = """\b
Exit codes: 0 solved to the gap · 1 internal error · 2 bad input or usage
3 infeasible · 4 stopped by a limit with a plan · 5 stopped without one
6 not verified · 7 a run of a batch failed · 130 interrupted"""


class _LazyGroup(click.Group):
    """Knows its verbs by name and imports a verb's module only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"logistics.commands.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from logistics.errors import did_you_mean

            hint = did_you_mean(args[0], list(VERBS)) if args else ""
            if hint:
                raise click.UsageError(f"{error.message} Did you mean '{hint}'?", ctx) from error
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=_LazyGroup, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="logistics")
def main_group() -> None:
    """Optimise a logistics network: scenario files in, proven and independently checked plans out."""


def main() -> None:
    """Run the command line; unexpected errors end with exit code 1 and one line on stderr."""
    try:
        code = main_group.main(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Abort:
        _end_interrupted()
    except KeyboardInterrupt:
        _end_interrupted()
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the last door: everything becomes a line and a code
        from logistics.commands.shared import report_failure

        sys.exit(report_failure(error))


def _end_interrupted() -> None:
    from logistics.commands.shared import last_language
    from logistics.words import text

    click.echo(text("interrupted", last_language()), err=True)
    sys.exit(130)


if __name__ == "__main__":
    main()
