"""The families: one file in ``benchmarks/families/`` and one line here each."""

from __future__ import annotations

from importlib import import_module

from benchmarks.spec import Spec

FAMILIES = {
    "linerlib": "benchmarks.families.linerlib",
    "capacitated-flow": "benchmarks.families.capacitated_flow",
    "frontier": "benchmarks.families.frontier",
    "route-additions": "benchmarks.families.route_additions",
    "network-design": "benchmarks.families.network_design",
    "siting": "benchmarks.families.siting",
    "batch": "benchmarks.families.batch",
}
"""Name → module that holds its ``SPEC``, in the order of listing."""


def spec_of(name: str) -> Spec:
    """The spec called `name`."""
    spec = import_module(FAMILIES[name]).SPEC
    assert isinstance(spec, Spec)
    assert spec.name == name
    return spec


def specs() -> list[Spec]:
    """All specs."""
    return [spec_of(name) for name in FAMILIES]
