"""A solved base on its way to another union on it, perhaps in another process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.carried import carried_paths
from logistics.models.flow.solved import Duals, SolvedFlow
from logistics.virtual_network.instance import Instance

Ints = NDArray[np.int32]


@dataclass(frozen=True)
class SolvedBase:
    """A base that is solved, with its good paths.

    Parameters
    ----------
    instance
        The base without additions.
    flow
        How it was solved.
    commodity, arcs, ends
        Good paths: commodity of each; their arcs one after the other; where each path ends among these.
    """

    instance: Instance
    flow: SolvedFlow
    commodity: Ints
    arcs: Ints
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, instance: Instance, flow: SolvedFlow, columns: Sequence[tuple[int, Ints]]) -> SolvedBase:
        """Pack the paths, given as (commodity, arcs)."""
        commodity = np.array([k for k, _ in columns], np.int32)
        arcs = np.concatenate([np.zeros(0, np.int32), *(path for _, path in columns)])
        ends = np.cumsum([len(path) for _, path in columns], dtype=np.int64)
        return cls(instance, flow, commodity, arcs, ends)

    @property
    def columns(self) -> list[tuple[int, Ints]]:
        """The paths, as (commodity, arcs)."""
        return list(zip(self.commodity.tolist(), np.split(self.arcs, self.ends[:-1]), strict=False))

    def within(self, instance: Instance) -> SolvedBase:
        """The same in the numbers of the base of a union, which may have arcs more that lead nowhere.

        Raises
        ------
        ValueError
            When it is the base of another network.
        """
        columns = carried_paths(self.instance, self.columns, instance)
        used = carried_paths(self.instance, self.flow.used_paths, instance)
        if len(columns) != len(self.commodity) or len(used) != len(self.flow.commodity):
            raise ValueError("a path of the base is not there")
        place = {resource[:3]: row for row, resource in enumerate(self.instance.resources)}
        old = np.array([place.get(resource[:3], len(place)) for resource in instance.resources])

        def carried(duals: Duals) -> Duals:
            return replace(duals, resource=np.append(duals.resource, 0.0)[old])

        least = self.flow.least_unserved
        flow = replace(
            self.flow,
            path=tuple(path for _, path in used),
            duals=carried(self.flow.duals),
            least_unserved=None if least is None else replace(least, duals=carried(least.duals)),
        )
        return SolvedBase.of(instance, flow, columns)
