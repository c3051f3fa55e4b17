"""tokwatt.Results: names, dtypes, units, lifetimes, pickling."""

import gc
import pickle

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
import tokwatt as tw
import xarray as xr


def test_the_summary_is_a_plain_dict_and_pickles(results):
    assert isinstance(results.summary, dict)
    assert results.summary["requests"]["submitted"] > 0
    assert pickle.loads(pickle.dumps(results.summary)) == results.summary


def test_series_has_units_and_its_coordinates(results):
    series = results.series
    assert isinstance(series, xr.Dataset)
    assert {"time", "deployment", "device"} <= set(series.coords)
    assert series.time.attrs["units"] == "s"
    assert series.temperature.attrs["units"] == "degC"
    assert series.clock.attrs["units"] == "Hz"
    for name, variable in series.data_vars.items():
        assert variable.dims[0] == "time", name
        assert variable.attrs["long_name"], name


def test_requests_are_a_table_by_request(results):
    requests = results.requests
    assert isinstance(requests, pd.DataFrame)
    assert requests.index.name == "request"
    assert len(requests) == results.summary["requests"]["submitted"]
    assert requests["prompt"].dtype == np.int64
    assert requests["arrival"].dtype == np.float64
    assert isinstance(requests["outcome"].dtype, pd.CategoricalDtype)
    assert requests.attrs["units"]["arrival"] == "s"
    assert (requests["outcome"] == "completed").sum() == results.summary["requests"]["completed"]


def test_segments_and_events_are_tables(results):
    assert len(results.segments) > 0
    assert isinstance(results.events, pd.DataFrame)


def test_requests_that_were_not_recorded_say_so(scenario, short):
    r = tw.run(scenario, set={**short, "record.requests": False})
    with pytest.raises(KeyError, match="record: {requests: false}"):
        r.requests


def test_arrays_are_read_only_views(results):
    first = results.dataset("series").temperature.values
    second = results.dataset("series").temperature.values
    assert np.shares_memory(first, second)
    assert not first.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        first[...] = 0


def test_an_array_outlives_its_results(scenario, short):
    r = tw.run(scenario, set=short)
    view = r.dataset("series").temperature.values
    copy = view.copy()
    assert view.base is not None
    del r
    gc.collect()
    others = [tw.run(scenario, set={**short, "seed": seed}) for seed in (5, 6)]  # would reuse freed memory
    assert np.array_equal(view, copy)
    assert len(others) == 2


def test_results_pickle_whole(results, tmp_path):
    copy = pickle.loads(pickle.dumps(results))
    assert copy.summary == results.summary
    assert copy.series.identical(results.series)
    pd.testing.assert_frame_equal(copy.requests, results.requests)
    copy.save(tmp_path / "copy.h5")
    results.save(tmp_path / "original.h5")
    assert (tmp_path / "copy.h5").read_bytes() == (tmp_path / "original.h5").read_bytes()


def test_they_show_themselves(results, scenario, short):
    page = results._repr_html_()
    assert page.startswith("<table>")
    assert str(results.summary["requests"]["completed"]) in page
    assert "requests completed" in repr(results)


def test_save_makes_its_folder_or_says_why_it_cannot(results, tmp_path):
    results.save(tmp_path / "new" / "out.h5")
    assert (tmp_path / "new" / "out.h5").exists()
    with pytest.raises(RuntimeError, match="cannot write .*: File exists"):
        results.save(tmp_path / "new" / "out.h5" / "in a file.h5")


def test_the_plot_has_a_panel_for_each_quantity_on_one_axis_of_time(results):
    figure = results.plot()
    assert isinstance(figure, go.Figure)
    titles = [axis.title.text for axis in figure.select_yaxes()]
    assert [t.split("<br>")[0] for t in titles] == ["output", "clock", "die", "wall"]
    end = results.series.time.values[-1] / 60
    assert {float(trace.x[-1]) for trace in figure.data} == {end}
    assert [a.matches for a in figure.select_xaxes()].count(None) == 1  # all others follow it


def test_each_box_and_model_of_a_run_has_a_colour_and_a_name():
    def served(box, engine):
        return {"model": "llama-3.1-8b", "quant": "q8_0", "engine": engine, "runs_on": box}

    def people(model):
        return {"to": model, "users": 1, "think": {"exponential": "20 s"}, "prompt": 100, "output": 50}

    two = {
        "duration": "2 min",
        "systems": {"a": {"sheet": "dgx-spark"}, "b": {"sheet": "m3-ultra-512"}},
        "deployments": {"on-a": served("a", "llama.cpp-cuda"), "on-b": served("b", "llama.cpp-metal")},
        "workload": [{"name": "pa", **people("on-a")}, {"name": "pb", **people("on-b")}],
        "environment": {"ambient": "22 degC"},
    }
    lines = tw.run(two, interval="off").plot().data
    named = [line.name for line in lines if line.showlegend]
    assert named == ["on-a", "on-b", "a", "b"]
    assert len({line.line.color for line in lines}) == 4
    assert all(len({line.line.color for line in lines if line.name == name}) == 1 for name in named)


def test_throttled_spans_join_neighbours():
    from tokwatt.plots import throttled_spans

    series = xr.Dataset(
        {"throttled": (("time", "device"), np.array([[0, 0], [1, 0], [0, 1], [0, 0], [1, 0]], np.int8))},
        coords={"time": [1.0, 2, 3, 4, 5]},
    )
    assert throttled_spans(series) == [(1.0, 3.0), (4.0, 5.0)]
    assert throttled_spans(series, join=1.0) == [(1.0, 5.0)]
    assert throttled_spans(series.isel(time=[0])) == []
