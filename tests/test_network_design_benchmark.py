"""Family ``network-design``: its files, its audit, its peers."""

import json
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.discovery import discover
from benchmarks.families.network_design import SPEC, toy_network
from benchmarks.measuring import run_phases
from benchmarks.network_design.audit import audited
from benchmarks.network_design.dow import is_dow, read_dow
from benchmarks.network_design.model import design_problem, strong_program
from benchmarks.spec import BenchmarkError, Found
from logistics.integer_solver import MixedProgram, MixedStop, solve_mixed
from logistics.models.design.solve import solve_design
from tests.fixed_charge import as_dow, random_network, tight_network

ROOT = Path(__file__).resolve().parent.parent
PEER = ROOT / "benchmarks" / "peer_programs" / "strong_mip.py"


def written(tmp_path, text, name="c99.dow"):
    """A file."""
    path = tmp_path / name
    path.write_text(text)
    return path


def shuffled(network, seed):
    """The same network with other numbers for nodes, arcs and commodities."""
    r = np.random.default_rng(seed)
    node = r.permutation(network.num_nodes).astype(np.int32)
    arc, cargo = r.permutation(len(network.tail)), r.permutation(len(network.origin))
    return replace(
        network,
        tail=node[network.tail][arc],
        head=node[network.head][arc],
        cost=network.cost[arc],
        capacity=network.capacity[arc],
        fixed_cost=network.fixed_cost[arc],
        origin=node[network.origin][cargo],
        destination=node[network.destination][cargo],
        demand=network.demand[cargo],
    )


def assert_same(one, other):
    """Both have the same figures."""
    for each in fields(one):
        np.testing.assert_array_equal(getattr(one, each.name), getattr(other, each.name))


def test_files_are_read_as_they_are_written(tmp_path):
    """Ends, costs, capacities, fixed costs, cargo."""
    network = random_network(1)
    assert_same(read_dow(written(tmp_path, as_dow(network))), network)


def test_files_are_known_by_what_they_contain(tmp_path):
    """Any name and any title will do; other formats are others'."""
    text = as_dow(random_network(1), title=" anything at all")
    assert is_dow(written(tmp_path, text, "x.txt"))
    lines = text.splitlines()
    for other in (
        "",
        "title\n",
        "16 50\n5000 7500\n",
        "FILE: a\n5 8 0\n1 400 3 4 5 6 7 8 9 10\n",
        "\n".join(["title", "6 12", *lines[2:]]),
        "\n".join([*lines[:2], lines[2] + " 8", *lines[3:]]),
        "\n".join([*lines[:2], "9 1 2 3 4 5 6", *lines[3:]]),
        "\n".join([*lines[:2], "1 2 -5 3 4 5 6", *lines[3:]]),
        "\n".join(["title", "0 12 4", *lines[2:]]),
    ):
        assert not is_dow(written(tmp_path, other, "y.txt")), other


@pytest.mark.parametrize(
    ("line", "text", "says"),
    [
        (5, "1 77 3 4 5 6 7", "a node is none of 1 to 6"),
        (5, "1 2 3 -4 5 6 7", "below 0"),
        (5, "1 2 3 4", "inhomogeneous"),
        (-1, "1 2", "inhomogeneous"),
        (-1, "1 2 -3", "below 0"),
        (-1, "", "not all there"),
        (5, "1 two 3 4 5 6 7", "could not convert"),
    ],
)
def test_broken_files_are_refused(tmp_path, line, text, says):
    """What is wrong is said, with the file's name."""
    lines = as_dow(random_network(1)).splitlines()
    lines[line] = text
    with pytest.raises(BenchmarkError, match=says) as refused:
        read_dow(written(tmp_path, "\n".join(lines)))
    assert "c99.dow" in str(refused.value)


def test_instances_are_found_in_a_folder_with_their_optimum(tmp_path):
    """INDEX.csv gives the published value; files it does not name are found too."""
    (tmp_path / "one").mkdir()
    written(tmp_path / "one", as_dow(random_network(1)), "a.dow")
    written(tmp_path, as_dow(random_network(2)), "b")
    header = "family,instance,file,rows,cols,published_value,value_kind,citation,licence,verified\n"
    (tmp_path / "INDEX.csv").write_text(header + "MCND,first,one/a.dow,,,123,optimum,,,\n")
    found = discover([SPEC], tmp_path).found
    assert [(one.instance, one.published) for one in found] == [("first", 123.0), ("b", None)]


@pytest.mark.parametrize("seed", range(4))
def test_other_numbers_for_the_same_things_change_nothing(seed):
    """Renamed and shuffled, a network has the same optimum."""
    network = tight_network(seed)
    one, other = (solve_design(design_problem(each)) for each in (network, shuffled(network, seed)))
    assert one.status == other.status == "optimal"
    assert one.value == pytest.approx(other.value, rel=2e-6)


def test_parallel_arcs_are_options_of_their_own():
    """Two arcs with the same ends: a cheap small one and a dear large one."""
    network = replace(
        toy_network(),
        tail=np.array([0, 0, 1, 1], dtype=np.int32),
        head=np.array([3, 3, 3, 0], dtype=np.int32),
        cost=np.array([1.0, 3.0, 1.0, 1.0]),
        capacity=np.array([5.0, 50.0, 5.0, 5.0]),
        fixed_cost=np.array([10.0, 20.0, 1.0, 1.0]),
    )
    answer = solve_design(design_problem(network))
    assert answer.open.tolist() == [True, True, False, False]
    assert answer.value == pytest.approx(5 * 1 + 7 * 3 + 30)
    assert audited(network, answer, answer.value).verified


def test_the_strong_program_of_the_toy_network():
    """Peers' program has the value argued by hand: 10 on the cheap way, 2 on the dear one."""
    answer = solve_mixed(strong_program(toy_network()), "highs", MixedStop())
    assert answer.value == pytest.approx(5 + 5 + 20 + 20 + 10 * 2 + 2 * 4)


def found_in(path, published=None, kind="optimum"):
    """An instance of the family."""
    return Found("network-design", "x", published, kind, None, str(path))


def test_a_run_is_verified(tmp_path):
    """From file to outcome: value, bound and gap, checked against the optimum."""
    network = tight_network(2)
    best = solve_mixed(strong_program(network), "scip", MixedStop(gap=0.0)).value
    path = written(tmp_path, as_dow(network))
    _, measured = run_phases(SPEC, found_in(path, round(best)), 60.0)
    assert measured.outcome.verified
    assert measured.outcome.value == pytest.approx(best, rel=1e-6)
    assert measured.outcome.gap <= 1e-6


def test_another_optimum_is_a_complaint(tmp_path):
    """A plan below the published optimum, or a bound above it, is no success."""
    path = written(tmp_path, as_dow(tight_network(2)))
    for factor, says in ((1.01, "below the published optimum"), (0.99, "above the published optimum")):
        _, measured = run_phases(SPEC, found_in(path), 60.0)
        wrong = round(measured.outcome.value * factor)
        _, again = run_phases(SPEC, found_in(path, wrong), 60.0)
        assert not again.outcome.verified
        assert any(says in text for text in again.outcome.complaints)
        _, best_known = run_phases(SPEC, found_in(path, wrong, "best known"), 60.0)
        assert best_known.outcome.verified


def test_the_audit_sees_what_is_wrong():
    """One mutation a rule."""
    network = tight_network(10)
    answer = solve_design(design_problem(network))
    assert audited(network, answer, None).verified
    flow = answer.flows[0]
    used = int(flow.path[0][0])
    closed = answer.open.copy()
    closed[used] = False
    long = max(range(len(flow.path)), key=lambda i: len(flow.path[i]))
    backwards = tuple(path[::-1].copy() if i == long else path for i, path in enumerate(flow.path))
    assert len(flow.path[long]) > 1
    more = flow.flow_t * np.where(np.arange(len(flow.flow_t)) == 0, 1.5, 1.0)
    below = -flow.flow_t
    for change, says in (
        ({"open": closed}, "carry more than they may"),
        ({"flows": (replace(flow, path=backwards),)}, "does not lead"),
        ({"flows": (replace(flow, flow_t=more),)}, "are not served"),
        ({"flows": (replace(flow, flow_t=below),)}, "on a path"),
        ({"value": answer.value * 1.01}, "the plan costs"),
        ({"bound": answer.value * 1.01}, "contradicts the value"),
    ):
        outcome = audited(network, replace(answer, **change), None)
        assert not outcome.verified
        assert any(says in text for text in outcome.complaints), (says, outcome.complaints)


def test_infeasible_is_checked_too():
    """A network that cannot carry all is proven so, and a false claim is seen."""
    network = toy_network()
    scarce = replace(network, capacity=np.full(4, 5.0))
    answer = solve_design(design_problem(scarce))
    assert answer.status == "infeasible"
    assert audited(scarce, answer, None).verified
    assert not audited(network, answer, None).verified


@pytest.mark.parametrize("solver", ["scip", "highs"])
def test_peers_solve_the_program_in_their_own_process(tmp_path, solver):
    """The peer's line: status, value, bound, seconds."""
    program = strong_program(tight_network(1))
    arrays = {each.name: getattr(program, each.name) for each in fields(MixedProgram)}
    np.savez(tmp_path / "program.npz", **arrays)
    command = [sys.executable, str(PEER), solver, str(tmp_path / "program.npz"), "60"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    line = json.loads(done.stdout.splitlines()[-1])
    assert line["status"] == "optimal"
    ours = solve_design(design_problem(tight_network(1)))
    assert line["value"] == pytest.approx(ours.value, rel=1e-5)
    assert line["bound"] <= line["value"] * (1 + 1e-6)
    assert 0 < line["seconds"] < 60
