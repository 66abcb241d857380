"""What a planner is told when the settings of a siting study cannot be kept, or say nothing.

On copies of the project of :mod:`tests.test_siting_study`. Each kind of finding is told once by a process of
its own as well.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import logistics
from tests.test_command_line import command_line
from tests.test_limits import HEAD, Ran
from tests.test_siting_study import Project

PACKAGE = Path(logistics.__file__).parent.parent
NONE_STAYS = "limits: {allow_unserved: false}\n"
SETTINGS = """\
study:
  kind: siting
  baselines: false
"""
"""Lines 4 to 6 of a scenario; what is asked beside stands from line 7 on."""
BUILD_OR_BUY = "\"ownership in ['build', 'acquire']\""
"""A_BUILD at 300,000 CNY and B_ACQUIRE at 500,000 CNY."""


def process(*arguments):
    """Call ``logistics`` as a process of its own: exit code, stdout and stderr."""
    environment = {**os.environ, "LC_ALL": "en_US.UTF-8", "NO_COLOR": "1", "COLUMNS": "200"}
    environment |= {"LOGISTICS_REPORT": "none", "PYTHONPATH": str(PACKAGE)}
    command = [sys.executable, "-m", "logistics", *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, done.stdout, done.stderr


def within(*arguments):
    """Call ``logistics`` in this process, which is many times faster."""
    answer = command_line(*arguments)
    return answer.code, answer.out, answer.err


class Counter(Project):
    """The project, at whose scenarios the command line looks."""

    def scenario(self, text, options=None, parent="plain"):
        """A scenario with further keys, on changed options if asked; the keys begin in line 4."""
        self._count += 1
        parent = parent if options is None else self.with_options(options)
        return self.write(f"t{self._count}", f"{HEAD}extends: {parent}.yaml\n{text}\n")

    def stopped(self, text, options=None, parent="plain", flags=(), call=within):
        """What ``check`` says of a scenario that it must not let pass, a problem a line."""
        path = self.scenario(text, options, parent)
        code, out, err = call("check", path, *flags)
        assert (code, out) == (2, ""), err
        return [line.replace(path.name, "this.yaml") for line in err.splitlines()[:-1]]

    def told(self, text, options=None, parent="plain", code=0, call=within):
        """Warnings about siting of a scenario that ``check`` lets pass and ``run`` ends with this code."""
        path = self.scenario(text, options, parent)
        assert call("check", path)[0] == 0
        folder = self.root / "results" / path.stem
        ended, out, err = call("run", path, "--out", folder, "--json", "-q")
        assert ended == code, err
        ran = Ran(ended, folder, path, out, err)
        found = [Warned(ran, w) for w in ran.result["warnings"] if w["code"].startswith("siting.")]
        for warned in found:
            assert f"{warned.raw['where']}: " in err, "what the folder holds is said on stderr as well"
        return ran, {warned.code: warned for warned in found}


@dataclass(frozen=True)
class Warned:
    """A warning of a run."""

    ran: Ran
    raw: dict[str, str]

    @property
    def code(self):
        """Name of the finding."""
        return self.raw["code"]

    @property
    def parts(self):
        """Subject, what was found, what is allowed."""
        return self.raw.get("subject", ""), self.raw["found"], self.raw["allowed"]

    @property
    def line(self):
        """File and line, without the column; the scenario itself is called ``this.yaml``."""
        file, line, *_ = self.raw["where"].split(":")
        return f"{file.replace(self.ran.scenario.name, 'this.yaml')}:{line}"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A project of this module."""
    return Counter(tmp_path_factory.mktemp("bad"))


def small(rows):
    """In Germany each warehouse holds 5 t."""
    return [
        {**row, "capacity_t_per_year": 5.0} if row["site_id"] not in ("WH_US", "WH_C") else row
        for row in rows
    ]


def none_in_america(rows):
    """Not one warehouse in the United States, existing or to open."""
    return [row for row in rows if row["site_id"] not in ("WH_US", "WH_C")]


def only(line, *said):
    """One line that begins with its place and holds what is said."""
    (told,) = line
    for words in said:
        assert words in told, told
    return told


# --- capacity below demand -------------------------------------------------------------------------


def test_missing_room_stops_where_all_must_be_served(desk):
    """Of WH_A's two options one may open: 240 t are asked, 25 t is the room, 215 t are missing."""
    told = desk.stopped(NONE_STAYS + SETTINGS, small)
    line = only(told, "EU 2021", "215 t / 240 t", "at most 25 t", "add capacity", "unserved_cny_per_t")
    assert line.startswith("this.yaml:6:")


def test_missing_room_stands_with_the_candidates_key(desk):
    """The condition on candidates leaves out A_LEASE: with A_BUILD's first year 22 t are left."""
    told = desk.stopped(f"{NONE_STAYS}{SETTINGS}  candidates: \"option_id != 'A_LEASE'\"", small)
    assert only(told, "EU 2021", "218 t / 240 t", "22 t").startswith("this.yaml:8:")


def test_all_options_of_a_site_count_where_they_may_open_together(desk):
    """A_BUILD holds 2 t in its first year, beside the 5 t of A_LEASE."""
    told = desk.stopped(f"{NONE_STAYS}{SETTINGS}  one_per_site: false", small)
    only(told, "213 t / 240 t", "27 t")


def test_a_territory_without_any_room_is_told(desk):
    """No warehouse stands or opens in the United States, where 100 t are to be stocked."""
    told = desk.stopped(NONE_STAYS + SETTINGS, none_in_america)
    only(told, "US 2021", "100 t / 100 t", "at most 0 t")


def test_room_is_counted_year_by_year(desk):
    """What opens in 2022 is no room in 2021, and has its first year in 2022; demand grows by 1.3."""

    def late(rows):
        rows = none_in_america(rows)
        new = {"option_id": "US_LATE", "site_id": "WH_C", "opening_year": 2022, "status": "option"}
        old = next(row for row in desk.options if row["option_id"] == "C_LEASE")
        return [*rows, {**old, **new, "capacity_t_per_year": 200.0, "ramp_up_first_year_share": 0.4}]

    name = desk.with_options(late)
    both = "years: [2021, 2022]\nchanges:\n  - scale_demand: {factor: 1.3, years: [2022]}\n"
    told = desk.stopped(both + NONE_STAYS + SETTINGS, parent=name)
    assert len(told) == 2
    for line, said in zip(
        told, (("US 2021", "100 t / 100 t"), ("US 2022", "50 t / 130 t", "80 t")), strict=True
    ):
        assert all(words in line for words in said), line


def test_missing_room_is_told_in_chinese(desk):
    """The same place and figures."""
    line = only(
        desk.stopped(NONE_STAYS + SETTINGS, small, flags=["--lang", "zh"]), "EU 2021", "215 t / 240 t", "25 t"
    )
    assert re.match(r"this\.yaml:6:\d+: .*仓", line)


@pytest.mark.parametrize(
    ("keys", "more", "code"),
    [
        ("limits: {unserved_cny_per_t: 1.0e+5}\n", "", 0),
        (NONE_STAYS, "  channels: \"segment == 'stocked' and destination_site == 'MK_DE'\"", 3),
    ],
)
def test_missing_room_is_a_warning_where_a_plan_may_be_left(desk, keys, more, code):
    """Cargo may stay at a price, or be sold directly: the run begins."""
    _, warned = desk.told(keys + SETTINGS + more, small, code=code)
    assert warned["siting.capacity"].parts == ("EU 2021", "215 t / 240 t", "25 t")
    assert warned["siting.capacity"].raw["severity"] == "warning"
    assert warned["siting.capacity"].line == "this.yaml:6"


# --- counts and budgets ----------------------------------------------------------------------------

LEAST_TWO = f"  counts:\n    - {{least: 2, where: {BUILD_OR_BUY}}}\n"
ONE_BUILT = "  counts:\n    - {least: 1, where: \"ownership == 'build'\"}\n"
FOR_LEASE = "  budgets:\n    - {cny: {2021: 1}, where: \"ownership == 'lease'\"}\n"
IMPOSSIBLE = {
    "the cheapest of a count cost more than the budget": (
        LEAST_TWO + "  budgets:\n    - {cny: {2021: 700000}}",
        ("A_BUILD + B_ACQUIRE = 800,000 CNY", "700,000 CNY", "this.yaml:10:"),
    ),
    "also where other candidates cost nothing": (
        ONE_BUILT + "  budgets:\n    - {cny: {2021: 299999}}",
        ("A_BUILD = 300,000 CNY", "299,999 CNY", "this.yaml:10:"),
    ),
    "a budget of other candidates is not counted": (
        LEAST_TWO + FOR_LEASE + "    - {cny: {2021: 799999}}",
        ("A_BUILD + B_ACQUIRE = 800,000 CNY", "799,999 CNY", "this.yaml:11:"),
    ),
    "a wider count allows fewer": (
        LEAST_TWO + "    - {most: 1}",
        ("at least 2", "only 1", "this.yaml:9:"),
    ),
}
"""What stands from line 7 on, and what the message names; each is told of line 8."""


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_rules_that_rule_one_another_out_name_both_lines(desk, name):
    """File and line of the count, the sum or number, and where the other rule stands."""
    text, said = IMPOSSIBLE[name]
    assert only(desk.stopped(SETTINGS + text), *said).startswith("this.yaml:8:")


def test_of_a_site_only_the_cheapest_is_counted(desk):
    """B's second option is as good as free, but one of a site opens: A_BUILD must be paid for."""

    def second(rows):
        other = next(row for row in rows if row["option_id"] == "B_ACQUIRE")
        return [*rows, {**other, "option_id": "B_TOO", "ownership": "build", "capex_cny": 10.0}]

    rules = (
        f"  counts:\n    - {{least: 2, where: {BUILD_OR_BUY}}}\n  budgets:\n    - {{cny: {{2021: 300000}}}}"
    )
    only(desk.stopped(SETTINGS + rules, second), "B_TOO + A_BUILD = 300,010 CNY", "300,000 CNY")
    both = desk.scenario(f"{SETTINGS}  one_per_site: false\n{rules.replace('300000', '500010')}", second)
    assert within("check", both)[0] == 0


def test_money_of_all_years_counts_where_every_year_has_some(desk):
    """300,000 in 2021 and 500,000 in 2022 pay for both; a year without a budget is free."""
    years, budget = "years: [2021, 2022]\n", "  budgets:\n    - {cny: {2021: 300000, 2022: 499999}}"
    short = years + SETTINGS + LEAST_TWO + budget
    only(desk.stopped(short, parent="two"), "A_BUILD + B_ACQUIRE = 800,000 CNY", "799,999 CNY")
    first = short.replace("  kind: siting\n", "  kind: siting\n  opening: first_year\n")
    only(desk.stopped(first.replace(", 2022: 499999", ""), parent="two"), "800,000 CNY", "300,000 CNY")
    for budget in ("2021: 300000, 2022: 500000", "2021: 1"):
        text = short.replace("2021: 300000, 2022: 499999", budget)
        assert within("check", desk.scenario(text, parent="two"))[0] == 0, budget


# --- what says nothing -----------------------------------------------------------------------------


def twin(name):
    """A function of rows that adds C_LEASE a second time, built, under another id."""

    def added(rows):
        other = next(row for row in rows if row["option_id"] == "C_LEASE")
        return [*rows, {**other, "option_id": name, "ownership": "build"}]

    return added


def test_rules_that_change_nothing_are_told(desk):
    """More than can open are allowed, nothing that exists may close; as many as can open is no finding."""
    rules = "  closable: \"option_id == 'A_LEASE'\"\n  counts:\n    - {most: 9}\n    - {most: 4}\n"
    rules += "    - {most: 2, where: \"site_id == 'WH_C'\"}"
    ran, warned = desk.told(SETTINGS + rules)
    assert warned.keys() == {"siting.nothing_closable", "siting.most_above"}
    assert warned["siting.nothing_closable"].parts == ("", "option_id == 'A_LEASE'", "")
    assert warned["siting.nothing_closable"].line == "this.yaml:7"
    above = [w for w in ran.result["warnings"] if w["code"] == "siting.most_above"]
    assert [(w["where"].split(":")[1], w["found"], w["allowed"]) for w in above] == [
        ("9", "9", "4"), ("11", "2", "1")
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["A_TWIN", "D_TWIN"])
def test_of_two_that_are_alike_the_smaller_id_is_taken(desk, name):
    """Whichever stands first in the table: both ids are named, and what is taken is what was said."""
    ran, warned = desk.told(SETTINGS, twin(name))
    smaller, larger = sorted([name, "C_LEASE"])
    assert warned.keys() == {"siting.tie"}
    assert warned["siting.tie"].parts == ("WH_C", smaller, larger)
    line = {"C_LEASE": 8, name: 2 + len(desk.options)}[larger]
    assert re.fullmatch(rf"other\d+/warehouse_options\.csv:{line}", warned["siting.tie"].line)
    assert "the smaller id is taken" in ran.err
    taken = {row["option_id"] for row in ran.rows("candidates") if row["chosen"] and row["site_id"] == "WH_C"}
    assert taken == {smaller}


def test_under_counts_it_is_left_open_which_is_taken(desk):
    """A solver that knows no ids chooses then, so that no order is promised."""
    ran, warned = desk.told(f"{SETTINGS}  counts:\n    - {{most: 2}}", twin("A_TWIN"))
    assert warned.keys() == {"siting.tie_open"}
    assert warned["siting.tie_open"].parts == ("WH_C", "A_TWIN", "C_LEASE")
    assert "left open" in ran.err


def test_what_differs_in_a_fee_is_no_tie(desk):
    """One fee tells two options apart; and of tables that hold enough, nothing is said of room."""

    def dearer(rows):
        *others, last = twin("A_TWIN")(rows)
        return [*others, {**last, "pick_cny_per_order": last["pick_cny_per_order"] + 0.01}]

    _, warned = desk.told(NONE_STAYS + SETTINGS, dearer)
    assert warned == {}


# --- processes of their own ------------------------------------------------------------------------


def test_a_process_stops_and_writes_nothing(desk):
    """Room below demand, and rules that rule one another out, in one list: both verbs end with 2."""
    rules = LEAST_TWO + "    - {most: 1}\n  budgets:\n    - {cny: {2021: 700000}}"
    text = NONE_STAYS + SETTINGS + rules
    told = desk.stopped(text, small, call=process)
    for line, words in (("6", "215 t / 240 t"), ("9", "allows only 1"), ("9", "= 800,000 CNY")):
        assert [t for t in told if t.startswith(f"this.yaml:{line}:") and words in t], (told, words)
    path = desk.scenario(text, small)
    folder = desk.root / "results" / path.stem
    assert process("run", path, "--out", folder, "--json", "-q")[:2] == (2, "")
    assert not folder.exists()


def test_a_process_warns_and_ends_with_a_plan(desk):
    """All that says nothing in one run: rules that change nothing, and options that are alike."""
    rules = "  closable: \"size == 'xl'\"\n  counts:\n    - {most: 9}"
    _, warned = desk.told(SETTINGS + rules, twin("A_TWIN"), call=process)
    assert {code: warned[code].line.split("/")[-1] for code in warned} == {
        "siting.nothing_closable": "this.yaml:7",
        "siting.most_above": "this.yaml:9",
        "siting.tie_open": "warehouse_options.csv:8",
    }
