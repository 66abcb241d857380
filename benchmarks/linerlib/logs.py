"""Published logs: rotations, what each demand got, and the objective."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.files import head
from benchmarks.spec import BenchmarkError

SERVICE = re.compile(r"^\s*service\s+\d+\s+service\s+id\s+(\d+)\s*$", re.IGNORECASE)
CALL = re.compile(r"^\s*\d+\s+(\w{2,})(?:\s+\S.*)?$")
FLOW = re.compile(
    r"^\s*ID:\s*\d+\s+(\w+)\s*->\s*(\w+)\s+(Transported|Rejected)\s+([-+.\deE]+)", re.IGNORECASE
)
OBJECTIVE = re.compile(r"^\s*Objective value:\s*([-+.\deE]+)", re.IGNORECASE)
SOLUTION = re.compile(r"^\*+\s*Best found solution", re.IGNORECASE)
BUNKER = re.compile(r"^\s*Total bunker cost at ([-+.\deE]+) USD", re.IGNORECASE)
FIGURES = {
    "capacity": re.compile(r"^\s*capacity\s+([-+.\deE]+)\s*$", re.IGNORECASE),
    "vessels": re.compile(r"^\s*#\s*vessels\s+([-+.\deE]+)\s*$", re.IGNORECASE),
    "speed": re.compile(r"^\s*speed\s+([-+.\deE]+)\s*$", re.IGNORECASE),
    "miles": re.compile(r"^\s*voyage distance nautical miles\s+([-+.\deE]+)\s*$", re.IGNORECASE),
    "panama": re.compile(r"^\s*Panama canal traversed\s+(\d+)\s*$", re.IGNORECASE),
    "suez": re.compile(r"^\s*Suez canal traversed\s+(\d+)\s*$", re.IGNORECASE),
    "calls_usd": re.compile(r"^\s*Port call cost\s+([-+.\deE]+)\s*$", re.IGNORECASE),
    "idle_t": re.compile(r"^\s*Bunker idle burn in Ton\s+([-+.\deE]+)\s*$", re.IGNORECASE),
    "fuel_t": re.compile(r"^\s*Bunker fuel burn in Ton\s+([-+.\deE]+)\s*$", re.IGNORECASE),
    "charter_usd": re.compile(r"^\s*Total TC cost\s+([-+.\deE]+)\s*$", re.IGNORECASE),
    "canal_usd": re.compile(r"^\s*Canal Cost\s+([-+.\deE]+)\s*$", re.IGNORECASE),
}
"""Figures of a rotation, as printed: 6 digits."""


@dataclass
class Rotation:
    """A weekly service as a log states it.

    Parameters
    ----------
    id
        Number in the log.
    calls
        Ports in order of calling; one that is called twice stands twice. After the last comes the first.
    figures
        What the log says of it, by the names in `FIGURES`.
    bunker_usd_per_t
        Price of bunker.
    """

    id: str
    calls: list[str] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    bunker_usd_per_t: float = 600.0


@dataclass
class Log:
    """A published network.

    Parameters
    ----------
    asked
        FFE a week of each pair of ports, carried and rejected, as printed.
    objective
        Weekly profit in USD, or None.
    """

    rotations: list[Rotation] = field(default_factory=list)
    asked: dict[tuple[str, str], float] = field(default_factory=dict)
    objective: float | None = None


def is_log(path: Path) -> bool:
    """Whether a file starts like a log: with rotations."""
    lines = head(path).splitlines()
    return any(SERVICE.match(line) for line in lines) and any(
        FIGURES["capacity"].match(line) for line in lines
    )


def read_log(path: Path) -> Log:
    """Read a log; of several solutions in it the last counts.

    Raises
    ------
    BenchmarkError
        When there is no rotation, or one without calls, capacity or vessels.
    """
    log = Log()
    rotation: Rotation | None = None
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if SOLUTION.match(line):
                log, rotation = Log(), None
            elif match := SERVICE.match(line):
                rotation = Rotation(match[1])
                log.rotations.append(rotation)
            elif match := FLOW.match(line):
                rotation = None
                ends = (match[1], match[2])
                log.asked[ends] = log.asked.get(ends, 0.0) + float(match[4])
            elif match := OBJECTIVE.match(line):
                log.objective = float(match[1])
            elif rotation is not None:
                _read_figure(rotation, line)
    if not log.rotations:
        raise BenchmarkError(f"{path}: no rotation in it")
    for rotation in log.rotations:
        if len(rotation.calls) < 2:
            raise BenchmarkError(f"{path}: service {rotation.id} has fewer than two calls")
        for name in ("capacity", "vessels"):
            if not rotation.figures.get(name, 0.0) > 0:
                raise BenchmarkError(f"{path}: service {rotation.id} has no {name}")
    return log


def _read_figure(rotation: Rotation, line: str) -> None:
    if match := BUNKER.match(line):
        rotation.bunker_usd_per_t = float(match[1])
    for name, pattern in FIGURES.items():
        if match := pattern.match(line):
            rotation.figures[name] = float(match[1])
            return
    # Calls stand before the figures of the voyage.
    if "speed" not in rotation.figures and (match := CALL.match(line)):
        rotation.calls.append(match[1])
