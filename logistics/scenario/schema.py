"""What a scenario file may say (schema 1), as pydantic models.

The JSON Schema that ``logistics schema`` prints for editors is made from these.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

SCHEMA = 1
SUPPORTED_SCHEMAS = (1,)
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Objective = Literal["money", "hours", "co2", "generalised"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Names(_Strict):
    """A name in both languages."""

    zh: str = Field(min_length=1, max_length=200)
    en: str = Field(min_length=1, max_length=200)


class NewStop(_Strict):
    """A stop of an added service; the figures are those of the leg that ends here."""

    site_id: Id
    run_h: float | None = Field(default=None, ge=0, le=8760)
    run_sd_h: float | None = Field(default=None, ge=0, le=8760)
    distance_km: float | None = Field(default=None, ge=0, le=60000)
    dwell_h: float = Field(default=0, ge=0, le=8760)


class AddService(_Strict):
    """A new service; columns as in services.csv, stops as in service_stops.csv."""

    service_id: Id
    mode: Literal["road", "sea", "rail", "air", "post"]
    service_class: Id
    name_en: str = ""
    name_zh: str = ""
    departures_per_week: float = Field(gt=0, le=2000)
    availability: float = Field(default=1.0, gt=0, le=1)
    payload_t: float = Field(gt=0, le=300000)
    payload_m3: float = Field(gt=0, le=3000000)
    load_factor_max: float = Field(default=0.88, gt=0, le=1)
    background_t_per_year: float = Field(default=0, ge=0)
    tariff_basis: Literal["chargeable_kg", "teu", "feu", "truck", "item_plus_kg", "tkm"]
    tariff_currency: str = Field(min_length=3, max_length=3)
    tariff_spot: float = Field(ge=0)
    tariff_contract: float | None = Field(default=None, ge=0)
    contract_share: float = Field(default=0, ge=0, le=1)
    tariff_per_item: float = Field(default=0, ge=0)
    subsidy_cny_per_t: float = Field(default=0, ge=0)
    booking_wait_h: float = Field(default=0, ge=0, le=8760)
    segments: list[Literal["direct", "stocked", "b2b"]] = Field(default_factory=list)
    co2_g_per_tkm: float | None = Field(default=None, ge=0, le=5000)
    stops: list[NewStop] = Field(min_length=2, max_length=200)


Years = Annotated[list[Annotated[int, Field(ge=1990, le=2100)]], Field(min_length=1)] | None
"""Years a change holds in; all years of the scenario when left out."""


class SetValue(_Strict):
    """Change a column of the rows that meet a condition."""

    table: str
    where: str | None = Field(
        default=None, max_length=1000, description="e.g. mode == 'rail' and payload_t > 20"
    )
    column: str
    value: float | str | bool | None = None
    factor: float | None = None
    add: float | None = None
    estimate: float | None = Field(
        default=None, ge=-1, le=1, description="within an estimate's range: -1 low, 0 as it stands, 1 high"
    )
    drawn: int | None = Field(
        default=None, ge=0, description="seed: each cell at random within its range; 0: all as they stand"
    )
    years: Years = None

    @model_validator(mode="after")
    def _one_way(self) -> SetValue:
        ways = (self.value, self.factor, self.add, self.estimate, self.drawn)
        if sum(given is not None for given in ways) != 1:
            raise ValueError("exactly one of value, factor, add, estimate, drawn")
        return self


class Close(_Strict):
    """Take a service, passage or site out of use."""

    service: Id | list[Id] | None = None
    passage: Id | list[Id] | None = None
    site: Id | list[Id] | None = None
    reason: str = ""
    years: Years = None

    @model_validator(mode="after")
    def _something(self) -> Close:
        if sum(given is not None for given in (self.service, self.passage, self.site)) != 1:
            raise ValueError("exactly one of service, passage, site")
        return self


class ScaleDemand(_Strict):
    """Multiply demand."""

    factor: float = Field(ge=0, le=1000)
    where: str | None = Field(default=None, max_length=1000)
    years: Years = None


class ClearanceWindow(_Strict):
    """Other opening hours of clearance."""

    sites: list[Id] = Field(min_length=1)
    open: str = Field(description="always, or e.g. Mon-Fri 08:30-17:30; Sat 09:00-12:00")
    years: Years = None


class Change(_Strict):
    """One change; exactly one of the keys."""

    add_service: AddService | None = None
    set: SetValue | None = None
    close: Close | None = None
    scale_demand: ScaleDemand | None = None
    clearance_window: ClearanceWindow | None = None

    @property
    def years(self) -> list[int] | None:
        """Years the change holds in; None: all."""
        for part in (self.set, self.close, self.scale_demand, self.clearance_window):
            if part is not None:
                return part.years
        return None

    @model_validator(mode="after")
    def _one(self) -> Change:
        if len(self.model_fields_set) != 1:
            raise ValueError("exactly one of add_service, set, close, scale_demand, clearance_window")
        return self


class MeanDays(_Strict):
    """Mean days that customers wait, over the tonnes served."""

    days: float = Field(gt=0, le=365)
    where: str | None = Field(default=None, max_length=1000, description="condition on demand.csv")


class PromiseShare(_Strict):
    """Share of the cargo that keeps its promise, or comes within days; what is not served is late."""

    share: float = Field(ge=0, le=1)
    where: str | None = Field(default=None, max_length=1000, description="condition on demand.csv")
    days: float | None = Field(
        default=None, gt=0, le=365, description="customer days, instead of those promised"
    )
    measured: Literal["tonnes", "orders"] = "tonnes"


class LocalShare(_Strict):
    """Share that passes a gateway of the home province; what is not served does not."""

    share: float = Field(ge=0, le=1)
    reading: Literal["exit_port", "declared"] = "exit_port"
    measured: Literal["tonnes", "value"] = "tonnes"


class LoadLimit(_Strict):
    """Most or least tonnes a year on one thing."""

    service: Id | None = None
    site: Id | None = None
    passage: Id | None = None
    mode: Literal["road", "sea", "rail", "air", "post"] | None = None
    max_t: float | None = Field(default=None, ge=0)
    min_t: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _one_thing(self) -> LoadLimit:
        if sum(given is not None for given in (self.service, self.site, self.passage, self.mode)) != 1:
            raise ValueError("exactly one of service, site, passage, mode")
        if (self.max_t is None) == (self.min_t is None):
            raise ValueError("exactly one of max_t, min_t")
        return self


def _listed(key: str, kind: Any) -> BeforeValidator:
    """Accept a bare number for ``[{key: number}]``, and one group for a list of one."""

    def as_list(value: Any) -> Any:
        if key and isinstance(value, int | float | str) and not isinstance(value, bool):
            return [{key: value}]
        return [value] if isinstance(value, dict) else value

    shapes = kind | list[kind]
    return BeforeValidator(as_list, json_schema_input_type=float | shapes if key else shapes)


class Limits(_Strict):
    """What every plan of a year must respect."""

    allow_unserved: bool | None = Field(
        default=None, description="false: a plan with unserved demand counts as infeasible"
    )
    unserved_cny_per_t: float | None = Field(
        default=None,
        gt=0,
        le=1e9,
        description="price of unserved demand instead of serving all that can be served",
    )
    max_mean_customer_days: Annotated[list[MeanDays], _listed("days", MeanDays)] | None = None
    max_co2_t: float | None = Field(default=None, gt=0, description="tonnes CO2e a year")
    max_money_cny: float | None = Field(default=None, gt=0, description="landed cost a year")
    min_promise_share: Annotated[list[PromiseShare], _listed("share", PromiseShare)] | None = None
    min_local_gateway_share: Annotated[list[LocalShare], _listed("share", LocalShare)] | None = None
    load: Annotated[list[LoadLimit], _listed("", LoadLimit)] | None = None


class Solver(_Strict):
    """When to stop."""

    time_limit_s: float | None = Field(default=None, gt=0, le=86400)
    gap: float | None = Field(default=None, ge=0, le=1)
    seed: int | None = Field(default=None, ge=0)


ESTIMATES = "estimates"
"""First word of a key that stands for the ranges of the network's tables."""


class Dimension(_Strict):
    """A value of the file that differs between the members of a variant."""

    key: str = Field(min_length=1, max_length=200, description="place in the file: changes.0.set.factor")
    name: Id | None = Field(default=None, description="its column in a batch; left out: the end of the key")
    values: list[int | float | str | bool] | None = Field(default=None, min_length=1, max_length=10000)
    low: float | None = Field(default=None, description="with high: a range to draw from")
    high: float | None = None
    mode: float | None = Field(default=None, description="drawn most often; left out: all equally often")
    apart: bool = Field(
        default=False, description="of estimates: each cell is drawn on its own, not all of a column together"
    )

    @model_validator(mode="after")
    def _values_or_range(self) -> Dimension:
        bare = self.values is None and self.low is None and self.high is None
        of_estimates = self.key.split(".")[0] == ESTIMATES
        if self.apart and not (bare and (of_estimates or self.key.endswith(".drawn"))):
            raise ValueError("apart belongs to estimates without values and range")
        if bare and (of_estimates or self.apart):
            return self
        if (self.values is None) == (self.low is None) or (self.low is None) != (self.high is None):
            raise ValueError("either values, or low and high")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("low is at most high")
        if self.mode is not None and not (self.low or 0.0) <= self.mode <= (self.high or 0.0):
            raise ValueError("mode lies between low and high")
        return self


class Variant(_Strict):
    """A named version of the scenario: further changes on top; with `over`, a family of versions."""

    name: Names | None = None
    changes: list[Change] = Field(default_factory=list)
    objective: Objective | None = None
    years: list[int] | None = None
    over: list[Dimension] = Field(default_factory=list, max_length=50)
    draw: Literal["grid", "list", "latin_hypercube", "monte_carlo"] = Field(
        default="grid", description="all combinations; the values side by side; or samples of the ranges"
    )
    samples: int | None = Field(default=None, ge=1, le=100000, description="members that are drawn")
    seed: int = Field(default=1, ge=0)

    @model_validator(mode="after")
    def _fits_its_draw(self) -> Variant:
        drawn = self.draw in ("latin_hypercube", "monte_carlo")
        if drawn != (self.samples is not None):
            raise ValueError("samples belongs to latin_hypercube and monte_carlo")
        if not drawn and any(dimension.values is None for dimension in self.over):
            raise ValueError("grid and list take values")
        lengths = {len(dimension.values or ()) for dimension in self.over}
        if self.draw == "list" and len(lengths) > 1:
            raise ValueError("a list has as many values of each")
        return self


class ScenarioFile(_Strict):
    """One scenario file; keys that are left out come from `extends` or are the defaults."""

    schema_: int = Field(alias="schema")
    name: Names
    note: str = ""
    extends: str | None = None
    network: str | None = None
    year: int | None = Field(default=None, ge=1990, le=2100)
    years: list[Annotated[int, Field(ge=1990, le=2100)]] | None = Field(default=None, min_length=1)
    changes: list[Change] = Field(default_factory=list)
    objective: Objective | None = None
    limits: Limits | None = None
    study: dict[str, Any] | None = None
    solver: Solver | None = None
    variants: dict[Id, Variant] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_year_key(self) -> ScenarioFile:
        if self.year is not None and self.years is not None:
            raise ValueError("year or years, not both")
        if self.years is not None and len(set(self.years)) != len(self.years):
            raise ValueError("years are named once each")
        return self
