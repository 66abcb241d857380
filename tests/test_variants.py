"""Families of variants: which members they have, what these set, and what is wrong with them."""

import numpy as np
import pytest

from logistics.batches.plan import planned_batch
from logistics.errors import InputError
from logistics.scenario.case import read_case
from logistics.scenario.read import ScenarioSource, read_scenario
from tests.batch_folders import project, scenario

FILE = "changes:\n  - scale_demand: {factor: 1}\n"


@pytest.fixture
def tree(tmp_path):
    return project(tmp_path)


def members(tree, text):
    return ScenarioSource.of(scenario(tree, "file", text)).members


def over(*dimensions, **settings):
    """Text of a family called `f`."""
    head = "".join(f"    {name}: {value}\n" for name, value in settings.items())
    return f"{FILE}variants:\n  f:\n{head}    over:\n" + "".join(f"      - {each}\n" for each in dimensions)


FACTOR = "{key: changes.0.scale_demand.factor, values: [1, 2]}"
OBJECTIVE = "{key: objective, values: [money, hours, co2]}"


def test_a_grid_combines_all_values(tree):
    """The last dimension is the fastest."""
    found = members(tree, over(FACTOR, OBJECTIVE))
    assert list(found) == [f"f.{n}" for n in range(1, 7)]
    assert [tuple(each.values()) for each in found.values()] == [
        (factor, objective) for factor in (1, 2) for objective in ("money", "hours", "co2")
    ]


def test_a_list_takes_values_side_by_side(tree):
    """One member a place."""
    found = members(tree, over(FACTOR, "{key: objective, values: [money, co2]}", draw="list"))
    assert [tuple(each.values()) for each in found.values()] == [(1, "money"), (2, "co2")]


def test_a_latin_hypercube_hits_every_part_once(tree):
    """In each dimension, each of the equal parts of the range has one draw."""
    ranges = [
        "{key: changes.0.scale_demand.factor, low: 1, high: 3}",
        "{key: solver.gap, low: 0, high: 0.1}",
    ]
    found = members(tree, over(*ranges, draw="latin_hypercube", samples=50))
    values = np.array([tuple(each.values()) for each in found.values()])
    assert values.shape == (50, 2)
    parts = np.floor((values - [1, 0]) / [2 / 50, 0.1 / 50]).astype(int)
    assert sorted(parts[:, 0]) == sorted(parts[:, 1]) == list(range(50))
    assert abs(np.corrcoef(parts.T)[0, 1]) < 0.5


def test_monte_carlo_follows_its_distribution(tree):
    """A triangle has its own mean and quartiles; seeds differ, the same seed does not."""
    triangle = "{key: changes.0.scale_demand.factor, low: 0, mode: 1, high: 4}"
    first = members(tree, over(triangle, draw="monte_carlo", samples=4000))
    drawn = np.array([value for each in first.values() for value in each.values()])
    assert drawn.mean() == pytest.approx(5 / 3, abs=0.05)
    # Below the mode lies a quarter; the distribution function is x²/4 there.
    assert (drawn < 1).mean() == pytest.approx(0.25, abs=0.03)
    assert (drawn < 0.5).mean() == pytest.approx(0.0625, abs=0.015)
    assert members(tree, over(triangle, draw="monte_carlo", samples=4000)) == first
    assert members(tree, over(triangle, draw="monte_carlo", samples=4000, seed=2)) != first
    values = members(tree, over(FACTOR, draw="monte_carlo", samples=400))
    assert {value for each in values.values() for value in each.values()} == {1, 2}


def test_a_member_is_the_file_with_its_values(tree):
    """Values of changes, of the solver, of the study; the rest is the file's."""
    text = over(FACTOR, "{key: solver.gap, values: [0.01]}", "{key: study.kind, values: [frontier]}")
    path = scenario(tree, "file", text)
    member = read_scenario(path, variant="f.2")
    assert member.id == "file.f.2"
    assert member.name.en == "Trial · f.2"
    assert member.changes[0].change.scale_demand.factor == 2
    assert (member.solver.gap, member.study["kind"]) == (0.01, "frontier")
    base = read_scenario(path)
    assert (base.changes[0].change.scale_demand.factor, base.solver.gap) == (1, 1e-6)
    assert read_scenario(path, variant="f").changes == base.changes


def test_a_family_has_changes_of_its_own(tree):
    """Its changes come on top, and can be set too."""
    text = (
        "variants:\n  f:\n    name: {zh: 甲, en: Family}\n    changes:\n      - scale_demand: {factor: 9}\n"
        "    over:\n      - {key: variants.f.changes.0.scale_demand.factor, values: [2, 3]}\n"
    )
    path = scenario(tree, "file", text)
    demand = [
        read_case(path, variant=name).networks[2021].numbers("demand", "tonnes_per_year").sum()
        for name in ("f", "f.1", "f.2")
    ]
    assert demand[0] / demand[1] == pytest.approx(9 / 2)
    assert demand[2] / demand[1] == pytest.approx(3 / 2)
    assert read_scenario(path, variant="f.1").name.en == "Family · 1"


def test_estimates_go_to_the_ends_of_their_ranges(tree):
    """-1 is the low end, 0 what stands, 1 the high end; rows without a range stay."""
    services = tree / "networks" / "three_gateways" / "services.csv"
    lines = services.read_text(encoding="utf-8").splitlines()
    column = lines[0].split(",").index("tariff_spot")
    own = float(lines[1].split(",")[column])
    ranged = [f"{lines[0]},tariff_spot_low,tariff_spot_high", f"{lines[1]},{own - 1},{own + 3}"]
    ranged += [f"{line},," for line in lines[2:]]
    services.write_text("\n".join(ranged) + "\n", encoding="utf-8")
    text = (
        "changes:\n  - set: {table: services, column: tariff_spot, estimate: 0}\nvariants:\n  f:\n    over:\n"
        "      - {key: changes.0.set.estimate, values: [-1, -0.5, 0, 0.5, 1]}\n"
    )
    path = scenario(tree, "file", text)
    tariffs = [
        read_case(path, variant=f"f.{n}").networks[2021].numbers("services", "tariff_spot")
        for n in range(1, 6)
    ]
    assert [row[0] - own for row in tariffs] == pytest.approx([-1, -0.5, 0, 1.5, 3])
    assert all((row[1:] == tariffs[2][1:]).all() for row in tariffs)


def ranges(tree, column="tariff_spot", spread=3):
    """Give the first two services a range, one below and `spread` above what stands; returns what stands."""
    services = tree / "networks" / "three_gateways" / "services.csv"
    lines = services.read_text(encoding="utf-8").splitlines()
    place = lines[0].split(",").index(column)
    own = [float(line.split(",")[place]) for line in lines[1:3]]
    ranged = [f"{lines[0]},{column}_low,{column}_high"]
    ranged += [f"{line},{x - 1},{x + spread}" for line, x in zip(lines[1:3], own, strict=True)]
    services.write_text("\n".join([*ranged, *(f"{line},," for line in lines[3:])]) + "\n", encoding="utf-8")
    return own


def drawn_tariffs(path, members):
    """Tariffs of the first two services in members of a family."""
    return np.array(
        [
            read_case(path, variant=name).networks[2021].numbers("services", "tariff_spot")[:2]
            for name in members
        ]
    )


@pytest.mark.parametrize("key", ["estimates", "estimates.services", "estimates.services.tariff_spot"])
def test_a_family_over_the_estimates_of_the_network(tree, key):
    """All values of a column go together, most often to where they stand; the draw is in each member."""
    own = ranges(tree)
    text = f"variants:\n  f:\n    draw: monte_carlo\n    samples: 3\n    over: [{{key: {key}}}]\n"
    path = scenario(tree, "file", text)
    source = ScenarioSource.of(path)
    assert list(source.members) == [f"f.{n}" for n in range(1, 4)]
    places = np.array([tuple(each.values()) for each in source.members.values()])[:, 0]
    assert np.abs(places).max() <= 1
    assert len(set(places)) == 3
    moved = np.where(places > 0, 3 * places, places)
    assert drawn_tariffs(path, source.members) == pytest.approx(moved[:, None] + own)
    assert drawn_tariffs(path, ["f"])[0] == pytest.approx(own)


def test_estimates_that_are_drawn_apart(tree):
    """Each cell has a place of its own, the same every time; another seed of the family draws others."""
    own = ranges(tree)
    text = (
        "variants:\n  f:\n    draw: monte_carlo\n    samples: 6\n    seed: 1\n"
        "    over: [{key: estimates, apart: true}]\n"
    )
    path = scenario(tree, "file", text)
    names = list(ScenarioSource.of(path).members)
    found = drawn_tariffs(path, names) - own
    assert (drawn_tariffs(path, names[:2]) - own == found[:2]).all()
    assert found.min() >= -1
    assert found.max() <= 3
    assert (np.sign(found[:, 0]) != np.sign(found[:, 1])).any()
    assert len(set(found.ravel().tolist())) == 12
    other = scenario(tree, "other", text.replace("seed: 1", "seed: 2"))
    assert not (drawn_tariffs(other, names[:2]) - own == found[:2]).any()
    assert planned_batch([path]).runs[0].values == {}
    assert drawn_tariffs(path, ["f"])[0] == pytest.approx(own)


def test_estimates_on_a_grid(tree):
    """A column's place may be given too, under a name of its own."""
    own = ranges(tree)
    text = (
        "variants:\n  f:\n    over: [{key: estimates.services.tariff_spot, name: fare, values: [-1, 0, 1]}]\n"
    )
    path = scenario(tree, "file", text)
    assert drawn_tariffs(path, ["f.1", "f.2", "f.3"])[:, 0] == pytest.approx([own[0] - 1, own[0], own[0] + 3])
    (run, *_) = planned_batch([path]).runs
    assert run.values == {"fare": -1}


@pytest.mark.parametrize(
    ("dimension", "code"),
    [
        ("{key: estimates.servics}", "variant.no_range"),
        ("{key: estimates.services.payload_t}", "variant.no_range"),
        ("{key: solver.gap, apart: true}", "schema.value"),
        ("{key: estimates, low: 0, high: 1, apart: true}", "schema.value"),
    ],
)
def test_estimates_that_are_not_there(tree, dimension, code):
    """A key that stands for no range, and what goes with estimates only."""
    ranges(tree)
    text = f"variants:\n  f:\n    draw: monte_carlo\n    samples: 2\n    over: [{dimension}]\n"
    assert problem_of(lambda: members(tree, text)).code == code


def problem_of(call):
    with pytest.raises(InputError) as caught:
        call()
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("changes.1.scale_demand.factor", 1, "variant.no_place"),
        ("changes.x", 1, "variant.no_place"),
        ("objective.x", 1, "schema.choice"),
        ("solver.gpa", 1, "schema.unknown_key"),
        ("solver.gap", 7, "schema.range"),
        ("changes.0.scale_demand.factor", "much", "schema.type"),
    ],
)
def test_values_that_do_not_fit(tree, key, value, code):
    """A place that is not there, and a value that the file would not take either."""
    path = scenario(tree, "file", over(f"{{key: {key}, values: [{value}]}}"))
    assert problem_of(lambda: read_scenario(path, variant="f.1")).code == code


@pytest.mark.parametrize(
    ("dimension", "settings", "words"),
    [
        ("{key: objective}", {}, "either values, or low and high"),
        ("{key: solver.gap, low: 1, high: 0}", {"draw": "monte_carlo", "samples": 3}, "low is at most high"),
        ("{key: solver.gap, low: 0, high: 1, mode: 2}", {"draw": "monte_carlo", "samples": 3}, "mode lies"),
        ("{key: solver.gap, low: 0, high: 1}", {}, "grid and list take values"),
        ("{key: solver.gap, low: 0, high: 1}", {"draw": "monte_carlo"}, "samples belongs to"),
        (FACTOR, {"samples": 3}, "samples belongs to"),
    ],
)
def test_families_that_cannot_be(tree, dimension, settings, words):
    """Each is said where it stands."""
    problem = problem_of(lambda: members(tree, over(dimension, **settings)))
    assert problem.code == "schema.value"
    assert words in problem.allowed


def test_a_member_that_is_not_there(tree):
    """The names of all members are known."""
    path = scenario(tree, "file", over(FACTOR))
    problem = problem_of(lambda: read_scenario(path, variant="f.3"))
    assert (problem.code, problem.allowed) == ("scenario.no_variant", "f, f.1, f.2")
