"""Ctrl-C ends what takes long, and leaves nothing behind."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
import tokwatt as tw
from tokwatt import ask

SCENARIO = str(pathlib.Path(__file__).parents[2] / "scenarios" / "twelve-people-on-a-spark.yaml")
LONG = "{'duration': '90 d', 'timeline': [], 'record.requests': False}"
STUDY = f"{{'base': {SCENARIO!r}, 'axes': {{'users': {{'key': 'workload.0.users', 'values': [10, 12, 14, 16]}}}}, 'metrics': ['ttft_s.p95']}}"
CALLS = {
    "run": f"tokwatt.run({SCENARIO!r}, set={LONG}, stepping='token')",
    "compare": f"tokwatt.compare({SCENARIO!r}, systems=['spark', 'rtx-pro-6000'], set={LONG}, interval=True)",
    "capacity": f"tokwatt.capacity({SCENARIO!r}, slo='ttft_p95<2s', set={LONG}, interval=True)",
    "sensitivity": f"tokwatt.sensitivity({SCENARIO!r}, set={LONG})",
    "study": f"tokwatt.study({STUDY}, set={LONG}, output='out.h5')",
}
SECONDS = 5.0  # one is promised; machines that run tests are busy

# A shell's background job ignores the signal, and its children with it: hence Python's own handler.
SCRIPT = """
import os, signal, threading
signal.signal(signal.SIGINT, signal.default_int_handler)
import tokwatt
def alive():
    return len(os.listdir("/proc/self/task")), open(f"/proc/self/task/{{os.getpid()}}/children").read().split()
before = alive()
print("go", flush=True)
try:
    {call}
except KeyboardInterrupt:
    print("interrupted", alive() == before, flush=True)
tokwatt.run({SCENARIO!r}, set={{"duration": "1 min", "timeline": []}}, interval="off")
print("goes on", flush=True)
"""


def wait_until(holds, seconds=60.0):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.02)


def children_of(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("name", CALLS)
def test_control_c_ends_a_call(name, tmp_path):
    script = SCRIPT.format(call=CALLS[name], SCENARIO=SCENARIO)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout.readline() == "go\n"
        time.sleep(1)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted True\n", process.stderr.read()
        assert time.monotonic() - began < SECONDS
        assert process.stdout.read() == "goes on\n", process.stderr.read()
    assert [path.name for path in tmp_path.iterdir()] == (["out.h5.journal"] if name == "study" else [])


def test_who_answers_does_not_outlive_who_asks():
    script = f"import tokwatt; {CALLS['capacity']}"
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL) as asker:
        wait_until(lambda: children_of(asker.pid))
        [answerer] = children_of(asker.pid)
        time.sleep(0.5)
        asker.kill()
    wait_until(lambda: not os.path.exists(f"/proc/{answerer}"))


def test_a_process_that_dies_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "answerer.py").write_text("raise SystemExit(7)")
    monkeypatch.setattr(ask, "_HERE", tmp_path)
    with pytest.raises(RuntimeError, match="ended with 7"):
        tw.compare(SCENARIO, systems="spark")


def test_relative_paths_start_at_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "own.yaml").write_text(pathlib.Path(SCENARIO).read_text())
    monkeypatch.chdir(tmp_path)
    compared = tw.compare("own.yaml", systems="spark", set={"duration": "1 min", "timeline": []})
    assert compared.boxes.loc["spark", "status"] == "ok"


def test_a_kernel_survives():
    """As a person at a notebook: interrupt, then go on."""
    manager = pytest.importorskip("jupyter_client.manager")
    kernel, client = manager.start_new_kernel(kernel_name="python3")
    try:
        assert reply(client, "import tokwatt")["status"] == "ok"
        # Else what is asked next may come while the kernel still drops what waited behind the error.
        asked = client.execute(CALLS["sensitivity"], stop_on_error=False)
        wait_until(lambda: children_of(kernel.provisioner.pid))
        time.sleep(0.5)
        began = time.monotonic()
        kernel.interrupt_kernel()
        answer = wait_for(client, asked)
        assert answer["ename"] == "KeyboardInterrupt" and time.monotonic() - began < SECONDS
        assert reply(client, "tokwatt.show('spark')")["status"] == "ok"
        assert children_of(kernel.provisioner.pid) == []
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)


def reply(client, code):
    return wait_for(client, client.execute(code))


def wait_for(client, asked):
    while (message := client.get_shell_msg(timeout=60))["parent_header"].get("msg_id") != asked:
        pass
    return message["content"]
