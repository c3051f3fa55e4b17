"""What a task of a study costs over an executor, beside the points it computes: `.venv/bin/python bench/study_tasks.py`.

A study of points that take almost no time runs with one point a task and with many; the difference is what a task costs. The goals are
those of docs/studies.md.
"""

import argparse
import pathlib
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import tokwatt as tw

SCENARIO = pathlib.Path(__file__).parents[1] / "scenarios" / "twelve-people-on-a-spark.yaml"
GOAL = {"ThreadPoolExecutor": 1e-3, "ProcessPoolExecutor": 5e-3, "dask, local cluster": 20e-3}  # s a task


def study(points: int) -> dict:
    return {
        "base": str(SCENARIO),
        "set": {"duration": "1 s", "timeline": [], "workload.0.users": 1},
        "axes": {"ambient": {"key": "environment.ambient", "from": "10 degC", "to": "40 degC", "points": points}},
        "metrics": ["power_w.wall.mean"],
    }


def seconds(points: int, executor, chunk: int) -> float:
    """The least of three runs, on workers that have read the study."""
    tw.study(study(points), executor=executor, chunk=chunk)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        tw.study(study(points), executor=executor, chunk=chunk)
        times.append(time.perf_counter() - start)
    return min(times)


def report(name: str, executor, points: int) -> None:
    few, many = seconds(points, executor, points), seconds(points, executor, 1)
    task = (many - few) / (points - 1)
    print(f"{name:22} {1e3 * task:6.2f} ms a task (goal {1e3 * GOAL[name]:g} ms); {points} points: {few:.2f} s in one task, {many:.2f} s in {points}")


def dask_client():
    try:
        import distributed
    except ImportError:
        return None
    return distributed.Client(n_workers=1, threads_per_worker=1, dashboard_address=None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=200)
    points = parser.parse_args().points
    start = time.perf_counter()
    tw.study(study(points), threads=1)
    print(f"{'no executor':22} {1e3 * (time.perf_counter() - start) / points:6.2f} ms a point, reading the study included")
    for pool in (ThreadPoolExecutor, ProcessPoolExecutor):
        with pool(1) as executor:
            report(pool.__name__, executor, points)
    client = dask_client()
    if client is None:
        print("dask is not installed: pip install tokwatt[extras]")
        return
    with client:
        report("dask, local cluster", client, points)


if __name__ == "__main__":
    main()
