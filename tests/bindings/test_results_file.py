"""The results file as other tools see it."""

import json
import shutil
import subprocess

import numpy as np
import pytest
import xarray as xr


@pytest.fixture(scope="module")
def file(results, tmp_path_factory):
    path = tmp_path_factory.mktemp("file") / "out.h5"
    results.save(path)
    return path


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_xarray_shows_the_summary_at_the_root(file, results, engine):
    with xr.open_dataset(file, engine=engine) as root:
        assert root.attrs["Conventions"] == "CF-1.11"
        assert root["ttft_s.p50"].item() == results.summary["ttft_s"]["p50"]
        assert root["ttft_s.p50"].attrs["units"] == "s"
        assert root["energy_j.wall"].attrs["units"] == "J"
        assert root["requests.submitted"].dtype == np.int64
        assert json.loads(root["summary_json"].item()) == results.summary
        for name, variable in root.data_vars.items():
            assert variable.attrs["long_name"], name
            assert name == "summary_json" or variable.attrs["units"], name


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
@pytest.mark.parametrize("group", ["series", "requests", "segments", "events"])
def test_xarray_reads_every_group_as_it_was(file, results, engine, group):
    written = results.dataset(group)
    with xr.open_dataset(file, engine=engine, group=group) as read:
        assert set(read.variables) == set(written.variables)
        assert dict(read.sizes) == dict(written.sizes)
        assert not [dim for dim in read.sizes if "phony" in dim]
        for name, variable in written.variables.items():
            if variable.dtype == object:
                assert read[name].values.tolist() == variable.values.tolist(), name
            else:
                assert read[name].dtype == variable.dtype, name
                np.testing.assert_array_equal(read[name].values, variable.values, err_msg=name)
            assert read[name].attrs.get("units") == variable.attrs.get("units"), name


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_xarray_opens_the_tree_with_the_texts(file, results, engine):
    with xr.open_datatree(file, engine=engine) as tree:
        assert set(tree.children) == {"series", "requests", "segments", "events", "texts"}
        assert tree["texts/scenario"].item() == results.texts["scenario"]
        assert len(tree["texts/scenario"].attrs["sha256"]) == 64


def test_flags_are_named(file):
    with xr.open_dataset(file, group="requests", engine="h5netcdf") as requests:
        outcome = requests["outcome"]
        assert outcome.dtype == np.int8
        assert len(outcome.attrs["flag_meanings"].split()) == len(outcome.attrs["flag_values"])
        assert "completed" in outcome.attrs["flag_meanings"].split()


@pytest.mark.skipif(shutil.which("ncdump") is None, reason="needs Debian's netcdf-bin")
def test_ncdump_shows_the_layout(file):
    header = subprocess.run(["ncdump", "-h", file], capture_output=True, text=True, check=True).stdout
    assert "double ttft_s.p50 ;" in header
    assert 'ttft_s.p50:units = "s" ;' in header
    assert ':Conventions = "CF-1.11" ;' in header
    for group in ("series", "requests", "segments", "events", "texts"):
        assert f"group: {group} {{" in header
    assert "string subject(event) ;" in header
