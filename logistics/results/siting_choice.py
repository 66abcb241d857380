"""What a siting study has chosen: what is open when, with how much room, for how much, and by which rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from logistics.results.siting_options import Option, OptionTable

DISCOUNT_RATE = 0.06
"""Where the study names none."""
CLOSE_SHARE, CLOSE_CNY = 1e-9, 1e-3

Broken = tuple[str, str, str]
"""A rule that is not kept: which, what was found, what it allows."""


@dataclass(frozen=True)
class Choice:
    """Candidates with the year from which each is open.

    Parameters
    ----------
    study
        Settings of the study.
    options
        All options of the tables.
    candidates
        Those of the study, by id.
    opens
        First year of each that is chosen, by id; of what exists and stays, the first of all.
    """

    study: Mapping[str, Any]
    options: OptionTable
    candidates: Mapping[str, Option]
    opens: Mapping[str, int]

    @property
    def rate(self) -> float:
        """Real discount rate of the study."""
        return float(self.study.get("discount_rate", DISCOUNT_RATE))

    def new(self, ids: Iterable[str]) -> dict[str, Option]:
        """Those of some candidates that do not exist yet."""
        return {name: self.candidates[name] for name in ids if not self.candidates[name].exists}

    def may_open_in(self, name: str, years: Iterable[int]) -> list[int]:
        """Years of the study in which a new candidate may open."""
        found = [year for year in years if self.candidates[name].may_open(year)]
        return found[:1] if self.study.get("opening") == "first_year" else found

    def starting_in(self, year: int) -> bool:
        """Whether something has less room in a year than it will have."""
        return any(one.first_year_share < 1 for one in self.opening_in(year).values())

    def open_in(self, year: int) -> list[str]:
        """Ids of what is open in a year."""
        return [name for name, first in self.opens.items() if first <= year]

    def opening_in(self, year: int) -> dict[str, Option]:
        """What opens in a year, by id."""
        return self.new(name for name, first in self.opens.items() if first == year)

    def room_t(self, year: int) -> dict[str, float]:
        """Tonnes a year of each candidate that has room in a year, by id."""
        room = {n: self.candidates[n].room_t(first=self.opens[n] == year) for n in self.open_in(year)}
        return {name: tonnes for name, tonnes in room.items() if tonnes > 0}

    def annual_cny(self, ids: Iterable[str]) -> float:
        """Fixed cost and annuities of some candidates, a year."""
        return sum(self.candidates[name].annual_cny(self.rate) for name in ids)

    def broken_rules(self, ids: Iterable[str]) -> Iterator[Broken]:
        """Sites at which more than one of some candidates opens, and counts that they do not keep."""
        new = self.new(ids)
        sites = [one.site_id for one in new.values()]
        for site in sorted(set(sites)) if self.study.get("one_per_site", True) else ():
            if sites.count(site) > 1:
                yield site, ", ".join(sorted(n for n, one in new.items() if one.site_id == site)), "1"
        for name, one in new.items():
            moved = str(one.row.get("moves_from") or "")
            if moved and moved in self.opens:
                yield f"moves_from {moved}", name, ""
        for number, count in enumerate(self.study.get("counts", ())):
            have = len(self.options.meeting(count.get("where")) & new.keys())
            least, most = count.get("least"), count.get("most")
            if (least is not None and have < least) or (most is not None and have > most):
                ends = ("" if end is None else str(end) for end in (least, most))
                yield f"counts.{number}", str(have), " … ".join(ends)

    def overspent(self) -> Iterator[Broken]:
        """Budgets of a year that what opens in it does not keep."""
        for number, budget in enumerate(self.study.get("budgets", ())):
            counted = self.options.meeting(budget.get("where"))
            for year, most in budget.get("cny", {}).items():
                opening = self.opening_in(int(year))
                spent = invested_cny({name: one for name, one in opening.items() if name in counted})
                if spent > most * (1 + CLOSE_SHARE) + CLOSE_CNY:
                    yield f"budgets.{number} {year}", f"{spent:.12g}", f"≤ {most:.12g}"
            total = budget.get("total_cny")
            spent = invested_cny({n: one for n, one in self.new(self.opens).items() if n in counted})
            if total is not None and spent > total * (1 + CLOSE_SHARE) + CLOSE_CNY:
                yield f"budgets.{number} total", f"{spent:.12g}", f"≤ {total:.12g}"


def invested_cny(options: Mapping[str, Option]) -> float:
    """What it takes to open some options."""
    return sum(one.figure("capex_cny") for one in options.values())
