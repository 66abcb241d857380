"""What the study ``siting`` may be told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from logistics.scenario.schema import Id
from logistics.studies.portfolio_spec import Amounts

Condition = Annotated[str, Field(max_length=1000)]
Factor = Annotated[float, Field(gt=0, le=100)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class SiteCount(_Strict):
    """How many of the candidates are to be open."""

    least: int | None = Field(default=None, ge=0)
    most: int | None = Field(default=None, ge=0)
    where: Condition | None = Field(
        default=None,
        description="condition on option_id, site_id, country, kind, ownership, size …",
    )

    @model_validator(mode="after")
    def _some(self) -> SiteCount:
        if self.least is None and self.most is None:
            raise ValueError("least or most")
        return self


class InvestmentBudget(_Strict):
    """Money that may be invested, in a year or in all."""

    cny: Amounts = Field(default_factory=dict, description="by year of opening; years left out are free")
    total_cny: Annotated[float, Field(ge=0, le=1e15)] | None = Field(
        default=None, description="in all years together"
    )
    where: Condition | None = Field(default=None, description="condition on the candidates that count")

    @model_validator(mode="after")
    def _some(self) -> InvestmentBudget:
        if not self.cny and self.total_cny is None:
            raise ValueError("cny or total_cny")
        return self


class Closure(_Strict):
    """Something that is not there in a future."""

    table: Literal["sites", "services", "passages"]
    id: Id


class Futures(_Strict):
    """What the choice is tried against, one at a time, in the last year."""

    rates: list[Annotated[int, Field(ge=1990, le=2100)]] = Field(
        default_factory=list, max_length=10, description="years whose freight rates hold"
    )
    demand: list[Factor] = Field(default_factory=list, max_length=10, description="factors on all demand")
    exchange: list[Factor] = Field(
        default_factory=list, max_length=10, description="factors on what warehouses and delivery abroad cost"
    )
    closures: list[Closure] = Field(default_factory=list, max_length=10)


class FirstLook(_Strict):
    """Where few sites would stand by distance alone."""

    sites: list[Annotated[int, Field(ge=1, le=1000)]] = Field(
        default=[1, 2, 3, 5, 10],
        min_length=1,
        max_length=20,
        description="how many; as far as there are places",
    )
    within_km: float = Field(
        default=500.0, gt=0, le=20_038, description="great-circle distance within which cargo is covered"
    )


class SitingSpec(_Strict):
    """Settings of the study."""

    kind: Literal["siting"]
    candidates: Condition | None = Field(
        default=None,
        description="condition on options of warehouse_options.csv; left out: all, or none with `facilities`",
    )
    facilities: Condition | None = Field(
        default=None,
        description="condition on facility_options.csv: other sites that may be opened; left out: none",
    )
    closable: Condition | None = Field(
        default=None, description="existing warehouses that may be closed; left out: none"
    )
    channels: Condition | None = Field(
        default=None,
        description="condition on demand rows: cargo that may be sold directly or from stock, whichever is "
        "better, within stockable_share_max; left out: none",
    )
    opening: Literal["any_year", "first_year"] = Field(
        default="any_year", description="from which year a candidate may be open"
    )
    one_per_site: bool = Field(default=True, description="of the options at one site at most one")
    single_source: bool = Field(
        default=False, description="whether each market's stocked orders all come from one site"
    )
    pooled_from_t_per_year: Annotated[float, Field(gt=0, le=1e9)] | None = Field(
        default=None,
        description="throughput of a warehouse at which the products' demand_cv holds, where its row says "
        "nothing: safety stock then grows with the root of throughput; left out: with throughput itself",
    )
    counts: list[SiteCount] = Field(default_factory=list, max_length=100)
    budgets: list[InvestmentBudget] = Field(default_factory=list, max_length=20)
    first_look: FirstLook | None = Field(
        default_factory=FirstLook,
        description="centres of gravity, p-median, p-centre and coverage by distance alone; null: none",
    )
    sweep: list[Annotated[int, Field(ge=1, le=1000)]] = Field(
        default_factory=list, max_length=20, description="best plans with at most so many"
    )
    alternatives: int = Field(default=0, ge=0, le=20, description="next best plans with other sites, at most")
    within: Annotated[float, Field(ge=0, le=10)] | None = Field(
        default=None,
        description="share of the best plan's cost by which an alternative may cost more; left out: any",
    )
    baselines: bool = Field(default=True, description="plans that rules of thumb would choose")
    frontier: list[Factor] = Field(
        default_factory=list, max_length=10, description="factors on the worth of customers' time"
    )
    futures: Futures = Field(default_factory=Futures)
    gap: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=None,
        description="relative gap at which the search ends; left out: 0.0002, or 0.0001 where no shared "
        "capacity has a price, 0.001 where stock is pooled, or the solver's where that is larger",
    )
    discount_rate: float = Field(default=0.06, ge=0, le=1, description="real, for annuities of investments")
