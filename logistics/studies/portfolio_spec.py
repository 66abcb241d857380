"""What the study ``portfolio`` may be told."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from logistics.proposals.spec import Source
from logistics.scenario.schema import Id, Names


def _as_year(value: Any) -> Any:
    """Keys of a mapping are text in a scenario file."""
    return int(value) if isinstance(value, str) and value.isdigit() else value


Year = Annotated[int, BeforeValidator(_as_year), Field(ge=1990, le=2100)]
Amounts = dict[Year, Annotated[float, Field(ge=0, le=1e15)]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Expansion(_Strict):
    """More throughput of a site."""

    site: Id
    throughput_t_per_year: float = Field(gt=0, le=1e9, description="tonnes a year on top")


class Window(_Strict):
    """Other opening hours of clearance."""

    sites: list[Id] = Field(min_length=1, max_length=1000)
    open: str


class OtherOption(_Strict):
    """Something else that may be decided: a terminal expansion, or a clearance window."""

    id: Id
    name: Names | None = None
    expand: Expansion | None = None
    clearance_window: Window | None = None
    capex_cny: float = Field(default=0, ge=0, le=1e13)
    life_years: float = Field(default=20, ge=1, le=60)
    cost_cny_per_year: float = Field(default=0, ge=0, le=1e13)
    opening_year: int | None = Field(default=None, ge=1990, le=2100, description="first year it may run")

    @model_validator(mode="after")
    def _one(self) -> OtherOption:
        if (self.expand is None) == (self.clearance_window is None):
            raise ValueError("exactly one of expand, clearance_window")
        return self


class Budget(_Strict):
    """Money that may be spent in a year."""

    counts: Literal["investment", "subsidy", "running"] = Field(
        description="investment: in the year of opening; subsidy, running: of departures, and fixed"
    )
    cny: Amounts = Field(min_length=1, description="by year; years left out are free")


class Count(_Strict):
    """How many may or must run."""

    least: int | None = Field(default=None, ge=0)
    most: int | None = Field(default=None, ge=0)
    where: str | None = Field(
        default=None, max_length=1000, description="condition on proposal_id, mode, from_site, to_site …"
    )
    years: list[int] | None = Field(default=None, min_length=1, description="left out: every year")
    existing: str | None = Field(
        default=None, max_length=1000, description="condition on services.csv: pairs in use that count too"
    )

    @model_validator(mode="after")
    def _some(self) -> Count:
        if self.least is None and self.most is None:
            raise ValueError("least or most")
        return self


class PortfolioSpec(BaseModel):
    """Settings of the study."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    kind: Literal["portfolio"]
    proposals: list[Source] = Field(default_factory=list, max_length=100)
    options: list[OtherOption] = Field(default_factory=list, max_length=500)
    fares: Literal["left_out", "counted"] = Field(
        default="left_out",
        description="of proposed routes: left out, since their running cost stands in their place",
    )
    budgets: list[Budget] = Field(default_factory=list, max_length=20)
    counts: list[Count] = Field(default_factory=list, max_length=100)
    most_airports_per_destination: int | None = Field(
        default=None, ge=1, description="of the home province; air routes, those in use count"
    )
    min_load_factor: float | None = Field(default=None, ge=0, le=1, description="of each route that runs")
    exclusions: list[Annotated[list[Id], Field(min_length=2)]] = Field(
        default_factory=list, max_length=1000, description="of each list at most one"
    )
    prerequisites: list[Annotated[list[Id], Field(min_length=2, max_length=2)]] = Field(
        default_factory=list, max_length=1000, description="[a, b]: a only where b runs"
    )
    alternatives: int = Field(default=0, ge=0, le=50, description="further plans with other choices")
    alternatives_within: float = Field(default=0.01, ge=0, le=1, description="share of the benefit they lose")
    frontier: list[Annotated[float, Field(ge=0, le=100)]] = Field(
        default_factory=list, max_length=20, description="factors on all budgets that are tried"
    )
    values: bool = Field(default=True, description="what each choice is worth, by leaving it out")
    discount_rate: float = Field(default=0.06, ge=0, le=1, description="real")
    keep_going: bool = Field(default=False, description="leave bad proposals out instead of stopping")

    @model_validator(mode="after")
    def _something(self) -> PortfolioSpec:
        if not self.proposals and not self.options:
            raise ValueError("proposals or options")
        if self.frontier and not self.budgets:
            raise ValueError("a frontier of budgets needs budgets")
        return self
