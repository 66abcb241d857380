"""Asking the tables of batches: what is found, and what is refused."""

import csv
import io
import json
import shutil

import pytest

import logistics
from logistics.batches.page import bins_of
from logistics.errors import InputError
from tests.batch_folders import family, project, scenario
from tests.test_command_line import command_line

duckdb = pytest.importorskip("duckdb")


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """A batch of three members, with its page, made through the library."""
    tree = project(tmp_path_factory.mktemp("project"))
    path = scenario(tree, "family", family(3))
    return logistics.run_batch(path, out=tree / "out", jobs=1, progress=False)


def test_totals_are_the_table_of_runs(batch):
    """Without a question, and as CSV and JSON."""
    shown = command_line("results", batch.folder)
    assert shown.code == 0
    assert "family.d.1" in shown.out
    assert "value_factor" in shown.out
    rows = list(csv.DictReader(io.StringIO(csv_of(batch.folder, "totals"))))
    assert [row["scenario"] for row in rows] == ["family.d.1", "family.d.2", "family.d.3"]
    read = json.loads(command_line("results", batch.folder, "--table", "totals", "--json").out)
    assert [row["value_factor"] for row in read] == [1.0, 1.01, 1.02]


def csv_of(folder, table):
    """The CSV of a table, through a process's stdout."""
    from logistics.batches.query import named_table
    from logistics.commands.results import csv_bytes

    return csv_bytes(named_table(folder, table)).decode()


def test_questions_see_all_runs(batch):
    """Tables of the folders lie below each other, with the run in front."""
    table = batch.sql(
        "SELECT r.variant, sum(b.cny) AS cny FROM bill b JOIN runs r USING (run) GROUP BY 1 ORDER BY 1"
    )
    assert list(table["variant"]) == ["d.1", "d.2", "d.3"]
    assert list(table["cny"]) == pytest.approx(list(batch.runs["objective"]))
    assert len(batch.table("flows")) == sum(
        len(batch.run(name).table("flows")) for name in batch.runs["scenario"]
    )


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT * FROM nowhere", "sql.no_table"),
        ("SELEC 1", "sql.failed"),
        ("SELECT 1; SELECT 2", "sql.not_select"),
        ("COPY (SELECT 1) TO '{out}/new.csv'", "sql.not_select"),
        ("CREATE TABLE x (y INT)", "sql.not_select"),
        ("SET enable_external_access = true", "sql.not_select"),
        ("ATTACH '{out}/new.db'", "sql.not_select"),
        ("SELECT * FROM read_text('{out}/../networks/three_gateways/sites.csv')", "sql.failed"),
        ("SELECT * FROM read_csv('{outside}')", "sql.failed"),
        ("SELECT * FROM '{outside}'", "sql.failed"),
        ("SELECT * FROM glob('/*')", "sql.failed"),
        ("SELECT * FROM statements", "sql.no_table"),
        ("SELECT * FROM read_csv('{out}/link.csv')", "sql.failed"),
        ("SELECT * FROM read_csv('{out}/elsewhere/secret.csv')", "sql.failed"),
        ("SELECT * FROM read_blob('/etc/hostname')", "sql.failed"),
        ("SELECT * FROM parquet_metadata('{outside}')", "sql.failed"),
        ("SELECT * FROM sniff_csv('{outside}')", "sql.failed"),
        ("SELECT * FROM sqlite_scan('{outside}', 't')", "sql.failed"),
        ("SELECT * FROM 'https://example.org/x.csv'", "sql.failed"),
        ("SELECT * FROM query('COPY (SELECT 1) TO QQ{out}/new.csvQQ')".replace("QQ", "'" * 2), "sql.failed"),
        ("SELECT * FROM enable_logging(storage = 'file', storage_path = '{out}')", "sql.failed"),
        ("SELECT getenv('HOME')", "sql.failed"),
        ("INSTALL httpfs", "sql.not_select"),
        ("LOAD httpfs", "sql.not_select"),
        ("CALL enable_logging()", "sql.not_select"),
        ("PRAGMA enable_profiling", "sql.not_select"),
        ("EXPLAIN ANALYZE SELECT 1", "sql.not_select"),
    ],
)
def test_only_the_folder_is_read_and_nothing_written(batch, tmp_path, sql, code):
    """No statement but one SELECT, no file of elsewhere, no variable of the program."""
    outside = tmp_path / "secret.csv"
    outside.write_text("a\n1\n", encoding="utf-8")
    link, elsewhere = batch.folder / "link.csv", batch.folder / "elsewhere"
    link.symlink_to(outside)
    elsewhere.symlink_to(tmp_path)
    try:
        before = sorted(batch.folder.rglob("*"))
        with pytest.raises(InputError) as caught:
            batch.sql(sql.format(out=batch.folder, outside=outside))
        assert [problem.code for problem in caught.value.problems] == [code]
        assert sorted(batch.folder.rglob("*")) == before
    finally:
        link.unlink()
        elsewhere.unlink()


def test_files_of_the_folder_can_be_read(batch):
    """SQL may read what lies in the folder by its path."""
    found = batch.sql(
        f"SELECT count(*) AS n FROM read_parquet('{batch.folder.resolve()}/runs/*/bill.parquet')"
    )
    assert found["n"][0] == len(batch.table("bill"))


def test_unknown_names_are_told(batch, tmp_path):
    """A table or folder that is not there."""
    answer = command_line("results", batch.folder, "--table", "bil")
    assert answer.code == 2
    assert "did you mean 'bill'" in answer.err
    assert command_line("results", tmp_path).code == 2
    assert command_line("results", batch.folder, "--sql", "SELECT 1", "--table", "bill").code == 2
    with pytest.raises(InputError):
        batch.run("family.d.9")


def test_one_results_folder_can_be_asked_too(batch):
    """A run alone is a folder of one run."""
    run = batch.run("family.d.2")
    found = command_line(
        "results", run.folder, "--sql", "SELECT scenario, count(*) AS n FROM bill GROUP BY 1", "--json"
    )
    assert json.loads(found.out) == [{"scenario": "family.d.2", "n": len(run.table("bill"))}]


@pytest.mark.parametrize("left", [None, 100])
def test_an_unfinished_batch_can_be_asked(batch, left):
    """Without its table of runs, or with a damaged one, the folder is read; `asked` is not known."""
    table = batch.folder / "runs.parquet"
    kept = table.read_bytes()
    table.unlink()
    if left is not None:
        table.write_bytes(kept[:left])
    try:
        assert list(batch.runs["scenario"]) == ["family.d.1", "family.d.2", "family.d.3"]
        assert batch.runs["asked"].isna().all()
    finally:
        table.write_bytes(kept)


def test_a_damaged_run_is_told(batch, tmp_path):
    """Where the table of runs is gone too, the file that is damaged is named."""
    copy = shutil.copytree(batch.folder, tmp_path / "copy")
    (copy / "runs.parquet").unlink()
    result = next(copy.glob("runs/*/result.json"))
    result.write_bytes(result.read_bytes()[:-9])
    answer = command_line("results", copy)
    assert answer.code == 2
    assert f"{result}: this file of a run is damaged" in answer.err


def test_names_of_folders_do_not_matter(batch, tmp_path):
    """A quote, what would be a pattern, what such a pattern matches, and a folder that looks like a run."""
    for name in ("it's", "a*b?[c]{d,e}", "[]*", "a_b_c{d,e}"):
        copy = shutil.copytree(batch.folder, tmp_path / name / ("0" * 32) / "plan")
        table = logistics.open_results(copy).sql("SELECT run, count(*) AS n FROM flows GROUP BY run")
        assert sorted(table["run"]) == sorted(batch.runs["run"])
        assert table["n"].sum() == len(batch.table("flows"))
        one = next((copy / "runs").iterdir())
        assert len(logistics.open_results(one).table("flows")) > 0
        found = command_line("results", one, "--sql", "SELECT count(*) AS n FROM flows", "--json")
        assert json.loads(found.out)[0]["n"] > 0, found.err


def test_json_has_no_numbers_that_are_none(batch):
    """What is not finite is null."""
    found = command_line("results", batch.folder, "--sql", "SELECT 'nan'::DOUBLE AS x, 1.5 AS y", "--json")
    assert json.loads(found.out) == [{"x": None, "y": 1.5}]


# --- the library ----------------------------------------------------------------------------------


def test_results_speak_for_themselves(batch):
    """In a line, as HTML, as frames and as lines on a map."""
    assert repr(batch) == "<batch out: 3 optimal>"
    assert "family.d.1" in batch._repr_html_()
    run = batch.run("family.d.1")
    assert run.status == "optimal"
    assert run.verified
    assert repr(run).startswith("<family.d.1: optimal, objective ")
    assert run.objective == pytest.approx(batch.runs["objective"][0])
    assert run.totals()["money_cny"] == batch.runs["money_cny"][0] > 0
    lines = run.services()
    assert lines.geometry.geom_type.eq("LineString").all()
    assert lines["load_t"].max() == pytest.approx(run.table("services")["tonnes"].max())
    assert len(run.sites()) > 3
    assert "bill" in run.tables
    with pytest.raises(InputError):
        run.table("nothing")
    assert logistics.open_results(run.folder).objective == run.objective
    assert repr(logistics.open_results(batch.folder)) == repr(batch)


def test_a_scenario_runs_from_the_library(batch, capsys):
    """With progress on stderr, and the results in a folder."""
    path = batch.folder.parent / "scenarios" / "family.yaml"
    one = logistics.run_scenario(path, batch.folder.parent / "one", variant="d.3")
    assert one.objective == pytest.approx(batch.runs["objective"][2])
    said = capsys.readouterr()
    assert said.out == ""
    assert "family.d.3" in said.err


# --- the page -------------------------------------------------------------------------------------


def test_means_along_a_dimension():
    """Few values stand for themselves, many are put into equal parts."""
    few = [{"x": x, "y": x * 10.0 + z} for x in (1, 2) for z in (0, 2)]
    assert bins_of(few, "x", "y") == [(1.0, 11.0), (2.0, 21.0)]
    many = [{"x": float(x), "y": float(x)} for x in range(60)]
    bins = bins_of(many, "x", "y")
    assert len(bins) == 6
    assert bins[0] == (4.5, 4.5)
    assert bins_of([{"x": "b", "y": 1.0}, {"x": "a", "y": 2.0}], "x", "y") == [("a", 2.0), ("b", 1.0)]


def test_page_of_a_batch(batch):
    """It opens with how the runs ended and shows every run; its numbers are those of the table."""
    from logistics.batches.page import write_batch_page

    page = write_batch_page(batch.folder, "en").read_text(encoding="utf-8")
    for name in batch.runs["scenario"]:
        assert name in page
    assert "3 runs have an outcome, 0 failed" in page
    assert "along" in page
