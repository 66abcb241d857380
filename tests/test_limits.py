"""Limits and hard promises from the scenario file to the results folder and its check.

What a plan comes to under limits is worked out a second time by :mod:`tests.test_limits_brute_force`, every
way in one linear program; here it is about what a planner writes, is told and can check.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from logistics.scenario.case import Case, read_case
from logistics.scenario.read import Scenario, ServeRule, SolverSettings, read_scenario
from logistics.scenario.schema import Names
from logistics.virtual_network.build import build_instance
from tests.test_command_line import command_line, tiny_project
from tests.test_limits_brute_force import YEAR, ExactPlan, Facts, Ways, truth
from tests.tiny import THREE_GATEWAYS, tiny_network

HEAD = "schema: 1\nname: {zh: 试, en: Try}\n"
PLAIN = f"{HEAD}network: three_gateways\nyears: [2021]\n"
PROVINCES = """\
changes:
  - set: {table: product_segments, column: promise_d, value: 15}
  - set: {table: sites, where: "site_id in ['AIR', 'RAIL']", column: province, value: Jiangsu}
"""
TOWARDS_GERMANY = "segment == 'b2b' and destination_site == 'MK_DE'"


@dataclass(frozen=True)
class Ran:
    """What `logistics run --json` ended with, and where its results lie."""

    code: int
    folder: Path
    scenario: Path
    out: str
    err: str

    @property
    def said(self):
        """The object on stdout."""
        return json.loads(self.out)

    @property
    def result(self):
        """``result.json``."""
        return json.loads((self.folder / "result.json").read_text(encoding="utf-8"))

    def rows(self, name):
        """Rows of a table of the folder."""
        return pq.read_table(self.folder / f"{name}.parquet").to_pylist()

    @property
    def limits(self):
        """Rows of limits.parquet by id."""
        return {row["limit_id"]: row for row in self.rows("limits")}


class Desk:
    """A project folder in which scenarios are written and run.

    Parameters
    ----------
    root
        Where the project lies.
    """

    def __init__(self, root):
        tiny_project(root)
        self.root, self._count = root, 0
        self.write("plain", PLAIN)
        self.write("provinces", f"{HEAD}extends: plain.yaml\n{PROVINCES}")

    def write(self, name, text):
        """Write a scenario file."""
        path = self.root / "scenarios" / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, text, *flags, parent="plain"):
        """Run keys on top of `parent`."""
        self._count += 1
        name = f"s{self._count}"
        path = self.write(name, f"{HEAD}extends: {parent}.yaml\n{text}\n")
        folder = self.root / "results" / name
        answer = command_line("run", path, "--out", folder, "--json", "-q", *flags)
        return Ran(answer.code, folder, path, answer.out, answer.err)

    def solved(self, text, *flags, parent="plain"):
        """Run, which must end with a verified optimum, also by the files alone."""
        ran = self.run(text, *flags, parent=parent)
        assert ran.code == 0, ran.err
        assert (ran.said["status"], ran.said["verified"]) == ("optimal", True)
        assert ran.said["bound_proof"] == "certificate"
        assert verified(ran.folder)
        return ran

    def refused(self, text, parent="plain"):
        """Run, which must end with 2 and nothing written; the problems, one a line."""
        ran = self.run(text, parent=parent)
        assert (ran.code, ran.out) == (2, ""), ran.err
        assert not ran.folder.exists()
        return ran.err.splitlines()[:-1]

    def infeasible(self, text, parent="plain"):
        """Run, which must end with 3 and a proof that holds by the files alone."""
        ran = self.run(text, parent=parent)
        assert ran.code == 3, ran.err
        assert ran.said["status"] == "infeasible"
        assert verified(ran.folder)
        return ran


def verified(folder):
    """Whether `logistics verify` finds nothing against a results folder."""
    answer = command_line("verify", folder, "--json")
    assert (answer.code == 0) == json.loads(answer.out)["verified"]
    return answer.code == 0


def case_of(network, study, limits=(), objective="generalised", gap=1e-6, **serve):
    """A case on a network that lies in no folder."""
    scenario = Scenario(
        id="made",
        name=Names(zh="试", en="made"),
        note="",
        network_folder=THREE_GATEWAYS,
        years=(YEAR,),
        objective=objective,
        serve=ServeRule(**serve),
        study=study,
        solver=SolverSettings(gap=gap, time_limit_s=60.0),
        changes=(),
        limits=tuple(limits),
    )
    return Case(scenario, {YEAR: network}, {YEAR: ()}, ())


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A project of this module."""
    return Desk(tmp_path_factory.mktemp("limits"))


@pytest.fixture(scope="module")
def free(desk):
    """The plans without limits, by parent."""
    return {parent: desk.solved("", parent=parent) for parent in ("plain", "provinces")}


def exact(scenario):
    """The program of all ways of a scenario's year, its limits' rows, and what holds of them."""
    case = read_case(scenario)
    network, s = case.networks[YEAR], case.scenario
    price = s.serve.unserved_cny_per_t
    ways = Ways.of(network, build_instance(network, YEAR, s.objective, price), s.limits)
    plan, rows = ExactPlan(ways), [ways.row(limit) for limit in s.limits]
    return plan, rows, truth(plan, rows)


# --- what is written and what comes out -----------------------------------------------------------

ONE_LIMIT = {
    "fewer days": "max_mean_customer_days: 8",
    "fewer days for some": f'max_mean_customer_days: {{days: 10, where: "{TOWARDS_GERMANY}"}}',
    "less CO2": "max_co2_t: 3710",
    "less money": "max_money_cny: 85.6e+6",
    "more in time": "min_promise_share: 0.8",
    "more of some in time": f'min_promise_share: [{{share: 0.5, where: "{TOWARDS_GERMANY}"}}]',
    "more local": "min_local_gateway_share: 0.7",
    "more value local": "min_local_gateway_share: {share: 0.7, measured: value}",
    "more declared at home": "min_local_gateway_share: {share: 0.6, reading: declared}",
    "more value declared at home": "min_local_gateway_share: {share: 0.6, "
    "reading: declared, measured: value}",
    "less on a train": "load: {service: RAIL_DE, max_t: 700}",
    "more on a ship": "load: [{service: SEA_DE, min_t: 900}]",
    "less through a site": "load: {site: SEA, max_t: 300}",
    "more through a site": "load: {site: SEA, min_t: 900}",
    "less through Suez": "load: {passage: suez, max_t: 100}",
    "more through Suez": "load: {passage: suez, min_t: 700}",
    "less by air": "load: {mode: air, max_t: 150}",
    "more by air": "load: {mode: air, min_t: 1200}",
}


def reached_by_steps(ran):
    """What a plan comes to in the terms of its only limit, from the steps in its files and the tables."""
    case = read_case(ran.scenario)
    network, (limit,) = case.networks[YEAR], case.scenario.limits
    facts, ways = Facts.of(network), Ways.of(network, build_instance(network, YEAR, "generalised"))
    known = {(ways.instance.commodities.demand_id[k], ways.steps(w)): w for w, k in enumerate(ways.commodity)}
    steps = {}
    for row in ran.rows("plan/steps"):
        steps.setdefault(row["path_id"], []).append(tuple(row.values())[3:])
    counted = whole = 0.0
    for flow in ran.rows("plan/flows"):
        name, tonnes = flow["demand_id"], flow["tonnes"]
        way = known[(name, tuple(steps[flow["path_id"]]))]
        inside = not limit.where or name in ("B1", "B2", "B3")
        if limit.kind == "mean_customer_days":
            counted += inside * tonnes * ways.customer_h[way] / 24
            whole += inside * tonnes
        elif limit.kind == "promise_share":
            counted += inside * tonnes * (ways.customer_h[way] <= facts.promise_h[name] + 1e-6)
            whole += inside * tonnes
        elif limit.kind == "local_gateway_share":
            weight = tonnes * (facts.fob[name] if limit.measured == "value" else 1.0)
            gateway = facts.gateway(ways.steps(way), facts.direction[name], limit.reading)
            counted += weight * (gateway in facts.local)
            whole += weight
        elif limit.kind == "load":
            times = sum(facts.uses(step, limit) for step in ways.steps(way))
            counted += tonnes * (min(times, 1) if limit.least or limit.thing == "mode" else times)
        else:
            counted += tonnes * (ways.money[way] if limit.kind == "money" else ways.co2_kg[way] / 1000)
    return counted / whole if whole else counted


LATER = set(ONE_LIMIT) - {
    "fewer days",
    "less CO2",
    "more in time",
    "more value local",
    "less on a train",
    "more by air",
}


def some(names, later):
    """Parameters, some of them slow."""
    return [pytest.param(name, marks=pytest.mark.slow) if name in later else name for name in names]


@pytest.mark.parametrize("name", some(ONE_LIMIT, LATER))
def test_each_limit_is_kept_at_the_least_cost(desk, free, name):
    """From YAML to the files: the optimum of the program of all ways, kept, reported, and more than free."""
    ran = desk.solved(f"limits: {{{ONE_LIMIT[name]}}}", parent="provinces")
    assert ran.said["objective"] == pytest.approx(exact(ran.scenario)[2].value, rel=2e-6)
    assert ran.said["objective"] > free["provinces"].said["objective"] * (1 + 1e-6)
    (row,) = ran.rows("limits")
    assert row["reached"] == pytest.approx(reached_by_steps(ran), rel=1e-9)
    # All of them bind.
    assert row["reached"] == pytest.approx(row["stated"], rel=1e-6)
    assert row["price_up_to"] > 0
    assert (row["in_conflict"], row["relaxation"], row["relaxed_to"]) == (False, None, None)
    assert re.fullmatch(r"s\d+\.yaml:4:\d+", row["place"])


def test_totals_say_the_same_as_limits(desk):
    """Where all is served, each total of the result is what its limit reports, in the readings of totals."""
    limits = "max_mean_customer_days: 300, max_co2_t: 1e+9, max_money_cny: 1e+12, min_promise_share: 0"
    ran = desk.solved(f"limits: {{{limits}, min_local_gateway_share: 0}}", parent="provinces")
    reached = {name: row["reached"] for name, row in ran.limits.items()}
    totals = ran.said["totals"]
    assert reached["max_mean_customer_days"] == pytest.approx(totals["customer_hours_mean"] / 24, rel=1e-12)
    assert reached["max_co2_t"] == pytest.approx(totals["co2_t"], rel=1e-12)
    assert reached["max_money_cny"] == pytest.approx(totals["money_cny"], rel=1e-12)
    assert reached["min_promise_share"] == pytest.approx(totals["promise_share"], rel=1e-12)
    assert reached["min_local_gateway_share"] == pytest.approx(totals["local_gateway_share"], rel=1e-12)


def test_all_kinds_together(desk):
    """Limits that fit together hold together; each is kept, at least three of them cost something."""
    limits = """\
limits:
  max_mean_customer_days: 11.5
  max_co2_t: 9000
  max_money_cny: 9.0e+7
  min_promise_share: 0.45
  min_local_gateway_share: {share: 0.5, measured: value}
  load:
    - {site: SEA, max_t: 600}
    - {mode: air, max_t: 700}
    - {service: SEA_US, min_t: 100}
    - {passage: suez, max_t: 2000}
"""
    ran = desk.solved(limits, parent="provinces")
    assert ran.said["objective"] == pytest.approx(exact(ran.scenario)[2].value, rel=2e-6)
    assert len(ran.limits) == 9
    for row in ran.limits.values():
        sign = 1 if row["least"] else -1
        assert sign * (row["reached"] - row["stated"]) >= -1e-6 * max(1, row["stated"]), row
    assert sum(row["price_up_to"] > 0 for row in ran.limits.values()) >= 3


def test_limits_that_do_not_bind_change_nothing(desk, free):
    """Neither value nor plan; their price is 0 and there is nothing to check."""
    limits = """\
limits:
  max_mean_customer_days: 300
  max_co2_t: 1e+9
  max_money_cny: 1e+12
  min_local_gateway_share: 0.01
  load:
    - {service: RAIL_DE, max_t: 5000}
    - {passage: suez, min_t: 1}
    - {mode: air, max_t: 9000}
    - {site: SEA, min_t: 0}
"""
    ran, without = desk.solved(limits), free["plain"]
    assert ran.said["objective"] == pytest.approx(without.said["objective"], rel=1e-9)
    assert {row["price_up_to"] for row in ran.limits.values()} == {0.0}
    assert {row["more_checked"] for row in ran.limits.values()} == {None}
    loads = [{r["service_id"]: r["tonnes"] for r in each.rows("services")} for each in (ran, without)]
    assert loads[0] == pytest.approx(loads[1], rel=1e-6)


def test_limits_hold_in_each_year_alone(desk):
    """A cap on a service is per year, and so is what the table says."""
    ran = desk.solved("years: [2021, 2022]\nlimits: {load: {service: RAIL_DE, max_t: 600}}")
    assert [(row["year"], row["stated"]) for row in ran.rows("limits")] == [(2021, 600), (2022, 600)]
    assert all(row["reached"] <= 600 * (1 + 1e-6) for row in ran.rows("limits"))
    assert ran.rows("limits")[0]["reached"] == pytest.approx(600)


# --- how limits are written -----------------------------------------------------------------------


def stated(scenario):
    """(id, value) of a scenario's limits in order."""
    return [(limit.id, limit.value) for limit in read_scenario(scenario).limits]


def test_a_number_a_group_and_a_list_say_the_same(desk):
    """Short forms are the long ones; only the place differs."""
    forms = ("11", "{days: 11}", "[{days: 11}]", "[{days: 11.0, where: null}]")
    found = []
    for form in forms:
        path = desk.write("form", f"{HEAD}extends: plain.yaml\nlimits: {{max_mean_customer_days: {form}}}\n")
        found.append(stated(path))
    assert found == [[("max_mean_customer_days", 11.0)]] * len(forms)


def test_several_limits_are_numbered_in_order(desk):
    """They keep the order of the file, whatever the order of keys in the documents."""
    text = """\
limits:
  load:
    - {site: SEA, max_t: 5}
    - {mode: air, min_t: 6}
  max_co2_t: 7
  min_promise_share: [{share: 0.1}, {share: 0.2, where: "segment == 'b2b'"}]
  max_mean_customer_days: 8
"""
    path = desk.write("order", f"{HEAD}extends: plain.yaml\n{text}")
    expected = [("load.1", 5), ("load.2", 6), ("max_co2_t", 7)]
    expected += [("min_promise_share.1", 0.1), ("min_promise_share.2", 0.2), ("max_mean_customer_days", 8)]
    assert stated(path) == expected
    lines = [limit.place.split(":")[1] for limit in read_scenario(path).limits]
    assert lines == ["6", "7", "8", "9", "9", "10"]


def test_extends_overrides_key_by_key(desk):
    """A key of the child takes the place of all limits of that key; the others stay, with their places."""
    desk.write(
        "grandparent",
        f"{HEAD}extends: plain.yaml\nlimits:\n  max_co2_t: 5000\n  allow_unserved: false\n"
        "  load: [{service: RAIL_DE, max_t: 900}, {site: SEA, max_t: 800}]\n",
    )
    parent = desk.write(
        "parent",
        f"{HEAD}extends: grandparent.yaml\nlimits:\n  max_mean_customer_days: 15\n  max_co2_t: 6000\n",
    )
    child = desk.write("child", f"{HEAD}extends: parent.yaml\nlimits: {{load: {{mode: air, max_t: 700}}}}\n")
    assert set(stated(parent)) == {
        ("load.1", 900), ("load.2", 800), ("max_co2_t", 6000), ("max_mean_customer_days", 15)
    }  # fmt: skip
    found = read_scenario(child)
    assert {limit.id: limit.value for limit in found.limits} == {
        "max_mean_customer_days": 15, "max_co2_t": 6000, "load.1": 700
    }  # fmt: skip
    assert found.serve.allow_unserved is False
    files = {limit.id: limit.place.rsplit(":", 2)[0] for limit in found.limits}
    assert files["load.1"] == "child.yaml"
    assert files["max_co2_t"].endswith("parent.yaml")


REFUSED = {
    "unknown service": (
        "load: {service: RAIL_DX, max_t: 1}",
        "the table services has no row 'RAIL_DX' - did you mean 'RAIL_DE'?",
    ),
    "unknown site": (
        "load: [{site: SEAA, max_t: 1}]",
        "the table sites has no row 'SEAA' - did you mean 'SEA'?",
    ),
    "unknown passage": (
        "load: {passage: suex, min_t: 1}",
        "the table passages has no row 'suex' - did you mean 'suez'?",
    ),
    "unknown mode": ("load: {mode: rial, max_t: 1}", "'rial' is not one of .* did you mean 'rail'"),
    "two things": (
        "load: {mode: rail, site: SEA, max_t: 1}",
        "exactly one of service, site, passage, mode must be given",
    ),
    "no thing": ("load: {max_t: 1}", "exactly one of service, site, passage, mode must be given"),
    "cap and floor in one": (
        "load: {mode: rail, max_t: 1, min_t: 1}",
        "exactly one of max_t, min_t must be given",
    ),
    "neither": ("load: {mode: rail}", "exactly one of max_t, min_t must be given"),
    "below nothing": ("load: {mode: rail, max_t: -1}", "'-1' is out of range"),
    "share above 1": ("min_promise_share: 1.01", "'1.01' is out of range"),
    "share below 0": ("min_local_gateway_share: -0.1", "'-0.1' is out of range"),
    "no days": ("max_mean_customer_days: 0", "'0' is out of range"),
    "days without end": ("max_mean_customer_days: 1e999", "a finite number"),
    "no CO2": ("max_co2_t: 0", "'0' is out of range"),
    "no money": ("max_money_cny: 0", "'0' is out of range"),
    "text": ("max_co2_t: 5 kt", "'5 kt' is not a number"),
    "unknown key": ("max_co2: 5", "unknown key 'max_co2' - did you mean 'max_co2_t'?"),
    "unknown column": (
        'max_mean_customer_days: {days: 9, where: "segmnt == 1"}',
        "there is no column 'segmnt'.* did you mean 'segment'?",
    ),
    "no such rows": ("min_promise_share: {share: 1, where: \"segment == 'b2c'\"}", "no row of demand meets"),
    "unreadable": ('min_promise_share: {share: 1, where: "segment =="}', "cannot be read"),
    "unknown reading": ("min_local_gateway_share: {share: 1, reading: declred}", "did you mean 'declared'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_limits_are_refused_with_their_place(desk, name):
    """Exit code 2, line and column, what is wrong, and the closest right word."""
    text, message = REFUSED[name]
    problems = desk.refused(f"limits: {{{text}}}")
    assert len(problems) == 1, problems
    assert re.match(r"s\d+\.yaml:4:\d+: ", problems[0]), problems
    assert re.search(message, problems[0]), problems


def test_limits_that_count_a_tonne_once_are_six_at_most(desk):
    """Each may double the graph; the seventh is named."""
    floors = ", ".join("{service: RAIL_DE, min_t: 1}" for _ in range(7))
    (problem,) = desk.refused(f"limits: {{load: [{floors}]}}")
    assert "7 limits count a tonne once" in problem
    assert "at most 6" in problem


# --- values of limits -----------------------------------------------------------------------------

LOOSER = {
    "fewer days": ("max_mean_customer_days: 8", "max_mean_customer_days: 8.08"),
    "less CO2": ("max_co2_t: 3710", "max_co2_t: 3747.1"),
    "less money": ("max_money_cny: 85.6e+6", "max_money_cny: 86.456e+6"),
    "more in time": ("min_promise_share: 0.8", "min_promise_share: 0.792"),
    "more value local": (
        "min_local_gateway_share: {share: 0.7, measured: value}",
        "min_local_gateway_share: {share: 0.693, measured: value}",
    ),
    "less on a train": ("load: {service: RAIL_DE, max_t: 700}", "load: {service: RAIL_DE, max_t: 707}"),
    "more by air": ("load: {mode: air, min_t: 1200}", "load: {mode: air, min_t: 1188}"),
}


@pytest.mark.parametrize(
    "name", some(LOOSER, {"less CO2", "less money", "more value local", "less on a train", "more by air"})
)
def test_one_per_cent_looser_saves_what_was_checked_and_no_more_than_the_price_says(desk, name):
    """The saving shown is that of a run with the looser limit; the price is an upper estimate of it."""
    tight, loose = (desk.solved(f"limits: {{{text}}}", parent="provinces") for text in LOOSER[name])
    (row,) = tight.rows("limits")
    saved = tight.said["objective"] - loose.said["objective"]
    # Two solves may each be off by their gap.
    gaps = 2e-6 * tight.said["objective"] * 0.2
    assert row["more_checked"] == pytest.approx(saved, rel=0.02, abs=gaps)
    assert row["more_up_to"] >= row["more_checked"] * (1 - 1e-6) - gaps
    assert row["more_checked"] > 0


def test_one_per_cent_more_of_a_bottleneck_saves_what_was_checked(desk, free):
    """RAIL_DE leaves 1,000 t; 10 t more, with room in cubic metres as it was, save 276 CNY each."""
    (row,) = free["plain"].rows("bottlenecks")
    assert (row["kind"], row["id"], row["unit"]) == ("service", "RAIL_DE#2", "t")
    wider = (
        'changes: [{set: {table: services, where: "service_id == '
        "'RAIL_DE'\", column: background_t_per_year, value: 13590}}]"
    )
    saved = free["plain"].said["objective"] - desk.solved(wider).said["objective"]
    assert saved == pytest.approx(10 * 276, abs=1)
    assert row["more_checked"] == pytest.approx(2760, abs=1)
    assert row["more"] == pytest.approx(10)
    assert row["more_up_to"] == pytest.approx(2760, abs=1)


# --- limits that cannot hold together -------------------------------------------------------------

CONFLICTS = {
    "a floor above a cap": "load: [{service: RAIL_DE, min_t: 900}, "
    "{service: RAIL_DE, max_t: 500}], max_co2_t: 50000",
    "too fast": "max_mean_customer_days: 2",
    "too fast for some": f'max_mean_customer_days: {{days: 2, where: "{TOWARDS_GERMANY}"}}',
    "too clean": "max_co2_t: 1000",
    "too cheap": "max_money_cny: 80e+6",
    "too much in time": "min_promise_share: 1, load: {mode: air, max_t: 500}",
    "too local": "min_local_gateway_share: {share: 0.99, measured: value}",
    "too local as declared": "min_local_gateway_share: {share: 0.99, "
    "reading: declared}, max_money_cny: 85e+6",
    "fast and cheap": "max_mean_customer_days: 8, max_money_cny: 86e+6",
    "fast and clean and cheap": "max_mean_customer_days: 8, max_co2_t: 4000, max_money_cny: 86e+6",
    "little by sea or rail or air": "load: [{mode: sea, max_t: 100}, {mode: "
    "rail, max_t: 100}, {mode: air, max_t: 200}]",
    "more than there is": "load: {service: SEA_US, min_t: 900}",
}


def relaxed(text, rows, part=1.0, slack=0.0):
    """The scenario's limits with each value moved by `part` of its relaxation, and a little further.

    Parameters
    ----------
    slack
        Of a value of the size of the limit.
    """
    values = []
    for row in rows:
        way = row["relaxed_to"] - row["stated"]
        further = slack * (-1 if row["least"] else 1) * max(row["stated"], row["relaxed_to"], 1e-3)
        value = row["stated"] + part * way + (further if row["relaxation"] > 0 else 0.0)
        values.append(max(0.0, value) if row["kind"] == "load" or row["least"] else value)
    left = iter(values)
    number = re.compile(r"(?<=days: )[\d.e+]+|(?<=_t: )[\d.e+]+|(?<=cny: )[\d.e+]+|(?<=share: )[\d.e+]+")
    changed = number.sub(lambda _: f"{next(left):.15g}", text)
    assert next(left, None) is None, (text, changed)
    return changed


@pytest.mark.parametrize(
    "name",
    some(
        CONFLICTS,
        {
            "too fast",
            "too fast for some",
            "too clean",
            "too cheap",
            "too local",
            "too local as declared",
            "fast and cheap",
        }
        | {"more than there is"},
    ),
)
def test_the_cheapest_relaxation_suffices_and_less_does_not(desk, name):
    """With what was said to have to give, a plan exists; with 0.1 % less of it, none does."""
    text = CONFLICTS[name]
    ran = desk.infeasible(f"limits: {{{text}}}", parent="provinces")
    rows = ran.rows("limits")
    assert any(row["relaxation"] > 1e-6 for row in rows)
    total = sum(row["relaxation"] for row in rows)
    found = exact(ran.scenario)[2]
    assert total == pytest.approx(found.broken, rel=1e-6)
    desk.solved(f"limits: {{{relaxed(text, rows, slack=1e-7)}}}", parent="provinces")
    desk.infeasible(f"limits: {{{relaxed(text, rows, part=0.999)}}}", parent="provinces")


def test_a_conflict_names_its_members_and_no_others(desk):
    """The floor and the cap, with their places; the CO2 cap could be kept."""
    ran = desk.infeasible(f"limits: {{{CONFLICTS['a floor above a cap']}}}")
    rows = ran.limits
    assert {name: row["in_conflict"] for name, row in rows.items()} == {
        "load.1": True, "load.2": True, "max_co2_t": False
    }  # fmt: skip
    # 400 t of 900 or of 500: the floor gives way by less of itself.
    assert rows["load.1"]["relaxation"] == pytest.approx(4 / 9)
    assert rows["load.1"]["relaxed_to"] == pytest.approx(500)
    assert rows["load.2"]["relaxation"] == pytest.approx(0, abs=1e-9)
    assert [row["reached"] for row in rows.values()] == [None] * 3
    assert (ran.said["objective"], ran.said["bound"], ran.said["gap"]) == (None, None, None)
    assert ran.result["by_year"]["2021"]["least_relaxation"] == pytest.approx(4 / 9, rel=1e-6)


@pytest.mark.parametrize("name", ["fast and clean and cheap", "little by sea or rail or air"])
def test_members_of_a_conflict_are_a_smallest_set(desk, name):
    """Together they cannot hold, and without any one of them the others can."""
    ran = desk.infeasible(f"limits: {{{CONFLICTS[name]}}}", parent="provinces")
    plan, rows, _ = exact(ran.scenario)
    members = [i for i, row in enumerate(ran.rows("limits")) if row["in_conflict"]]
    assert len(members) >= 2
    assert plan.least_broken([rows[i] for i in members]).value > 1e-7
    for out in members:
        others = [rows[i] for i in members if i != out]
        assert plan.least_broken(others).value <= 1e-9


def printed(desk, text, lang, parent="plain"):
    """What people see on the terminal, without line breaks, and the exit code."""
    path = desk.write("printed", f"{HEAD}extends: {parent}.yaml\n{text}\n")
    answer = command_line(
        "run", path, "--out", desk.root / "results" / "printed", "--force", "-q", "--lang", lang
    )
    return answer.code, re.sub(r"\s+", " ", answer.out)


CLASH = {
    "en": (
        "These limits cannot hold together (proven): printed.yaml:4:17 at least 900 t on service RAIL_DE;",
        "; printed.yaml:4:49 at most 500 t on service RAIL_DE.",
        "The least that has to give: at least 900 t on service RAIL_DE by 44.4 %, from 900",
    ),
    "zh": (
        "以下限制不能同时满足（已证明）：printed.yaml:4:17 线路 RAIL_DE 不少于 900 吨",
        "printed.yaml:4:49 线路 RAIL_DE 不超过 500 吨。",
        "最少需要让步：线路 RAIL_DE 不少于 900 吨放宽 44.4 %，由 900",
    ),
}


@pytest.mark.parametrize("lang", CLASH)
def test_a_conflict_in_planners_words(desk, lang):
    """The members with their places, and what has to give."""
    code, shown = printed(desk, f"limits: {{{CONFLICTS['a floor above a cap']}}}", lang)
    assert code == 3
    # Chinese text breaks between any two characters.
    bare = shown.replace(" ", "")
    for sentence in CLASH[lang]:
        assert sentence.replace(" ", "") in bare


SENTENCES = {
    f'max_mean_customer_days: [{{days: 12.5}}, {{days: 20, where: "{TOWARDS_GERMANY}"}}]': (
        (r"mean customer time at most 12\.50? days", r"客户平均时效不超过 12\.50? 天"),
        (
            rf"mean customer time at most 20(\.00)? days where {TOWARDS_GERMANY}",
            rf"客户平均时效不超过 20(\.00)? 天（{TOWARDS_GERMANY}）",
        ),
    ),
    "max_co2_t: 13000": (("CO2 at most 13,000 t", "CO2 排放不超过 13,000 吨"),),
    "max_money_cny: 100.6e+6": (("landed cost at most 100,600,000 CNY", "落地成本不超过 100,600,000 元"),),
    "min_promise_share: 0.4": (("at least 40.0 % within the promise", "至少 40.0 % 的货物在承诺时效内"),),
    "min_local_gateway_share: 0.3": (("at least 30.0 % through local gateways", "至少 30.0 % 经本省口岸"),),
    "load: [{site: SEA, max_t: 3000}, {passage: suez, max_t: "
    "1000}, {mode: air, min_t: 100}, {service: SEA_US, min_t: 1}]": (
        ("at most 3,000 t on site SEA", "SEA 不超过 3,000 吨"),
        ("at most 1,000 t on passage suez", "suez 不超过 1,000 吨"),
        ("at least 100 t on mode air", "不少于 100 吨"),
        ("at least 1 t on service SEA_US", "线路 SEA_US 不少于 1 吨"),
    ),
}
HEADS = {
    "en": ("Limits", "reached", "1 % more, up to", "solved again"),
    "zh": ("限制", "达到值", "最多值", "重新求解"),
}


@pytest.mark.parametrize("lang", HEADS)
def test_limits_in_planners_words(desk, lang):
    """Each kind as a sentence, with what the plan comes to and what 1 % is worth, in both languages."""
    code, shown = printed(desk, f"limits: {{{', '.join(SENTENCES)}}}", lang, parent="provinces")
    assert code == 0
    bare = shown.replace(" ", "")
    for sentences in SENTENCES.values():
        for said in sentences:
            assert re.search(said[list(HEADS).index(lang)].replace(" ", ""), bare), said
    for head in HEADS[lang]:
        assert head.replace(" ", "") in bare


# --- promises -------------------------------------------------------------------------------------


def promising(days, hard):
    """Changes that promise every customer so many days."""
    return (
        f"changes: [{{set: {{table: product_segments, column: promise_d, value: {days}}}}}, "
        f"{{set: {{table: product_segments, column: promise_is_hard, value: {str(hard).lower()}}}}}]"
    )


@pytest.mark.parametrize("days", [12.0, 17.0, 25.0])
def test_a_hard_promise_holds_on_every_path(desk, free, days):
    """The optimum without later ways, and no path of the files takes longer."""
    ran = desk.solved(promising(days, hard=True))
    plan, _, found = exact(ran.scenario)
    assert not plan.ways.allowed.all()
    assert ran.said["objective"] == pytest.approx(found.value, rel=2e-6)
    assert ran.said["unserved_t"] == pytest.approx(plan.least_left, abs=1e-6)
    assert ran.said["objective"] > free["plain"].said["objective"] * (1 + 1e-6) or plan.least_left > 1
    assert ran.said["totals"]["promise_share"] == pytest.approx(1 - plan.least_left / 2350)
    hours = path_hours(ran)
    assert max(hours.values()) <= 24 * days + 1e-6


def path_hours(ran):
    """Customer hours of each path of a plan's files."""
    network = read_case(ran.scenario).networks[YEAR]
    ways = Ways.of(network, build_instance(network, YEAR, "generalised"))
    known = {(ways.instance.commodities.demand_id[k], ways.steps(w)): w for w, k in enumerate(ways.commodity)}
    steps = {}
    for row in ran.rows("plan/steps"):
        steps.setdefault(row["path_id"], []).append(tuple(row.values())[3:])
    return {
        f["path_id"]: ways.customer_h[known[(f["demand_id"], tuple(steps[f["path_id"]]))]]
        for f in ran.rows("plan/flows")
        if f["tonnes"] > 1e-6
    }


def test_a_hard_promise_shorter_than_any_path_leaves_all_and_says_so(desk):
    """Nothing is served; each row is named with its fastest way, before the solver starts."""
    ran = desk.solved(promising(0.1, hard=True))
    assert ran.said["unserved_t"] == pytest.approx(2350)
    lines = [line for line in ran.err.splitlines() if "the hard promise is 0.1" in line]
    assert [re.search(r": (\w+): the fastest path takes", line).group(1) for line in lines] == [
        "B1", "B2", "B3", "B4", "S1", "D1", "D2", "D3", "D4", "I1"
    ]  # fmt: skip
    # The README's fastest way of B1 is the airport by the consolidation site: 63 h, directly 62 h.
    assert "B1: the fastest path takes 2.58 days" in lines[0]
    # The customer's clock of stocked cargo starts in the warehouse: 33 h.
    assert re.search(r"S1: the fastest path takes 1\.3[78] days", lines[4])
    assert all(re.match(r"three_gateways/demand\.csv:\d+:", line) for line in lines)


def test_only_what_is_left_is_named(desk):
    """The files list no row as unserved that goes to the last gram."""
    ran = desk.solved(NO_WAY_HOME)
    assert {row["demand_id"] for row in ran.rows("plan/unserved")} == {"I1"}


def test_a_hard_promise_of_some_leaves_only_those(desk):
    """What can go in time goes; only the row without a way in time is left, and named."""
    hard = (
        'changes: [{set: {table: product_segments, where: "product_id == '
        "'light' and segment == 'b2b'\", column: promise_d, value: 2}}, "
        "{set: {table: product_segments, where: \"product_id == 'light' "
        "and segment == 'b2b'\", column: promise_is_hard, value: true}}]"
    )
    ran = desk.solved(hard)
    assert ran.said["unserved_t"] == pytest.approx(100)
    assert left_behind(ran) == {"B3": pytest.approx(100)}
    assert "B3: the fastest path takes" in ran.err
    assert "B1:" not in ran.err
    refused = desk.infeasible(f"{hard}\nlimits: {{allow_unserved: false}}")
    assert refused.said["unserved_t"] == pytest.approx(100)


def test_a_soft_promise_shorter_than_any_path_cannot_be_kept(desk):
    """A share of it is infeasible, and only a share of 0 would do."""
    ran = desk.infeasible(f"{promising(0.1, hard=False)}\nlimits: {{min_promise_share: 0.1}}")
    (row,) = ran.rows("limits")
    assert (row["in_conflict"], row["relaxation"], row["relaxed_to"]) == (
        True, pytest.approx(1), pytest.approx(0, abs=1e-9)
    )  # fmt: skip
    desk.solved(f"{promising(0.1, hard=False)}\nlimits: {{min_promise_share: 0}}")


def test_a_share_of_a_promise_that_nobody_made_is_said(desk):
    """Where no row has a promise, a share of 90 % says nothing: that is told, not reported as 100 %."""
    ran = desk.run("limits: {min_promise_share: 0.9}")
    assert ran.code == 2 or "min_promise_share" in ran.err


# --- unserved first -------------------------------------------------------------------------------


def left_behind(ran):
    """Tonnes of each demand row that a plan leaves, traces left out."""
    rows = [row for row in ran.rows("plan/unserved") if row["tonnes"] > 1e-6]
    return {row["demand_id"]: row["tonnes"] for row in rows}


NO_WAY_HOME = "changes: [{close: {service: AIR_CN}}]"
"""I1, 50 of 2,350 t, has no other way."""


@pytest.mark.parametrize(
    "limit", ["max_co2_t: 100", "max_money_cny: 1e+6", "load: {site: SEA, max_t: 0}, max_co2_t: 3800"]
)
def test_a_cap_is_never_met_by_leaving_cargo_behind(desk, limit):
    """What cannot be kept with everything served is a conflict, not a smaller plan."""
    ran = desk.infeasible(f"limits: {{{limit}}}")
    assert ran.said["unserved_t"] == pytest.approx(0, abs=1e-6)
    assert exact(ran.scenario)[2].broken > 1e-6


@pytest.mark.parametrize("name", ["fewer days", "less CO2", "less by air", "more in time", "more local"])
def test_limits_leave_no_more_than_must_be_left(desk, name):
    """Where 50 t cannot go, exactly these stay behind under a limit too, and the value is the exact one."""
    tighter = {"less by air": "load: {mode: air, max_t: 120}", "less CO2": "max_co2_t: 3440"}
    text = tighter.get(name, ONE_LIMIT[name])
    parent = "away"
    desk.write(parent, f"{HEAD}extends: provinces.yaml\n{NO_WAY_HOME}\n")
    ran = desk.solved(f"limits: {{{text}}}", parent=parent)
    assert ran.said["unserved_t"] == pytest.approx(50, abs=1e-6)
    assert left_behind(ran) == {"I1": pytest.approx(50)}
    assert ran.said["objective"] == pytest.approx(exact(ran.scenario)[2].value, rel=2e-6)
    (row,) = ran.rows("limits")
    assert row["reached"] == pytest.approx(row["stated"], rel=1e-6)


def test_shares_are_judged_on_total_demand(desk):
    """What is left is late and not local: no plan without I1 has all in time or all through home gateways."""
    limits = "min_promise_share: 0, min_local_gateway_share: 0"
    ran = desk.solved(f"{NO_WAY_HOME}\nlimits: {{{limits}}}")
    assert ran.limits["min_local_gateway_share"]["reached"] == pytest.approx(2300 / 2350)
    clash = desk.infeasible(f"{NO_WAY_HOME}\nlimits: {{min_local_gateway_share: 0.99}}")
    (row,) = clash.rows("limits")
    assert row["relaxed_to"] == pytest.approx(2300 / 2350)


def test_the_local_share_of_the_totals_is_that_of_the_limit(desk):
    """Also where cargo is left: a planner who reads 100 % in the totals is not told less by the limit."""
    ran = desk.solved(f"{NO_WAY_HOME}\nlimits: {{min_local_gateway_share: 0}}")
    assert ran.said["totals"]["local_gateway_share"] == pytest.approx(
        ran.limits["min_local_gateway_share"]["reached"]
    )


def test_a_price_lets_cargo_stay_to_keep_a_limit(desk):
    """With a price of what is left, a cap that all cargo together breaks is kept by leaving some."""
    text = "limits: {unserved_cny_per_t: 30000, max_co2_t: 1000}"
    ran = desk.solved(text)
    assert ran.said["unserved_t"] > 100
    assert ran.said["objective"] == pytest.approx(exact(ran.scenario)[2].value, rel=2e-6)


@pytest.mark.parametrize("days", [2.0, 2.4])
def test_what_days_are_relaxed_to_suffices_where_cargo_is_left(desk, days):
    """The mean is over tonnes served, so what is left may not make the relaxation smaller than is needed."""
    text = f"{NO_WAY_HOME}\nlimits: {{max_mean_customer_days: %s}}"
    ran = desk.infeasible(text % days)
    (row,) = ran.rows("limits")
    desk.solved(text % f"{row['relaxed_to'] * (1 + 1e-7):.15g}")


def test_what_a_limit_on_little_cargo_is_relaxed_to_suffices(desk):
    """A share of one tonne of 2,301 is relaxed as far as it must be."""
    text = (
        "changes: [{scale_demand: {factor: 0.02, where: \"demand_id == 'I1'\"}}, "
        "{set: {table: product_segments, column: promise_d, value: 2}}]\n"
        "limits: {min_promise_share: {share: %s, where: \"demand_id == 'I1'\"}}"
    )
    ran = desk.infeasible(text % 1)
    (row,) = ran.rows("limits")
    desk.solved(text % f"{max(0.0, row['relaxed_to'] - 1e-7):.15g}")


# --- nothing, and next to nothing -----------------------------------------------------------------

FULL_TRAIN = (
    "changes: [{set: {table: services, where: \"service_id == 'RAIL_DE'\", "
    "column: background_t_per_year, value: 1e+6}}]"
)


@pytest.mark.parametrize(
    ("text", "thing"),
    [
        ("limits: {load: {service: RAIL_DE, max_t: 0}}", "RAIL_DE"),
        (FULL_TRAIN, "RAIL_DE"),
        ("changes: [{close: {service: RAIL_DE}}]", "RAIL_DE"),
    ],
)
def test_no_room_no_cargo(desk, text, thing):
    """A cap of 0, a capacity of 0 and a closed service come to the same plan: nothing on it, all served."""
    ran = desk.solved(text)
    assert ran.said["objective"] == pytest.approx(exact(ran.scenario)[2].value, rel=2e-6)
    assert ran.said["unserved_t"] == pytest.approx(0, abs=1e-6)
    used = {step["service_id"] for step in ran.rows("plan/steps")}
    assert thing not in used
    # 600 t of B1 at 381 more, 400 t of B2 at 276 more than by rail: README of the network.
    assert ran.said["objective"] == pytest.approx(88_504_340 + 600 * 381 + 400 * 276, rel=2e-6)


def test_no_room_at_all_serves_nothing(desk):
    """Every service full of other cargo: all is left, and that is proven, not infeasible."""
    full = "changes: [{set: {table: services, column: background_t_per_year, value: 1e+7}}]"
    ran = desk.solved(full)
    assert ran.said["unserved_t"] == pytest.approx(2350)
    assert ran.said["objective"] == pytest.approx(0, abs=1e-6)
    refused = desk.infeasible(f"{full}\nlimits: {{allow_unserved: false}}")
    assert refused.said["unserved_t"] == pytest.approx(2350)


@pytest.mark.parametrize(
    "limit", ["max_co2_t: 1e-9", "max_money_cny: 1e-9", "load: {mode: air, max_t: 1e-9}"]
)
def test_next_to_nothing_beside_much(desk, limit):
    """A limit of 1e-9 that cannot be kept is named alone, beside one of 1e12 that can. I1 only flies."""
    ran = desk.infeasible(
        f"limits: {{{limit}, max_mean_customer_days: 365, load: {{site: SEA, max_t: 1e+12}}}}"
        if "load" not in limit
        else f"limits: {{{limit}, max_mean_customer_days: 365}}"
    )
    members = {name for name, row in ran.limits.items() if row["in_conflict"]}
    assert members == {limit.split(":")[0].replace("load", "load.1")}


def test_an_objective_that_is_always_0_needs_no_time(desk):
    """No CO2 anywhere: every plan that serves all is best, which takes a handful of rounds."""
    text = "changes: [{set: {table: modes, column: co2_g_per_tkm, value: 0}}]\nobjective: co2"
    ran = desk.solved(f"{text}\nsolver: {{time_limit_s: 1}}")
    assert ran.said["objective"] == 0
    assert ran.result["by_year"]["2021"]["rounds"] < 100


def test_much_more_than_there_is(desk, free):
    """Caps of 1e12 beside a small one change nothing but by the small one."""
    wide = (
        "max_co2_t: 1e+12, max_money_cny: 1e+15, load: [{service: "
        "RAIL_DE, max_t: 700}, {site: SEA, max_t: 1e+12}]"
    )
    ran = desk.solved(f"limits: {{{wide}}}")
    alone = desk.solved("limits: {load: {service: RAIL_DE, max_t: 700}}")
    assert ran.said["objective"] == pytest.approx(alone.said["objective"], rel=1e-9)
    assert ran.said["objective"] == pytest.approx(free["plain"].said["objective"] + 300 * 276, rel=2e-6)


# --- the graph that floors and modes need ---------------------------------------------------------


def test_a_floor_counts_a_tonne_once(desk):
    """2,350 t of demand cannot be 2,351 t on a thing, however often a path uses it."""
    assert desk.run("limits: {load: {mode: air, min_t: 2351}}").code == 3
    network = tiny_network()
    assert np.isclose(sum(network.numbers("demand", "tonnes_per_year")), 2350)
