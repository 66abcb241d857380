"""The p-centre: few open sites such that the farthest customer is as near as possible.

A radius is possible if no more sites than allowed cover all customers within it. Radii are tried by bisection
between one that a quick choice reaches and one that no choice can; each trial asks for the fewest sites that
cover, as a siting problem without capacities, and only as far as the question needs.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.problem import (
    CentreProblem,
    Flows,
    Infeasible,
    Report,
    SitingAnswer,
    SitingProblem,
    SitingProgress,
    SitingStop,
    relative_gap,
)
from logistics.models.siting.solve import solve_siting

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def solve_centre(
    problem: CentreProblem, stop: SitingStop | None = None, report: Report | None = None
) -> SitingAnswer:
    """Place few sites such that the farthest customer is as near as possible.

    Parameters
    ----------
    problem
        The problem.
    stop
        When to stop; its gap does not matter, for radii are few and told apart exactly.
    report
        Called after each radius, with the best one reached and the least one not excluded.

    Returns
    -------
    SitingAnswer
        `value` is the distance of the farthest customer, `bound` the least radius that is not excluded.
    """
    return _Bisection(problem, stop or SitingStop(), report).run()


class _Bisection:
    """Radii from `first` on are not excluded, the one at `last` is reached; as many as there are: none is."""

    def __init__(self, problem: CentreProblem, stop: SitingStop, report: Report | None) -> None:
        self.problem, self.stop, self.report = problem, stop, report
        self.started = time.perf_counter()
        distance = problem.distance
        self.radii = np.unique(distance[np.isfinite(distance)])
        # Nobody is nearer than its nearest site.
        nearest = distance.min(axis=0, initial=np.inf).max(initial=-np.inf)
        self.first, self.last = int(np.searchsorted(self.radii, nearest)), len(self.radii)
        self.opened = np.zeros(len(problem.site_ids), bool)
        self.nodes = 0

    def run(self) -> SitingAnswer:
        """Halve until the two meet or time is up."""
        obstacle = Infeasible("no_sites") if len(self.opened) == 0 else None
        alone = np.flatnonzero(~np.isfinite(self.problem.distance).any(axis=0)).astype(np.int32)
        if obstacle is None and len(alone):
            obstacle = Infeasible("nobody_serves", alone)
        while obstacle is None and self.first < self.last:
            middle = (self.first + self.last) // 2
            answer = self._cover(float(self.radii[middle]))
            self.nodes += answer.nodes
            if answer.open.any():
                self.opened = answer.open
                self.last = int(np.searchsorted(self.radii, self._reached()))
            elif answer.bound > self.problem.most_open or answer.status == "infeasible":
                self.first = middle + 1
                if self.first == len(self.radii):
                    obstacle = answer.infeasible or Infeasible("no_set_serves_all")
            else:
                break
            self._tell()
        return self._answer(obstacle)

    def _cover(self, radius: float) -> SitingAnswer:
        """The fewest sites that cover all within a radius, if they are no more than allowed."""
        problem, most = self.problem, self.problem.most_open
        sites, customers = problem.distance.shape
        cover = SitingProblem(
            fixed_cost=np.ones(sites),
            cost=np.where(problem.distance <= radius, 0.0, np.inf),
            demand=np.ones(customers),
            capacity=np.full(sites, np.inf),
            site_ids=problem.site_ids,
            customer_ids=problem.customer_ids,
            side=problem.side,
        )
        left_s = self.stop.time_limit_s - (time.perf_counter() - self.started)
        nodes = self.stop.most_nodes - self.nodes
        return solve_siting(cover, SitingStop(0.0, max(0.0, left_s), nodes, most + 1.0, most))

    def _reached(self) -> float:
        return float(self.problem.distance[self.opened].min(axis=0).max())

    @property
    def _value(self) -> float:
        return self._reached() if self.opened.any() else float("inf")

    @property
    def _bound(self) -> float:
        return float(self.radii[self.first]) if self.first < len(self.radii) else float("inf")

    def _tell(self) -> None:
        if self.report is not None:
            gap, seconds = relative_gap(self._value, self._bound), time.perf_counter() - self.started
            self.report(SitingProgress("radii", self._value, self._bound, gap, self.nodes, seconds))

    def _answer(self, obstacle: Infeasible | None) -> SitingAnswer:
        customers = self.problem.distance.shape[1]
        assignment = np.full(customers, -1, np.int32)
        if self.opened.any():
            sites = np.flatnonzero(self.opened)
            assignment = sites[np.argmin(self.problem.distance[self.opened], axis=0)].astype(np.int32)
        served = np.flatnonzero(assignment >= 0).astype(np.int32)
        done = self.opened.any() and self.first == self.last
        return SitingAnswer(
            status="infeasible" if obstacle is not None else "optimal" if done else "limit",
            open=self.opened,
            assignment=assignment,
            flows=Flows(assignment[served], served, np.ones(len(served))),
            value=self._value,
            bound=self._bound,
            gap=relative_gap(self._value, self._bound),
            bound_by="search",
            nodes=self.nodes,
            seconds={"radii": time.perf_counter() - self.started},
            infeasible=obstacle,
        )
