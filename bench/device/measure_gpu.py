#!/usr/bin/env python3
"""Measure what a box sheet needs of one NVIDIA GPU, and write the raw readings as JSON.

usage: measure_gpu.py OUT.json [--quick]      (about 7 minutes; --quick: one minute, for trying it out)

Reads settings, never changes them. Needs PyTorch with CUDA and nvidia-smi. What the readings mean for a sheet is
fit_gpu.py's business. `--device cpu` runs every load on the processor, so that this script can be tried without a
GPU; such a file says so and fit_gpu.py refuses it.
"""
import argparse
import datetime
import hashlib
import json
import math
import pathlib
import statistics
import subprocess
import sys
import threading
import time

import torch

K, N = 4096, 14336  # one gate or up matrix of Llama-3.1-8B
ROWS = [1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096, 8192]
WEIGHT_SETS = 4     # 117 MB each in bf16: in turn they pass through a 50 MB cache, as a model's layers do
TELEMETRY = ["power.draw.instant", "temperature.gpu", "temperature.memory", "clocks.sm", "clocks.mem"]
SAMPLE_MS = 100


class Telemetry:
    """Samples of nvidia-smi as rows [seconds since start, W, degC, degC of memory, MHz, MHz]; null where it has none."""

    def __init__(self, start, command=None):
        self.rows = []
        self._start = start
        command = command or ["nvidia-smi", "--id=0", f"--query-gpu={','.join(TELEMETRY)}",
                              "--format=csv,noheader,nounits", "-lms", str(SAMPLE_MS)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self._process.stdout:
            now = time.perf_counter() - self._start
            self.rows.append([round(now, 3)] + [number(cell) for cell in line.split(",")])

    def stop(self):
        self._process.terminate()
        self._process.wait()
        self._thread.join()
        return self.rows


def number(cell):
    try:
        return float(cell)
    except ValueError:  # "[N/A]", "[Not Supported]"
        return None


class Gpu:
    """A CUDA device: time from device events, repeated work from a captured graph, so that gaps between launches
    do not count."""

    name = "cuda"

    def synchronize(self):
        torch.cuda.synchronize()

    def repeat(self, calls):
        """A function that runs all `calls` once, with as little host work as there can be."""
        for call in calls:  # before the capture: libraries set themselves up
            call()
        self.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for call in calls:
                call()
        return graph.replay

    def elapsed(self, run):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        run()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) / 1e3


class Processor:
    """The same on the CPU, to try the script out."""

    name = "cpu"

    def synchronize(self):
        pass

    def repeat(self, calls):
        def run():
            for call in calls:
                call()
        return run

    def elapsed(self, run):
        begin = time.perf_counter()
        run()
        return time.perf_counter() - begin


class Bench:
    def __init__(self, device, quick):
        self.device = device
        self.quick = quick
        self.scale = 1 / 16 if device.name == "cpu" else 1  # of the sizes
        self.k, self.n = round(K * self.scale), round(N * self.scale)

    def random(self, *shape, dtype=torch.bfloat16):
        return torch.randn(*shape, device=self.device.name, dtype=torch.float32).to(dtype)

    def seconds(self, wanted):
        return min(wanted, 2) if self.quick else wanted

    def median_time(self, run):
        """Median of at least 5 timed runs, after one untimed; [s]."""
        run()
        times = []
        while len(times) < 5 or (sum(times) < 0.1 and len(times) < 100):
            times.append(self.device.elapsed(run))
        return statistics.median(times)

    # Matrix products: rows x K times K x N.

    def products(self, dtype, rows, calls=8):
        """`calls` products of random numbers, through several sets of weights in turn."""
        if dtype == "fp8":
            weights = [self.random(self.n, self.k).to(torch.float8_e4m3fn).t() for _ in range(WEIGHT_SETS)]
            x = self.random(rows, self.k).to(torch.float8_e4m3fn)
            one = torch.ones((), device=self.device.name)
            return [lambda w=weights[i % WEIGHT_SETS]: torch._scaled_mm(x, w, scale_a=one, scale_b=one,
                                                                        out_dtype=torch.bfloat16)
                    for i in range(calls)]
        kind = torch.bfloat16 if dtype == "bf16" else torch.float32
        weights = [self.random(self.k, self.n, dtype=kind) for _ in range(WEIGHT_SETS)]
        x = self.random(rows, self.k, dtype=kind)
        out = torch.empty(rows, self.n, device=self.device.name, dtype=kind)
        return [lambda w=weights[i % WEIGHT_SETS]: torch.mm(x, w, out=out) for i in range(calls)]

    def matmul_curve(self, dtype):
        torch.backends.cuda.matmul.allow_tf32 = dtype == "tf32"
        points, calls = [], 8
        for rows in ROWS[::4] if self.quick else ROWS:
            try:
                seconds = self.median_time(self.device.repeat(self.products(dtype, rows, calls))) / calls
            except RuntimeError as error:  # a library without this format or size: said, not hidden
                points.append({"rows": rows, "error": str(error).splitlines()[0][:200]})
                continue
            points.append({"rows": rows, "seconds": seconds})
        element = {"bf16": 2, "fp8": 1}.get(dtype, 4)
        return {"dtype": dtype, "k": self.k, "n": self.n, "bytes_per_weight": element, "points": points}

    # Streams.

    def stream_loads(self, size):
        """name -> (function, bytes moved) on arrays of `size` bytes."""
        a, b, c = (self.random(size // 4, dtype=torch.float32) for _ in range(3))
        total = torch.empty((), device=self.device.name)
        return {
            "read": (lambda: torch.sum(a, dim=0, out=total), size),
            "copy": (lambda: b.copy_(a), 2 * size),
            "triad": (lambda: torch.add(a, b, alpha=3.0, out=c), 3 * size),
        }

    def streams(self):
        points = []
        sizes = [2**20 * m for m in (1, 8, 32, 128, 512, 2048, 4096)]
        for size in sizes[::3] if self.quick else sizes:
            size = round(size * self.scale)
            for name, (load, moved) in self.stream_loads(size).items():
                calls = max(1, min(50, 2**31 // size))
                seconds = self.median_time(self.device.repeat([load] * calls)) / calls
                points.append({"load": name, "array_bytes": size, "bytes": moved, "seconds": seconds})
        return points

    # Launches.

    def launches(self):
        x = self.random(1, dtype=torch.float32)
        calls = 200 if self.quick else 2000
        call = lambda: x.add_(1.0)  # noqa: E731 - a kernel that does next to nothing

        def one_by_one():
            for _ in range(calls):
                call()
            self.device.synchronize()

        begin = time.perf_counter()
        one_by_one()
        warm = time.perf_counter()
        one_by_one()
        end = time.perf_counter()
        graph = self.median_time(self.device.repeat([call] * calls))
        return {"kernels": calls, "first_s": warm - begin, "one_by_one_s": end - warm, "graph_s": graph}

    # Loads under which power and temperature are watched.

    def phase(self, name, run, flops, moved, wanted, start):
        """Repeats `run` for `wanted` seconds; with no run, rests."""
        wanted = self.seconds(wanted)
        self.device.synchronize()
        begin = time.perf_counter()
        count = 0
        if run is None:
            time.sleep(wanted)
        else:
            each = max(self.median_time(run), 1e-6)
            burst = max(1, math.ceil(0.05 / each))  # keeps the queue full without running far ahead
            begin = time.perf_counter()
            while time.perf_counter() - begin < wanted:
                for _ in range(burst):
                    run()
                self.device.synchronize()
                count += burst
        end = time.perf_counter()
        return {"name": name, "begin_s": begin - start, "end_s": end - start, "flops": flops * count, "bytes": moved * count}

    def phases(self, start):
        def product(rows):
            calls = 8
            run = self.device.repeat(self.products("bf16", rows, calls))
            moved = 2 * (self.k * self.n + rows * (self.k + self.n))
            return run, calls * 2 * rows * self.k * self.n, calls * moved

        def stream(name):
            load, moved = self.stream_loads(round(2**31 * self.scale))[name]
            return self.device.repeat([load] * 8), 0, 8 * moved

        def cached():  # busy multiprocessors, data that stays in the cache: next to no memory traffic
            x = self.random(round(2**20 * self.scale))
            return self.device.repeat([lambda: torch.sin(x, out=x)] * 200), 0, 0

        # Dark and cool first, then from light to heavy, then the long heat-up and the long cool-down.
        plan = [("idle", None, 30), ("cached", cached, 10), ("read", lambda: stream("read"), 15),
                ("triad", lambda: stream("triad"), 15)]
        plan += [(f"matmul-{rows}", lambda rows=rows: product(rows), 10) for rows in (1, 16, 64, 128, 256, 512, 2048)]
        plan += [("rest", None, 40), ("heat-up", lambda: product(8192), 75), ("cool-down", None, 100)]
        done = []
        for name, load, wanted in plan:
            run, flops, moved = load() if load else (None, 0, 0)
            done.append(self.phase(name, run, flops, moved, wanted, start))
        return done


def provenance(device):
    facts = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "device": device.name,
        "script": "bench/device/measure_gpu.py",
        "script_sha256": hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
    }
    if device.name == "cuda":
        wanted = ["name", "driver_version", "memory.total", "power.limit", "clocks.max.sm", "clocks.max.mem"]
        said = subprocess.run(["nvidia-smi", "--id=0", f"--query-gpu={','.join(wanted)}", "--format=csv,noheader"],
                              check=True, capture_output=True, text=True).stdout
        facts.update(zip((w.replace(".", "_") for w in wanted), (cell.strip() for cell in said.split(","))))
        facts["multiprocessors"] = torch.cuda.get_device_properties(0).multi_processor_count
    return facts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    options = parser.parse_args()
    device = Gpu() if options.device == "cuda" else Processor()
    torch.manual_seed(1)
    bench = Bench(device, options.quick)
    start = time.perf_counter()
    telemetry = Telemetry(start) if device.name == "cuda" else None
    result = {"provenance": provenance(device), "quick": options.quick}
    # Powers first: the device is still at its idle temperature then.
    result["phases"] = bench.phases(start)
    result["telemetry_columns"] = ["s", "W", "degC", "degC memory", "MHz", "MHz memory"]
    result["telemetry"] = telemetry.stop() if telemetry else []
    if telemetry and not any(len(row) == 1 + len(TELEMETRY) and row[1] is not None for row in result["telemetry"]):
        sys.exit("nvidia-smi gave no power readings; it must know the fields " + ", ".join(TELEMETRY))
    result["launches"] = bench.launches()
    result["streams"] = bench.streams()
    result["matmul"] = [bench.matmul_curve(dtype) for dtype in ("bf16", "fp8", "tf32", "fp32")]
    pathlib.Path(options.out).write_text(json.dumps(result, indent=None, separators=(",", ":")) + "\n")
    print(f"{options.out}: {len(result['telemetry'])} samples in {time.perf_counter() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
