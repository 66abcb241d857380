"""The tutorial notebook: its cells run from top to bottom and come to what its words say."""

import json
from pathlib import Path

import pytest

pytest.importorskip("duckdb")

NOTEBOOK = Path(__file__).resolve().parents[1] / "docs" / "notebooks" / "batches.ipynb"


@pytest.mark.slow
def test_the_notebook_runs(tmp_path, monkeypatch):
    """Each code cell runs in one namespace, without an output of an earlier time kept in the file."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) > 5
    assert [cell["outputs"] for cell in code] == [[]] * len(code)
    space = {}
    for number, cell in enumerate(code):
        exec(compile("".join(cell["source"]), f"cell {number}", "exec"), space)
    assert space["baseline"].verified
    assert space["bill"].sum() == pytest.approx(space["baseline"].objective)
    assert (space["batch"].runs["status"] == "optimal").all()
    costs = space["costs"]
    assert costs.shape == (2, 2)
    # Dearer flights and more cargo cost more.
    assert (costs[1.1] > costs[0.9]).all()
    assert (costs.loc[1.0] > costs.loc[-1.0]).all()
    assert set(space["modes"]["mode"]) >= {"air", "sea", "rail"}
