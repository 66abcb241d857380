"""What the block ``proposals:`` of a study and a row of a proposals file may say, as pydantic models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from logistics.scenario.schema import Id

ProposalId = Annotated[str, StringConstraints(max_length=48, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
"""Shorter than other ids: a service of the proposal is called after it, with a suffix."""
Hours = Annotated[float, Field(ge=0, le=8760)]
RunHours = Annotated[float, Field(gt=0, le=8760)]
Km = Annotated[float, Field(ge=0, le=60000)]
Money = Annotated[float, Field(ge=0, le=1e12)]
Frequencies = Annotated[list[Annotated[float, Field(gt=0, le=2000)]], Field(min_length=1, max_length=20)]
Shares = Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=1, max_length=50)]
REVERSE = "reverse"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class ProposalRow(_Strict):
    """One proposed route: a row of a proposals file, or an item of an inline list.

    In a file, items of a list are joined by ``|``; passages of one leg by ``+``. A blank cell is a key left
    out. Units stand in the names; money is CNY of the network's price year where no currency is named.
    """

    proposal_id: ProposalId
    name_en: str = Field(default="", max_length=200, description="blank: made of the names of the ends")
    name_zh: str = Field(default="", max_length=200, description="blank: made of the names of the ends")
    mode: Literal["road", "sea", "rail", "air", "post"]
    service_class: Id | None = Field(default=None, description="blank: freighter, block_train, fast_ship …")
    aircraft: str | None = Field(
        default=None, description="row of aircraft.csv; blank figures of a flight then follow from it"
    )
    stops: list[Id] = Field(min_length=2, max_length=50, description="sites in order of travel")
    back_stops: Annotated[list[Id], BeforeValidator(lambda v: [v] if isinstance(v, str) else v)] = Field(
        default_factory=list, max_length=50, description="blank: no way back; `reverse`, or sites"
    )
    frequencies: Frequencies = Field(description="departures a week that may be chosen")
    availability: float = Field(default=1.0, ge=0.01, le=1, description="share of the weeks it runs")
    load_factor_max: float = Field(default=0.88, ge=0.01, le=1)
    payload_t: float | None = Field(default=None, gt=0, le=300000, description="tonnes a departure")
    payload_m3: float | None = Field(default=None, gt=0, le=3000000)
    run_h: list[RunHours] | None = Field(default=None, description="a leg each, without waits and passages")
    run_sd_h: list[Hours] | None = Field(
        default=None, description="blank: flights 0.5 h + 3 % of the hours, others 10 %"
    )
    distance_km: list[Km] | None = Field(default=None, description="a leg each; blank: great circle, flights")
    dwell_h: list[Hours] | None = Field(default=None, description="a stop between the ends each; blank: 0")
    passages: list[list[Id]] | None = Field(default=None, description="a leg each, in order of travel")
    back_run_h: list[RunHours] | None = Field(default=None, description="back_…, blank: as on the way out")
    back_run_sd_h: list[Hours] | None = None
    back_distance_km: list[Km] | None = None
    back_dwell_h: list[Hours] | None = None
    back_passages: list[list[Id]] | None = None
    tariff_basis: Literal["chargeable_kg", "teu", "feu", "truck", "item_plus_kg", "tkm"]
    tariff_currency: str = Field(default="CNY", min_length=3, max_length=3)
    tariff: Money = Field(description="of the whole run, per unit of the basis")
    back_tariff: Money | None = None
    rate_year: int | None = Field(
        default=None, ge=1990, le=2100, description="year of these tariffs and costs; blank: each year's own"
    )
    booking_wait_h: Hours = 0.0
    back_booking_wait_h: Hours | None = None
    segments: list[Literal["direct", "stocked", "b2b"]] = Field(
        default_factory=list, description="blank: all"
    )
    co2_g_per_tkm: float | None = Field(default=None, ge=0, le=5000, description="blank: the mode's")
    background_t_per_departure: Money = 0.0
    background_tariff_cny_per_t: Money = 0.0
    back_background_t_per_departure: Money | None = None
    back_background_tariff_cny_per_t: Money | None = None
    subsidy_cny_per_t: Money = Field(default=0.0, description="to the shipper, off the tariff")
    back_subsidy_cny_per_t: Money | None = None
    subsidy_cny_per_departure: Money = Field(default=0.0, description="to the operator")
    subsidy_shares: Shares = Field(default=[1.0], description="share of the subsidies by year of operation")
    cost_cny_per_departure: Money | None = Field(default=None, description="of the whole rotation")
    fixed_cny_per_year: Money = 0.0
    capex_cny: Money = 0.0
    life_years: float = Field(default=10.0, ge=1, le=60)
    opening_year: int | None = Field(default=None, ge=1990, le=2100)
    tariff_low: Money | None = None
    tariff_high: Money | None = None
    back_tariff_low: Money | None = None
    back_tariff_high: Money | None = None
    payload_t_low: Money | None = None
    payload_t_high: Money | None = None
    run_h_low: Hours | None = Field(default=None, description="all legs of the way out together")
    run_h_high: Hours | None = None
    background_t_per_departure_low: Money | None = None
    background_t_per_departure_high: Money | None = None
    cost_cny_per_departure_low: Money | None = None
    cost_cny_per_departure_high: Money | None = None
    source: str = Field(default="", max_length=500)
    confidence: Literal["high", "medium", "estimate"] = "estimate"
    note: str = Field(default="", max_length=500)


def _as_place_rule(value: Any) -> Any:
    return {"sites": value} if isinstance(value, list) else value


class PlaceRule(_Strict):
    """Sites by name, or by a condition on sites.csv; only those in use count."""

    sites: list[Id] | None = Field(default=None, min_length=1)
    where: str | None = Field(default=None, max_length=1000)

    @model_validator(mode="after")
    def _one_way(self) -> PlaceRule:
        if (self.sites is None) == (self.where is None):
            raise ValueError("exactly one of a list, where")
        return self


Places = Annotated[PlaceRule, BeforeValidator(_as_place_rule, json_schema_input_type=list[Id] | PlaceRule)]


class Generate(_Strict):
    """A rule that proposes a route between every sensible pair of places, there and back."""

    mode: Literal["air", "rail", "sea"]
    from_: Places = Field(alias="from", description="sites of the home province or beyond")
    to: Places = Field(description="sites abroad")
    frequencies: Frequencies = Field(description="departures a week that may be chosen")
    aircraft: list[str] | None = Field(default=None, min_length=1, description="air; left out: all types")
    technical_stops: list[Id] = Field(default_factory=list, description="air: where a flight may refuel")
    max_range_km: float | None = Field(default=None, gt=0, le=25000, description="great circle of the pair")
    min_payload_share: float = Field(
        default=0.5, gt=0, le=1, description="air: least share of the payload that the range leaves"
    )
    skip_existing: bool = Field(default=True, description="leave out pairs that a service of the mode joins")
    opening_year: int | None = Field(default=None, ge=1990, le=2100)
    fixed_cny_per_year: Money = 0.0
    capex_cny: Money = 0.0
    life_years: float = Field(default=10.0, ge=1, le=60)
    subsidy_cny_per_departure: Money = 0.0
    subsidy_shares: Shares = [1.0]


class Source(_Strict):
    """Where proposals come from: exactly one of a file, a list, a rule; and the new places they need."""

    file: str | None = Field(default=None, min_length=1, description="CSV, as seen from the scenario file")
    list_: list[dict[str, Any]] | None = Field(default=None, alias="list", max_length=2000)
    generate: Generate | None = None
    sites: list[dict[str, Any]] = Field(default_factory=list, description="new rows of sites.csv")
    passages: list[dict[str, Any]] = Field(default_factory=list, description="new rows of passages.csv")

    @model_validator(mode="after")
    def _one_kind(self) -> Source:
        if sum(given is not None for given in (self.file, self.list_, self.generate)) != 1:
            raise ValueError("exactly one of file, list, generate")
        return self
