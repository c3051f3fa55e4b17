"""tokwatt.study: the same dataset, whoever computes it."""

import json
import pathlib
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
import tokwatt as tw
import xarray as xr
from tokwatt import studies
from tokwatt.saved_study import SavedStudy

SET = {"duration": "5 min", "timeline": []}


@pytest.fixture(scope="module")
def mapping():
    base = pathlib.Path(__file__).parents[2] / "scenarios" / "twelve-people-on-a-spark.yaml"
    return {
        "title": "Few people",
        "base": str(base),
        "axes": {
            "users": {"key": "workload.0.users", "values": [1, 2, 5]},
            "box": {"key": "systems.desk.sheet", "values": ["dgx-spark", "rtx-4090"]},
        },
        "metrics": ["ttft_s.p95", "power_w.wall.mean"],
        "constraints": ["ttft_s.p95 < 2 s"],
    }


@pytest.fixture(scope="module")
def serial(mapping):
    return tw.study(mapping, set=SET, threads=1)


@pytest.fixture(scope="module")
def dask_client():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_it_is_the_file_of_the_command(mapping, serial, tmp_path):
    (tmp_path / "study.yaml").write_text(json.dumps(mapping))
    program = pathlib.Path(sys.executable).parent / "tokwatt"
    options = [f"--set={option}" for option in ("duration=5 min", "timeline=[]")]
    subprocess.run([program, "study", tmp_path / "study.yaml", *options, "-o", tmp_path / "cli.h5", "--quiet"], check=True, capture_output=True)
    with xr.open_dataset(tmp_path / "cli.h5", engine="h5netcdf") as file:
        xr.testing.assert_equal(serial, file)
        assert list(serial.variables) == list(file.variables)
        assert serial["ttft_s.p95"].attrs == file["ttft_s.p95"].attrs
        assert serial.attrs == {name: file.attrs[name] for name in serial.attrs}
    again = tw.study(tmp_path / "study.yaml", set=SET, output=tmp_path / "new" / "python.h5")
    xr.testing.assert_identical(again, serial)
    assert (tmp_path / "new" / "python.h5").read_bytes() == (tmp_path / "cli.h5").read_bytes()
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["python.h5"]
    assert SavedStudy(str(tmp_path / "cli.h5")).texts["set"] == "duration=5 min\ntimeline=[]\n"


def test_points_say_what_became_of_them(serial):
    status = serial["status"]
    assert status.dims == ("users", "box")
    words = np.array(status.attrs["flag_meanings"].split())[status.values]
    assert (words[:, 0] == "ok").all() and (words[:, 1] == "does_not_fit").all()
    assert np.isnan(serial["ttft_s.p95"].values[:, 1]).all() and (serial["feasible"].values[:, 0] == 1).all()
    assert "would fit" in serial["reason"].values[0, 1] or "but" in serial["reason"].values[0, 1]
    run = tw.run(pathlib.Path(__file__).parents[2] / "scenarios" / "twelve-people-on-a-spark.yaml", set={**SET, "workload.0.users": 5})
    assert serial["ttft_s.p95"].sel(users=5, box="dgx-spark").item() == run.summary["ttft_s"]["p95"]


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
@pytest.mark.parametrize("chunk", [None, 4])
def test_an_executor_gives_what_one_thread_gives(mapping, serial, pool, chunk):
    done = []
    with pool(2) as executor:
        points = tw.study(mapping, set=SET, executor=executor, chunk=chunk, progress=lambda *now: done.append(now))
    xr.testing.assert_identical(points, serial)
    assert done == ([(4, 6), (6, 6)] if chunk else [(n, 6) for n in range(1, 7)])


def test_dask_gives_what_one_thread_gives(mapping, serial, dask_client, tmp_path):
    xr.testing.assert_identical(tw.study(mapping, set=SET, executor=dask_client, chunk=2), serial)
    tw.study(mapping, set=SET, output=tmp_path / "pool.h5")
    tw.study(mapping, set=SET, executor=dask_client.get_executor(), output=tmp_path / "dask.h5")
    assert (tmp_path / "dask.h5").read_bytes() == (tmp_path / "pool.h5").read_bytes()


class Failing:
    """Computes two tasks, and fails at the third."""

    def __init__(self):
        self.tasks = 0

    def submit(self, function, *arguments):
        self.tasks += 1
        pool = ThreadPoolExecutor(1)
        return pool.submit(function if self.tasks < 3 else self.fail, *arguments)

    @staticmethod
    def fail(*_):
        raise OSError("the worker is gone")


def test_an_interrupted_study_goes_on(mapping, serial, tmp_path):
    path = tmp_path / "out.h5"
    with pytest.raises(OSError, match="the worker is gone"):
        tw.study(mapping, set=SET, executor=Failing(), chunk=1, output=path)
    assert not path.exists()
    assert len((tmp_path / "out.h5.journal").read_text().splitlines()) == 3
    seen = []
    with ThreadPoolExecutor(1) as executor:
        points = tw.study(mapping, set=SET, executor=executor, chunk=1, output=path, progress=lambda *now: seen.append(now))
    assert seen[0] == (3, 6)
    xr.testing.assert_identical(points, serial)


def test_what_ends_a_study(mapping):
    def stop(done, points):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tw.study(mapping, set=SET, progress=stop)
    with pytest.raises(TypeError, match="has no submit"):
        tw.study(mapping, executor=4)
    with pytest.raises(ValueError, match="chunk is 0"):
        tw.study(mapping, executor=ThreadPoolExecutor(1), chunk=0)
    with pytest.raises(ValueError, match="expected both"):
        tw.study(mapping, chunk=3)


def test_a_worker_that_reads_other_files_is_refused(mapping):
    held, source = studies._held(mapping, [])
    with pytest.raises(RuntimeError, match="this worker reads another scenario"):
        studies.answers_at(source, "0" * 64, [0])
    with pytest.raises(IndexError):
        held.lines_at([99])
    with pytest.raises(ValueError, match="no answer of the study"):
        held.add_lines(['{"point":99,"status":"ok"}'])


def test_mistakes_have_their_place(mapping, tmp_path):
    (tmp_path / "study.yaml").write_text(f"base: {mapping['base']}\naxes: {{users: {{key: workload.0.user, values: [1]}}}}\nmetrics: [ttft_p96]\n")
    with pytest.raises(tw.InputError) as caught:
        tw.study(tmp_path / "study.yaml", set={"duration": "5 kg"})
    places = {(pathlib.Path(e.file).name, e.line) for e in caught.value.errors}
    assert ("study.yaml", 2) in places and any(name.startswith("--set duration") for name, _ in places)


def test_the_picture_suits_the_axes(mapping, serial):
    figure = serial.tokwatt.plot()
    assert {trace.name for trace in figure.data} == {"dgx-spark", "rtx-4090"} and len(figure.data) == 4
    assert list(figure.data[0].x) == [1, 2, 5]
    one = serial.isel(box=0).tokwatt.plot("ttft_s.p95")
    assert len(one.data) == 1 and one.data[0].mode == "lines+markers"
    bars = serial.isel(users=0).tokwatt.plot("power_w.wall.mean")
    assert bars.data[0].type == "bar"
    with pytest.raises(KeyError, match="ttft_s.p96"):
        serial.tokwatt.plot("ttft_s.p96")
    with pytest.raises(ValueError, match="of no study"):
        xr.Dataset().tokwatt.plot()


def test_a_map_and_a_sample_have_their_pictures(mapping):
    grid = mapping | {
        "axes": {
            "users": {"key": "workload.0.users", "values": [1, 2, 4, 8]},
            "ambient": {"key": "environment.ambient", "from": "20 degC", "to": "35 degC", "points": 4},
        },
        "constraints": ["power_w.wall.mean < 60 W"],
    }
    points = tw.study(grid, set=SET)
    figure = points.tokwatt.plot("power_w.wall.mean")
    assert figure.data[0].type == "heatmap" and len(figure.data[1].x) == int((points["feasible"] == 0).sum()) > 0
    with pytest.raises(ValueError, match="3 axes"):
        points.expand_dims(third=[1, 2]).tokwatt.plot()
    draws = grid | {
        "axes": {"draw": {"key": "calibration.draw", "from": 1, "to": 16}},
        "sample": {"axes": ["draw"], "points": 8},
        "constraints": [],
    }
    assert tw.study(draws, set=SET).tokwatt.plot().data[0].type == "histogram"
