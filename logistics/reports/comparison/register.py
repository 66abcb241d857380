"""The register of a comparison's sections, in the order of the page: one line each."""

from __future__ import annotations

from logistics.reports.comparison.figures import (
    cargo_compared,
    costs_compared,
    prefectures_compared,
    times_compared,
    totals_compared,
)
from logistics.reports.comparison.inputs import input_blocks
from logistics.reports.comparison.section import ComparedSection
from logistics.reports.comparison.trust import trust_compared

COMPARED: tuple[ComparedSection, ...] = (
    ComparedSection("inputs", input_blocks),
    ComparedSection("totals", totals_compared),
    ComparedSection("cargo", cargo_compared),
    ComparedSection("costs", costs_compared),
    ComparedSection("accessibility", times_compared),
    ComparedSection("prefectures", prefectures_compared),
    ComparedSection("honesty", trust_compared),
)
