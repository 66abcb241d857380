"""Compiling a year with many proposed routes at once, each told apart by its owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from logistics.models.routes.union import BASE, UnionInstance
from logistics.proposals.entering import RouteOption, opened
from logistics.studies.year_flow import Question
from logistics.virtual_network.instance import Instance, Ints


def compiled_union(question: Question, options: Sequence[RouteOption]) -> UnionInstance:
    """The year's instance with all `options` open, which were entered into its network.

    Raises
    ------
    InputError
        When a ride would pay its user.
    """
    instance, _ = replace(question, network=opened(question.network, options)).compiled()
    part = {name: place for place, option in enumerate(options) for name in option.service_ids}
    sites: dict[str, int] = {}
    for option in options:
        for row in option.proposal.sites:
            sites.setdefault(str(row["site_id"]), len(options) + len(sites))
    arcs = []
    for layer in instance.layers:
        found = [
            part.get(step.service_id, sites.get(step.site_id, sites.get(step.to_site_id, BASE)))
            for step in layer.steps
        ]
        arcs.append(np.array(found, dtype=np.int32))
    parts = tuple(
        (place, *(sites[str(row["site_id"])] for row in option.proposal.sites))
        for place, option in enumerate(options)
    )
    names = tuple(option.id for option in options)
    return UnionInstance(instance, names, tuple(arcs), _parts(instance, part, sites), parts)


def _parts(instance: Instance, services: dict[str, int], sites: dict[str, int]) -> Ints:
    found = []
    for resource in instance.resources:
        name = resource.id.rsplit("#", 1)[0] if resource.kind == "service" else resource.id
        known = services if resource.kind == "service" else sites if resource.kind == "site" else {}
        found.append(known.get(name, BASE))
    return np.array(found, dtype=np.int32)
