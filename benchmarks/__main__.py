"""``python -m benchmarks list|run``: what can be measured, and measuring it; README.md here says how."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase

from benchmarks.discovery import Skipped, chosen, data_folder, discover
from benchmarks.register import specs
from benchmarks.running import Line, report, run_all
from benchmarks.spec import BenchmarkError, Found

DEFAULT_TIME_LIMIT_S = 600.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and do what it says; returns the exit code.

    0: all is well; 1: an instance has no verified answer; 2: the folder named or what to run is not there.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    folder = data_folder(options.data)
    families = specs()
    discovery = discover(families, folder)
    for message in discovery.messages:
        _say(message)
    if options.data is not None and not folder.is_dir():
        return 2
    known = {spec.name for spec in families} | {one.index_family for one in discovery.found}
    known |= {one.index_family for one in discovery.skipped}
    if options.family is not None and options.family not in known:
        _say(f"There is no family {options.family}. There are: {', '.join(sorted(known - {''}))}")
        return 2
    found = chosen(families, discovery.found, options.family, options.instance)
    skipped = [
        one
        for one in discovery.skipped
        if options.family in (None, one.family, one.index_family)
        and fnmatchcase(one.instance, options.instance or "*")
    ]
    if options.command == "list":
        _list(found, skipped, as_json=options.json)
        return 0
    for text in _summaries(skipped):
        _say(text)
    if not found:
        _say("Nothing to run: no instance matches.")
        return 2
    return _run(found, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Benchmarks of the engine.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, about in (("list", "list families and instances"), ("run", "run instances")):
        command = commands.add_parser(name, help=about, description=about)
        command.add_argument("--family", help="only this family, as the harness or INDEX.csv names it")
        command.add_argument("--instance", metavar="GLOB", help="only instances whose name matches")
        command.add_argument("--data", metavar="DIR", help="folder of published instances")
        command.add_argument("--json", action="store_true", help="one JSON object a line")
        if name == "run":
            command.add_argument(
                "--time-limit",
                metavar="S",
                type=_seconds,
                default=DEFAULT_TIME_LIMIT_S,
                help="seconds for each instance, and for each peer (default %(default)g)",
            )
            command.add_argument("--peers", action="store_true", help="run other solvers beside the engine")
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("a time limit is above 0")
    return value


def _run(found: list[Found], options: argparse.Namespace) -> int:
    """Run and print line by line; the code is 1 if one is not verified."""
    code = 0
    if not options.json:
        print(ROW.format(*HEADINGS))
    try:
        for line in run_all(found, options.time_limit, peers=options.peers):
            report(line)
            text = json.dumps(line.as_json(), allow_nan=False) if options.json else _row(line)
            print(text, flush=True)
            code = code if line.verified else 1
    except BenchmarkError as error:
        _say(str(error))
        return 2
    return code


HEADINGS = ("instance", "value", "published", "gap", "verified", "solve s", "all s", "MB", "peers")
ROW = "{:<40} {:>16} {:>16} {:>8} {:>8} {:>8} {:>8} {:>6}  {}"


def _row(line: Line) -> str:
    solve = line.phases.get("solve")
    return ROW.format(
        f"{line.found.family} {line.found.instance}",
        "none" if line.value is None else f"{line.value:.10g}",
        "" if line.found.published is None else f"{line.found.published:.10g}",
        "" if line.gap is None else f"{line.gap:.1e}",
        "yes" if line.verified else "NO",
        f"{solve:.2f}" if isinstance(solve, float) else "",
        f"{line.seconds:.2f}",
        "" if line.peak_mb is None else f"{line.peak_mb:.0f}",
        "; ".join(line.peers),
    ).rstrip()


def _list(found: list[Found], skipped: list[Skipped], *, as_json: bool) -> None:
    """Print what can be run and what is skipped."""
    if as_json:
        for one in found:
            line = {"family": one.family, "instance": one.instance, "published": one.published}
            print(json.dumps(line | {"value_kind": one.value_kind, "seed": one.seed, "skipped": None}))
        for out in skipped:
            print(json.dumps({"family": out.family, "instance": out.instance, "skipped": out.reason}))
        return
    for spec in specs():
        members = [one for one in found if one.family == spec.name]
        if members:
            print(f"{spec.name}: {spec.about}")
        for one in members:
            value = "" if one.published is None else f"{one.published:.10g}, "
            print(f"  {one.instance:<32} {value}{one.value_kind}")
    for text in _summaries(skipped):
        print(text)


def _summaries(skipped: Sequence[Skipped]) -> list[str]:
    """One line for the instances of a family that are skipped for one reason."""
    groups: dict[tuple[str, str], list[str]] = {}
    for one in skipped:
        groups.setdefault((one.index_family or one.family, one.reason), []).append(one.instance)
    return [
        f"skipped: {family} ({len(names)}: {', '.join(names[:3])}{', …' if len(names) > 3 else ''}): {reason}"
        for (family, reason), names in groups.items()
    ]


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
