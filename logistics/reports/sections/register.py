"""The register of sections, in the order of the page: one line each."""

from __future__ import annotations

from logistics.reports.sections.accessibility import accessibility_blocks
from logistics.reports.sections.base_case import base_case_blocks
from logistics.reports.sections.bottlenecks import bottleneck_blocks
from logistics.reports.sections.cargo import cargo_blocks
from logistics.reports.sections.changes import change_blocks
from logistics.reports.sections.costs import cost_blocks
from logistics.reports.sections.disruption import disruption_blocks
from logistics.reports.sections.estimates import estimate_blocks
from logistics.reports.sections.frontier import frontier_blocks
from logistics.reports.sections.honesty import honesty_blocks
from logistics.reports.sections.limits import limit_blocks
from logistics.reports.sections.prefectures import prefecture_blocks
from logistics.reports.sections.promises import promise_blocks
from logistics.reports.sections.section import Section
from logistics.reports.sections.targets import target_blocks
from logistics.reports.sections.totals import totals_blocks
from logistics.reports.sections.unserved import unserved_blocks

SECTIONS: tuple[Section, ...] = (
    Section("totals", totals_blocks),
    Section("targets", target_blocks, each_year=False),
    Section("limits", limit_blocks),
    Section("frontier", frontier_blocks),
    Section("disruption", disruption_blocks),
    Section("cargo", cargo_blocks),
    Section("costs", cost_blocks),
    Section("promises", promise_blocks),
    Section("accessibility", accessibility_blocks),
    Section("prefectures", prefecture_blocks),
    Section("bottlenecks", bottleneck_blocks),
    Section("base_case", base_case_blocks),
    Section("unserved", unserved_blocks),
    Section("changes", change_blocks),
    Section("honesty", honesty_blocks),
    Section("estimates", estimate_blocks, each_year=False),
)
