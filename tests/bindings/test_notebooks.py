"""Each notebook and its text form say the same."""

import pathlib

import jupytext
import pytest

NOTEBOOKS = sorted((pathlib.Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_and_its_text_agree(path):
    def cells(file):
        return [(cell.cell_type, cell.source, cell.metadata.get("tags", [])) for cell in jupytext.read(file).cells]

    assert cells(path) == cells(path.with_suffix(".py"))
    assert any("parameters" in tags for _, _, tags in cells(path))


def test_there_are_notebooks():
    assert NOTEBOOKS
