"""A siting problem as one mixed-integer program, in its plain strong form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logistics.integer_solver import MixedProgram
from logistics.models.siting.problem import SideRows, SitingProblem

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class StrongForm:
    """The program, without the problem's constant.

    Parameters
    ----------
    program
        Columns: y by site, then x of the pairs that are allowed.
    site, customer
        Of each x, customer by customer.
    """

    program: MixedProgram
    site: Ints
    customer: Ints

    @classmethod
    def of(
        cls, problem: SitingProblem, more: tuple[Floats, Floats] | None = None, *, whole: bool | None = None
    ) -> StrongForm:
        """The form of a problem, with x_ij ≤ y_i for each pair that is allowed.

        Parameters
        ----------
        more
            Rows on the service, Σ a_rij x_ij ≥ b_r: float arrays [row, site, customer], [row].
        whole
            Whether customers are served from one site each; None: where the problem says so and capacities
            bind.
        """
        sites, customers = problem.cost.shape
        customer, site = np.nonzero(np.isfinite(problem.cost).T)
        pairs = len(site)
        x = sites + np.arange(pairs)
        limited = (
            np.flatnonzero(np.isfinite(problem.capacity)) if problem.is_capacitated else np.zeros(0, np.int64)
        )
        side = problem.side or SideRows(np.zeros((0, sites)), np.zeros(0), np.zeros(0), ())
        coefficient, least = more or (np.zeros((0, sites, customers)), np.zeros(0))
        # Rows: service of each customer, links of each pair, loads, number of open sites, side rows, more.
        links, loads, count = customers, customers + pairs, customers + pairs + len(limited)
        first_side = count + 1
        first_more = first_side + len(side.lower)
        at = np.flatnonzero(np.isin(site, limited))
        r, i = np.nonzero(side.coefficient)
        entries = coefficient[:, site, customer]
        s, p = np.nonzero(entries)
        row = [
            customer,
            links + np.arange(pairs),
            links + np.arange(pairs),
            loads + np.searchsorted(limited, site[at]),
            loads + np.arange(len(limited)),
            np.full(sites, count),
            first_side + r,
            first_more + s,
        ]
        column = [x, x, site, x[at], limited, np.arange(sites), i, x[p]]
        value = [
            np.ones(pairs),
            -np.ones(pairs),
            np.ones(pairs),
            -problem.demand[customer[at]],
            problem.capacity[limited],
            np.ones(sites),
            side.coefficient[r, i],
            entries[s, p],
        ]
        rows = first_more + len(least)
        lower, upper = np.zeros(rows), np.full(rows, np.inf)
        lower[:customers] = upper[:customers] = 1.0
        lower[count], upper[count] = problem.least_open, problem.num_most_open
        lower[first_side:first_more], upper[first_side:first_more] = side.lower, side.upper
        lower[first_more:] = least
        is_whole = np.ones(sites + pairs, bool)
        is_whole[sites:] = problem.single_source and problem.is_capacitated if whole is None else whole
        program = MixedProgram(
            cost=np.concatenate([problem.fixed_cost, problem.cost[site, customer]]),
            lower=np.zeros(sites + pairs),
            upper=np.ones(sites + pairs),
            whole=is_whole,
            row=np.concatenate(row),
            column=np.concatenate(column),
            value=np.concatenate(value),
            row_lower=lower,
            row_upper=upper,
        )
        return cls(program, site, customer)

    def service(self, values: Floats, shape: tuple[int, int]) -> Floats:
        """Shares of a point of the program, float array [site, customer]."""
        share = np.zeros(shape)
        share[self.site, self.customer] = np.maximum(0.0, values[shape[0] :])
        return share
