"""Shared runs: a small scenario, simulated once."""

import pathlib

import pytest
import tokwatt as tw

SCENARIO = pathlib.Path(__file__).parents[2] / "scenarios" / "twelve-people-on-a-spark.yaml"
SHORT = {"duration": "10 min", "timeline": []}


@pytest.fixture(scope="session")
def scenario():
    return SCENARIO


@pytest.fixture(scope="session")
def short():
    """Changes that make the scenario short."""
    return dict(SHORT)


@pytest.fixture(scope="session")
def results(scenario, short):
    return tw.run(scenario, set=short)


@pytest.fixture(scope="session")
def file(results, tmp_path_factory):
    """The short run as a file; tests leave it as it is."""
    path = tmp_path_factory.mktemp("results") / "out.h5"
    results.save(path)
    return path
