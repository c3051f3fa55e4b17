"""What a task of a study costs over an executor, beside the points it computes: `.venv/bin/python bench/study_tasks.py`.

A study of points that take almost no time runs with one point a task and with many; the difference is what a task costs, in processor time
of this process and of the one worker, since other programs do not change that. The goals are
those of docs/studies.md.
"""

import argparse
import contextlib
import os
import pathlib
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import tokwatt as tw
from tokwatt import studies

SCENARIO = pathlib.Path(__file__).parents[1] / "scenarios" / "twelve-people-on-a-spark.yaml"
GOAL = {"ThreadPoolExecutor": 1e-3, "ProcessPoolExecutor": 5e-3, "dask, local cluster": 20e-3}  # s a task


def study(points: int) -> dict:
    return {
        "base": str(SCENARIO),
        "set": {"duration": "1 s", "timeline": [], "workload.0.users": 1},
        "axes": {"ambient": {"key": "environment.ambient", "from": "10 degC", "to": "40 degC", "points": points}},
        "metrics": ["power_w.wall.mean"],
    }


def used_by_worker(_now: float) -> tuple[int, float]:
    return os.getpid(), time.process_time()


def used(executor) -> float:
    """Processor time so far of this process and of the only worker [s]."""
    worker, there = executor.submit(used_by_worker, time.perf_counter()).result()
    return time.process_time() + (there if worker != os.getpid() else 0.0)


def seconds(points: int, executor, chunk: int) -> float:
    """Processor time from the first task handed out to the last answer taken in; the study is read before."""
    held, source = studies._held(study(points), [])
    start = used(executor)
    studies._run_on(executor, held, source, chunk, None)
    return used(executor) - start


def report(name: str, executor, points: int, rounds: int) -> None:
    seconds(points, executor, points)  # the worker reads the study
    few, many = (min(times) for times in zip(*((seconds(points, executor, points), seconds(points, executor, 1)) for _ in range(rounds)), strict=True))
    task = (many - few) / (points - 1)
    print(f"{name:22} {1e3 * task:6.2f} ms a task (goal {1e3 * GOAL[name]:g} ms); {points} points: {few:.3f} s in one task, {many:.3f} s in {points}")


def dask_client(stack: contextlib.ExitStack):
    try:
        import distributed
    except ImportError:
        return None
    cluster = stack.enter_context(distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None))
    return stack.enter_context(distributed.Client(cluster))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5, help="times that each is measured; the least counts")
    options = parser.parse_args()
    start = time.perf_counter()
    tw.study(study(options.points), threads=1)
    print(f"{'no executor':22} {1e3 * (time.perf_counter() - start) / options.points:6.2f} ms a point, reading the study included")
    with contextlib.ExitStack() as stack:
        for pool in (ThreadPoolExecutor, ProcessPoolExecutor):
            report(pool.__name__, stack.enter_context(pool(1)), options.points, options.rounds)
        client = dask_client(stack)
        if client is None:
            print("dask is not installed: pip install tokwatt[extras]")
        else:
            report("dask, local cluster", client, options.points, options.rounds)


if __name__ == "__main__":
    main()
