"""What pieces start from: found once, mapped from a file, and the same to the last byte as without one."""

from concurrent.futures import Future

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import logistics.models.routes.evaluate
import logistics.studies.routes
from logistics.batches.bases import mapped_base, packed_base
from logistics.batches.networks import packed_network, put_network
from logistics.batches.plan import planned_batch
from logistics.batches.pool import LocalPool, StepLimits
from logistics.batches.render import rendered_results
from logistics.batches.scheduler import run_batch_steps
from logistics.batches.store import BatchStore
from logistics.batches.work import Answered, do_step
from logistics.network.folder import read_network
from logistics.proposals.entering import options_of
from logistics.results.layout import LOG, TIMING
from logistics.scenario.case import read_case
from logistics.studies.register import ready_study, run_ready
from logistics.studies.route_base import solved_base
from logistics.studies.route_worth import OptionEvaluator
from logistics.studies.year_flow import Question
from tests.test_limits import HEAD
from tests.test_routes_study import Project, many, studied


class PoolOfThisProcess(LocalPool):
    """Does each step at once, here, so that a test may change what the engine does."""

    def __init__(self, shared):
        super().__init__(1, shared, StepLimits())
        self.steps = []

    def submit(self, task):
        self.steps.append((task.step, task.piece))
        answer = Future()
        answer.set_result(Answered(do_step(task, self._shared), 0.0))
        return answer


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A project with 12 proposals, in two years, in pieces of 5."""
    desk = Project(tmp_path_factory.mktemp("routes"))
    desk.file("many.csv", many(12))
    text = studied("file: many.csv", details=1).replace("study:", "years: [2021, 2022]\nstudy:")
    desk.write("cut", f"{HEAD}extends: plain.yaml\n{text}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logistics.studies.routes, "PROPOSALS_A_PIECE", 5)
        yield desk


def done(desk, folder):
    """A batch of the scenario in this process: the steps that were done, and the files of its run."""
    plan = planned_batch([desk.root / "scenarios" / "cut.yaml"])
    (run,) = plan.runs
    with BatchStore(folder) as store:
        network, warnings = read_network(plan.networks[run.network])
        put_network(packed_network(network, tuple(warnings)), store.shared / run.network)
        pool = PoolOfThisProcess(store.shared)
        outcome = run_batch_steps([], [run], store, pool, lambda _: None)
        pool.close()
        assert not outcome.failures
        assert [path.name for path in store.shared.iterdir()] == [run.network], "no base is left behind"
        return pool.steps, store.files(run.id)


def test_pieces_start_from_one_base(desk, tmp_path, monkeypatch):
    """Each year's base is found once; plan, tables and totals are those of the study alone, byte by byte."""
    found = []
    solve = logistics.studies.routes.solved_base
    monkeypatch.setattr(
        logistics.studies.routes, "solved_base", lambda *given: found.append(given) or solve(*given)
    )
    steps, files = done(desk, tmp_path / "out")
    assert len(found) == 2
    bases, pieces = [("base", n) for n in range(2)], [("piece", n) for n in range(6)]
    assert steps == [("start", 0), *bases, *pieces, ("merge", 0)]
    ready = ready_study(read_case(desk.root / "scenarios" / "cut.yaml"))
    alone = rendered_results(ready.case, run_ready(ready), "")
    assert {name for name in files if name not in alone} == {"run-info.json"}
    changed = [name for name in alone if files[name] != alone[name] and name not in (TIMING, LOG)]
    assert changed == []
    rows = pq.read_table(pa.BufferReader(files["proposals.parquet"])).to_pylist()
    idle = [row["verified"] for row in rows if row["status"] == "no_effect"]
    assert idle == [True] * 8, "each proven again with the prices of its own piece"


def test_a_known_base_is_not_solved_again(desk, monkeypatch):
    """What options are worth is the same; nobody solves the flow of the base a second time."""
    case, _, spec = ready_study(read_case(desk.root / "scenarios" / "cut.yaml"))
    question = Question.of(case.scenario, case.networks[2021], 2021)
    options = options_of(spec.proposals)
    own = OptionEvaluator(question, options, 0.06)
    worth = [own.evaluated(number).worth for number in range(len(options))]
    known = solved_base(question, lambda _: None).known
    monkeypatch.setattr(logistics.models.routes.evaluate, "FlowModel", None)
    other = OptionEvaluator(question, options, 0.06, known=known)
    assert other.warm.value == pytest.approx(own.warm.value, rel=1e-9)
    for number, one in enumerate(worth):
        two = other.evaluated(number).worth
        assert (two.proof, two.value) == (one.proof, pytest.approx(one.value, rel=1e-9))


def test_arrays_stay_in_the_file(tmp_path):
    """Large ones are read where they lie and cannot be written to; all come back as they were."""
    table = pa.table({"site": pa.array(["a", "b"] * 5000), "t": np.arange(10000.0)})
    answer = {"large": np.arange(5000.0), "wide": np.ones((80, 90), order="F"), "few": np.arange(3)}
    data = packed_base({**answer, "t": table}, "words")
    path = tmp_path / "base"
    path.write_bytes(data)
    found, words = mapped_base(path)
    assert words == "words"
    assert found["t"].equals(table)
    for name, array in answer.items():
        assert np.array_equal(found[name], array)
        assert found[name].flags.f_contiguous == array.flags.f_contiguous
    assert not found["large"].flags.owndata
    assert not found["large"].flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        found["large"][0] = 1
    assert mapped_base(path)[0] is found, "a process reads it once"
