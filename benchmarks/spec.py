"""What a benchmark family is made of, and what travels between the harness and the process that measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class BenchmarkError(Exception):
    """Data that cannot be used as they stand; the text is for the person at the screen."""


@dataclass(frozen=True)
class Found:
    """An instance that can be run; goes to the measuring process as it is.

    Parameters
    ----------
    family
        Name of its spec.
    instance
        Its name in INDEX.csv; of generated ones ``size-seed``.
    published
        Published value, or None.
    value_kind
        What that value is.
    seed
        Of generated instances.
    source
        File of a published instance, size of a generated one.
    data
        Folder that other files of it may be in; empty: none.
    index_family
        Family as INDEX.csv names it, empty where it does not.
    """

    family: str
    instance: str
    published: float | None
    value_kind: str
    seed: int | None
    source: str
    data: str = ""
    index_family: str = ""


@dataclass(frozen=True)
class Recognised:
    """What a spec says of a file that is one of its own.

    Parameters
    ----------
    published, value_kind
        Value that the file itself gives, used where INDEX.csv has none.
    skip
        Why it cannot be run; empty: it can.
    """

    published: float | None = None
    value_kind: str = ""
    skip: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a run ends with.

    Parameters
    ----------
    value
        Value of the plan, recomputed by code that did not make it; None: no plan that holds.
    bound
        What no plan can beat, proven; None: nothing was proven.
    gap
        Between the two, relative to max(1, abs(value)); None where one is missing.
    verified
        Whether an independent check agrees with plan, value and bound.
    complaints
        What the check found wrong.
    notes
        What else a reader should know.
    """

    value: float | None
    bound: float | None
    gap: float | None
    verified: bool
    complaints: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """What a phase works with.

    Parameters
    ----------
    found
        The instance.
    problem
        What `Spec.build` made of it.
    time_limit_s
        Seconds left for the phase.
    progress
        Called with value, bound and gap on the way, each None if not known.
    """

    found: Found
    problem: Any
    time_limit_s: float
    progress: Callable[[float | None, float | None, float | None], None]


@dataclass(frozen=True)
class Spec:
    """One family of benchmarks.

    Parameters
    ----------
    name, about
        Name on the command line, and a line for people.
    build
        Makes the problem from an instance: the first phase.
    phases
        The others, in order: name → function of the task and of the result of the phase before (the problem
        for the first). The last one returns an :class:`Outcome`.
    sizes
        Sizes of generated instances, smallest first.
    recognise
        Looks at a file of the data folder; None: none of this family.
    maximise
        Whether the value is the larger the better; programs for peers minimise its opposite then.
    warm_up
        Loads and compiles what a run needs, on a tiny instance.
    peers
        Peer of :data:`benchmarks.peers.PEERS` → the problem as the arrays its program reads; None: it cannot
        solve this one.
    """

    name: str
    about: str
    build: Callable[[Found], Any]
    phases: Mapping[str, Callable[[Task, Any], Any]]
    sizes: tuple[str, ...] = ()
    maximise: bool = False
    recognise: Callable[[Path], Recognised | None] = field(default=lambda _: None)
    warm_up: Callable[[], None] = field(default=lambda: None)
    peers: Mapping[str, Callable[[Any], Mapping[str, Any] | None]] = field(default_factory=dict)
