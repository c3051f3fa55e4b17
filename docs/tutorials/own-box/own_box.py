"""The tutorial's record, read; and what tokwatt says of the same tests."""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
import statistics
import subprocess

HERE = pathlib.Path(__file__).parent
RECORDED = HERE / "recorded"
BOX = HERE / "this-box.yaml"
ENGINE = "llama.cpp-cpu"
# What a person would measure of their box; all other files stand for the models that they then wonder about.
CALIBRATED_ON = (
    "qwen3-0.6b-f16.jsonl",
    "qwen3-0.6b-q8_0.jsonl",
    "qwen3-0.6b-q4_0.jsonl",
    "qwen3-0.6b-q4_k_m.jsonl",
    "qwen3-0.6b-q4_0-batched.jsonl",
    "granite-3.1-1b-a400m-q8_0.jsonl",
)


@dataclasses.dataclass(frozen=True)
class Test:
    """One row of llama-bench or llama-batched-bench. Of a batch only the decode counts, as people read it."""

    file: str  # of the record
    gguf: str
    prompt: int
    generate: int
    depth: int
    batch: int

    @property
    def kind(self) -> str:
        if self.batch > 1:
            return "batch"
        return "prefill" if self.prompt else "decode"

    @property
    def name(self) -> str:
        name = f"pp{self.prompt}" if self.prompt else f"tg{self.generate}"
        return name + (f" @ d{self.depth}" if self.depth else "") + (f" x {self.batch}" if self.batch > 1 else "")

    @property
    def model(self) -> str:
        return self.gguf.rsplit("-", 1)[0]

    @property
    def quant(self) -> str:
        return self.gguf.rsplit("-", 1)[1].removesuffix(".gguf")


@dataclasses.dataclass(frozen=True)
class Measured:
    test: Test
    rate: float  # median [tokens/s]
    sd: float


@dataclasses.dataclass(frozen=True)
class Predicted:
    rate: float  # [tokens/s]
    low: float  # 90 % interval
    high: float


def _json_lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines() if line]


def _samples(row: dict, file: str) -> tuple[Test, list[float]]:
    if "pl" in row:
        gguf = file.removesuffix("-batched.jsonl") + ".gguf"
        return Test(file, gguf, 0, row["tg"], row["pp"], row["pl"]), [row["speed_tg"]]
    test = Test(file, row["model_filename"], row["n_prompt"], row["n_gen"], row["n_depth"], 1)
    return test, row["samples_ts"]


def read() -> list[Measured]:
    """All that was measured with all processors."""
    found: dict[Test, list[float]] = {}
    for path in sorted(RECORDED.glob("*.jsonl")):
        if path.name.startswith("one-thread-"):
            continue
        for row in _json_lines(path.read_text()):
            test, samples = _samples(row, path.name)
            found.setdefault(test, []).extend(samples)
    return [Measured(t, statistics.median(s), statistics.stdev(s) if len(s) > 1 else 0.0) for t, s in found.items()]


def calibration_arguments(recorded: str = "recorded") -> list[str]:
    """Of `tokwatt calibrate`. llama-bench names the model's file in each row, llama-batched-bench names nothing: the
    --model without a name is for its rows."""
    plain = [name.removesuffix(".jsonl") for name in CALIBRATED_ON if "-batched" not in name]
    (batched,) = (name.removesuffix("-batched.jsonl") for name in CALIBRATED_ON if "-batched" in name)
    files = [f"{recorded}/{name}" for name in CALIBRATED_ON]
    named = [f"--model={name}={recorded}/models/{name}.gguf" for name in plain]
    return [*files, *named, f"--model={recorded}/models/{batched}.gguf", "--system=this-box.yaml", f"--engine={ENGINE}"]


def calibrate(tokwatt: pathlib.Path, output: str) -> str:
    """Runs `tokwatt calibrate` in this folder: the sheet goes to `output`, what it prints is returned."""
    return _run([tokwatt, "calibrate", *calibration_arguments(), "-o", output], HERE)


def predict(tokwatt: pathlib.Path, system: pathlib.Path, tests: list[Test]) -> dict[Test, Predicted]:
    """What `tokwatt bench` says of tests."""
    return {test: _predict(tokwatt, system, test) for test in tests}


def _predict(tokwatt: pathlib.Path, system: pathlib.Path, test: Test) -> Predicted:
    command = [tokwatt, "bench", "--system", system, "--model", RECORDED / "models" / test.gguf, "--engine", ENGINE]
    command += ["-p", test.prompt, "-n", test.generate, "-d", test.depth, "--npl", test.batch, "-o", "jsonl"]
    (row,) = _json_lines(_run(command))
    return Predicted(row["speed_tg"] if test.batch > 1 else row["avg_ts"], row["avg_ts_low"], row["avg_ts_high"])


def _run(command: list, folder: pathlib.Path | None = None) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=folder)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


@dataclasses.dataclass(frozen=True)
class Score:
    tests: int
    error: float  # median of |predicted / measured - 1|, on the scale of logarithms
    worst: float
    covered: int  # measured within the 90 % interval


def score(measured: list[Measured], predicted: dict[Test, Predicted]) -> Score:
    off = [abs(math.log(predicted[m.test].rate / m.rate)) for m in measured]
    covered = sum(predicted[m.test].low <= m.rate <= predicted[m.test].high for m in measured)
    return Score(len(measured), math.expm1(statistics.median(off)), math.expm1(max(off)), covered)
