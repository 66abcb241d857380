"""The register of sections, in the order of the page: one line each."""

from __future__ import annotations

from logistics.reports.sections.accessibility import accessibility_blocks
from logistics.reports.sections.airport_roles import airport_role_blocks
from logistics.reports.sections.base_case import base_case_blocks
from logistics.reports.sections.bottlenecks import bottleneck_blocks
from logistics.reports.sections.cargo import cargo_blocks
from logistics.reports.sections.changes import change_blocks
from logistics.reports.sections.costs import cost_blocks
from logistics.reports.sections.disruption import disruption_blocks
from logistics.reports.sections.estimates import estimate_blocks
from logistics.reports.sections.frontier import frontier_blocks
from logistics.reports.sections.gains import gain_blocks
from logistics.reports.sections.honesty import honesty_blocks
from logistics.reports.sections.limits import limit_blocks
from logistics.reports.sections.portfolio import portfolio_blocks
from logistics.reports.sections.portfolio_plans import portfolio_plan_blocks
from logistics.reports.sections.prefectures import prefecture_blocks
from logistics.reports.sections.promises import promise_blocks
from logistics.reports.sections.returned import returned_blocks
from logistics.reports.sections.route_details import route_detail_blocks
from logistics.reports.sections.routes import route_blocks
from logistics.reports.sections.section import Section
from logistics.reports.sections.siting import siting_blocks
from logistics.reports.sections.siting_first_look import siting_first_look_blocks
from logistics.reports.sections.siting_plans import siting_plan_blocks
from logistics.reports.sections.targets import target_blocks
from logistics.reports.sections.totals import totals_blocks
from logistics.reports.sections.unserved import unserved_blocks

SECTIONS: tuple[Section, ...] = (
    Section("totals", totals_blocks),
    Section("targets", target_blocks),
    Section("limits", limit_blocks),
    Section("frontier", frontier_blocks),
    Section("disruption", disruption_blocks),
    Section("routes", route_blocks),
    Section("route_details", route_detail_blocks),
    Section("portfolio", portfolio_blocks, each_year=False),
    Section("portfolio_plans", portfolio_plan_blocks, each_year=False),
    Section("airport_roles", airport_role_blocks),
    Section("siting", siting_blocks, each_year=False),
    Section("siting_plans", siting_plan_blocks, each_year=False),
    Section("siting_first_look", siting_first_look_blocks, each_year=False),
    Section("gains", gain_blocks),
    Section("cargo", cargo_blocks),
    Section("costs", cost_blocks),
    Section("returned", returned_blocks),
    Section("promises", promise_blocks),
    Section("accessibility", accessibility_blocks),
    Section("prefectures", prefecture_blocks),
    Section("bottlenecks", bottleneck_blocks),
    Section("base_case", base_case_blocks),
    Section("unserved", unserved_blocks),
    Section("changes", change_blocks),
    Section("honesty", honesty_blocks, each_year=False),
    Section("estimates", estimate_blocks),
)
