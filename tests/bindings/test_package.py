"""The package itself: names, stubs, the program in it."""

import ast
import inspect
import pathlib
import shutil
import subprocess
import sys

import tokwatt as tw
from tokwatt import _core

PACKAGE = pathlib.Path(tw.__file__).parent


def test_it_is_typed_and_its_public_names_are_documented():
    assert (PACKAGE / "py.typed").exists()
    for name in tw.__all__:
        if name != "__version__":
            assert inspect.getdoc(getattr(tw, name)), name


def test_the_stub_names_what_the_core_has():
    tree = ast.parse((PACKAGE / "_core.pyi").read_text())

    def names(body):
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield node.name
            elif isinstance(node, ast.AnnAssign):
                yield node.target.id

    public = {name for name in dir(_core) if not name.startswith("_")}
    assert public == {name for name in names(tree.body) if not name.startswith("_")}
    run = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Run")
    assert {name for name in dir(_core.Run) if not name.startswith("_")} == {n for n in names(run.body) if not n.startswith("_")}


def test_the_docstring_of_run_follows_numpydoc():
    text = inspect.getdoc(tw.run)
    places = [text.index(f"{section}\n{'-' * len(section)}") for section in ("Parameters", "Returns", "Raises")]
    assert places == sorted(places)


def test_versions_agree():
    from importlib.metadata import version

    assert tw.__version__ == version("tokwatt") == _core.__version__


def program():
    beside = pathlib.Path(sys.executable).parent / "tokwatt"
    return str(beside) if beside.exists() else shutil.which("tokwatt")


def test_the_program_comes_with_the_package_and_writes_the_same_file(results, scenario, tmp_path):
    path = program()
    assert path, "pip install puts the program beside Python"
    command = [path, "run", scenario, "--set", "duration=10 min", "--set", "timeline=[]", "-o", tmp_path / "cli.h5", "--quiet"]
    subprocess.run(command, check=True, capture_output=True)
    results.save(tmp_path / "python.h5")
    assert (tmp_path / "cli.h5").read_bytes() == (tmp_path / "python.h5").read_bytes()
