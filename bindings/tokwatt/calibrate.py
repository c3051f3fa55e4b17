"""Fits a box's sheet to what was measured on it: `python -m tokwatt.calibrate`, or :func:`calibrate`."""

from __future__ import annotations

import argparse
import collections
import dataclasses
import datetime
import os
import re
import shlex
import sys
from collections.abc import Sequence

import numpy as np

from . import _core, bench_files, overlay, own_box
from .bench_rows import Read, Reading
from .calibrate_report import engine_report, labels, next_lines, notes_lines, percent, unused_lines
from .calibration import Problem
from .errors import Infeasible
from .errors import Problem as Mistake
from .file_names import Mapping, Models, chips_in, other_quant, quant_in, stem, vendors_in
from .output import FAILURES, told, write


@dataclasses.dataclass
class EngineFit:
    """The fit of one engine."""

    engine: str
    readings: list[Reading]
    problem: Problem
    fitted: own_box.Posterior
    use: np.ndarray
    kind: tuple[str, str]  # unpack and family of the most rows
    estimates: list[own_box.Estimate]
    above: list[str]  # rows above the roofline, with the arithmetic
    flash_attention: bool | None  # how most rows ran, where the box's sheet says otherwise


@dataclasses.dataclass
class Calibrated:
    """What :func:`calibrate` found.

    Attributes
    ----------
    engines : list of EngineFit
        Parameters before and after, residuals and what identified them, by engine.
    unused : list of (file, line, reason)
        Rows that were not used.
    notes : list of str
        What of the files may not be meant so.
    """

    system: str
    box: str
    title: str
    files: list[overlay.MeasuredFile]
    engines: list[EngineFit]
    unused: list[tuple[str, int, str]]
    notes: list[str] = dataclasses.field(default_factory=list)

    def sheet(self, path: str, date: datetime.date | None = None) -> str:
        """The text of a sheet to be written to `path`."""
        base = self.system
        if os.path.exists(base):
            base = os.path.relpath(base, os.path.dirname(os.path.abspath(path)))
            base = base if "/" in base or base.endswith((".yaml", ".yml")) else f"./{base}"
        return overlay.text(
            identifier=_identifier(path),
            title=f"{self.title}, as measured",
            base=base,
            files=self.files,
            results=[self._result(e) for e in self.engines],
            version=_core.__version__,
            date=date or datetime.date.today(),
        )

    def _result(self, fit: EngineFit) -> overlay.EngineResult:
        used = {r.file for r, weight in zip(fit.readings, fit.use, strict=True) if weight > 0}
        numbers = [n for n, f in enumerate(self.files, 1) if f.path in used]
        said = [
            f"{part}: median error {percent(after)} (before {percent(before)}, {rows} rows)"
            for part, rows, before, after in median_errors(fit)
        ]
        return overlay.EngineResult(
            fit.engine, fit.fitted, fit.estimates, kind_text(fit.kind), said, numbers, fit.flash_attention
        )

    def report(self, path: str) -> str:
        """What was found, for people; at most 80 columns."""
        lines = notes_lines(self.notes)
        for fit in self.engines:
            lines += engine_report(self, fit, kind_text(fit.kind), median_errors(fit))
        lines += unused_lines(self.unused)
        if any("measurements.csv" in f.tools for f in self.files):
            lines += [
                "What comes with the program was fitted to these rows of measurements.csv already:",
                "they count twice.",
            ]
        one = self.engines[0]
        row = collections.Counter(
            (r["model"], r.get("quant", "")) for r, w in zip(one.problem.rows, one.use, strict=True) if w > 0
        ).most_common(1)[0][0]
        lines += [""] * (lines[-1] != "")
        options = {"--system": path, "--model": row[0], "--quant": row[1], "--engine": one.engine}
        lines += next_lines(path, [f"{key} {shlex.quote(value)}" for key, value in options.items() if value])
        return "\n".join(lines) + "\n"


def kind_text(kind: tuple[str, str]) -> str:
    """Weights and models in words."""
    unpack, family = kind
    return f"{unpack} weights and models of family {family}" if family else f"{unpack} weights"


def median_errors(fit: EngineFit) -> list[tuple[str, int, float, float]]:
    """(prefill or decode, rows, median error before, after)."""
    out = []
    for part, decode in (("prefill", False), ("decode", True)):
        chosen = (fit.problem.decode == decode) & (fit.use > 0)
        if chosen.any():
            before, after = (
                np.median(np.abs(np.expm1(p - fit.problem.measured)[chosen]))
                for p in (fit.fitted.before, fit.fitted.after)
            )
            out.append((part, int(chosen.sum()), float(before), float(after)))
    return out


def _identifier(path: str) -> str:
    name = re.sub(r"\.ya?ml$", "", os.path.basename(path))
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "my-box"


def calibrate(
    paths: Sequence[str | os.PathLike[str]],
    *,
    system: str = "",
    engine: str = "",
    models: Sequence[str] = (),
    quants: Sequence[str] = (),
) -> Calibrated:
    """Fits what engines get out of a box to what was measured on it.

    Parameters
    ----------
    paths : sequence of path
        Results of llama-bench, llama-batched-bench, ``vllm bench serve``, guidellm, or a measurements.csv.
    system : str
        Box: an id, an alias or a path to a sheet. May be left out where the files name one.
    engine : str
        Engine, where the files do not name it.
    models, quants : sequence of str
        An id for all rows, or ``"NAME IN FILE=ID"``.

    Raises
    ------
    InputError
        With every mistake in the files, and every name that is not known.
    Infeasible
        No row can be priced on this box.
    """
    read = bench_files.read(paths)
    read.raise_mistakes()
    system = system or _system_of(read)
    whole = _core.believed(system, engine or "llama.cpp-cuda")
    ids = {whole["box"], *whole["base_ids"]}
    notes = _check_chips(read, whole)
    by_engine = _by_engine(read, ids, whole["engine"] if engine else "")
    if not by_engine:
        # What was read is right, but nothing of it can be used.
        reasons = "\n".join(unused_lines(read.unused))
        raise Infeasible(f"no row of the files can be used\n{reasons}".rstrip())
    tests = _named(read, by_engine, Mapping.of("--model", models), Mapping.of("--quant", quants), system)
    fits = [
        _fit_engine(name, rows, tests, system, engine if engine else name, read)
        for name, rows in sorted(by_engine.items())
    ]
    files = _files(paths, [r for f in fits for r, w in zip(f.readings, f.use, strict=True) if w > 0])
    return Calibrated(system, whole["box"], whole["box_title"], files, fits, read.unused, notes)


def _check_chips(read: Read, whole: dict) -> list[str]:
    """Notes on rows that name another chip than the box has; raises InputError where it is that of another box."""
    names = {r.gpu for r in read.readings} - {""}
    if all(chips_in(name) & chips_in(whole["box_title"]) for name in names):
        return []
    titles = {identifier: _core.believed(identifier, "llama.cpp")["box_title"] for identifier in _box_ids()}
    about = " ".join([whole["box_title"], *(titles.get(i, "") for i in whole["base_ids"])])
    ours = chips_in(about)
    notes: dict[str, str] = {}
    wrong: set[tuple[str, str]] = set()
    for r in read.readings:
        named = chips_in(r.gpu)
        alike = named & ours if named else not vendors_in(r.gpu) or vendors_in(r.gpu) & vendors_in(about)
        if alike or (r.file, r.gpu) in wrong:
            continue
        others = [identifier for identifier, title in titles.items() if named & chips_in(title)]
        box = f"{whole['box']} ({whole['box_title']})"
        if others and ours:
            wrong.add((r.file, r.gpu))
            text = f'measured on "{r.gpu}", but --system is {box}; expected --system {" or ".join(others)}'
            read.mistakes.append(Mistake(r.file, r.line, 0, text))
        else:
            notes.setdefault(r.gpu, f'{r.file}:{r.line}: measured on "{r.gpu}"; --system is {box}. Is it that box?')
    read.raise_mistakes()
    return list(notes.values())


def _box_ids() -> list[str]:
    return [identifier for identifier, _, _ in _core.calibrated_systems()]


def _system_of(read: Read) -> str:
    systems = sorted({r.system for r in read.readings if r.system})
    if len(systems) == 1 and all(r.system for r in read.readings):
        return systems[0]
    several = f"; the files name {', '.join(systems)}" if systems else "; the files do not name the box"
    raise ValueError(f"missing --system{several}")


def _by_engine(read: Read, boxes: set[str], asked: str) -> dict[str, list[Reading]]:
    """Rows of this box by engine; the others are told."""
    out: dict[str, list[Reading]] = {}
    known = {e[0] for e in _core.calibrated_engines()}
    for r in read.readings:
        if r.system and r.system not in boxes:
            read.unused.append((r.file, r.line, "measured on another box"))
        elif asked and r.engine and r.engine != asked and asked in known:
            read.unused.append((r.file, r.line, f"measured with {r.engine}"))
        elif not (asked or r.engine):
            read.mistakes.append(
                Mistake(r.file, r.line, 0, f"a row of {r.tool} does not say which engine ran; expected --engine")
            )
        else:
            out.setdefault(asked or r.engine, []).append(r)
    read.raise_mistakes()
    return out


def _named(
    read: Read, by_engine: dict[str, list[Reading]], models: Mapping, quants: Mapping, system: str
) -> dict[int, dict]:
    """Each row's test with its names, by the row's identity; raises InputError for names that are not known."""
    known = Models()
    out: dict[int, dict] = {}
    rows = [(engine, r) for engine, readings in by_engine.items() for r in readings]
    mistakes: dict[str, Mistake] = {}
    own: dict[str, str] = {}
    for engine, r in rows:
        model, native = models.meant(r), ""
        if not model:
            found = known.named(r.model, r.model_file, r.parameters)
            model, native = found.model, found.native_quant
            if found.why:
                mistakes.setdefault(found.why, Mistake(r.file, r.line, 0, found.why))
        asked = quants.meant(r)
        for why in _contradictions(known, r, models.meant(r), asked):
            mistakes.setdefault(why, Mistake(r.file, r.line, 0, why))
        quant = asked or r.quant or quant_in(stem(r.model_file), r.model)
        if model and not quant and model not in own:
            own[model] = _core.own_quant(model) if os.path.exists(model) else native
        if model and not (quant or own.get(model)):
            why = f'the file does not say in which quant "{r.model or model}" is; expected --quant'
            mistakes.setdefault(why, Mistake(r.file, r.line, 0, why))
        quant = quant or ("" if model.endswith(".gguf") or os.path.isdir(model) else own.get(model, ""))
        out[id(r)] = {"system": system, "engine": engine, "model": model, "quant": quant, **r.test}
    for mapping in (models, quants):
        for text in mapping.mistakes(r for _, r in rows):
            mistakes.setdefault(text, Mistake("", 0, 0, text))
    read.mistakes += mistakes.values()
    read.raise_mistakes()
    _core.check_names(sorted({t["model"] for t in out.values()}), sorted({t["quant"] for t in out.values()} - {""}))
    return out


def _contradictions(known: Models, reading: Reading, model: str, quant: str) -> list[str]:
    """Where the options say of a row what cannot be."""
    out = []
    size = known.other_size(model, reading.parameters)
    name = reading.model or stem(reading.model_file)
    if size:
        out.append(
            f'--model is {model} ({size / 1e9:.2f} B parameters), but "{name}" has {reading.parameters / 1e9:.2f} B; '
            'expected a model of that size, or --model "NAME IN FILE=ID" for several models'
        )
    other = other_quant(quant, reading) if quant else ""
    if other:
        out.append(
            f'--quant is {quant}, but "{name}" is {other}; '
            'expected none, or --quant "NAME IN FILE=ID" for several models'
        )
    return out


def _fit_engine(
    name: str, readings: list[Reading], tests: dict[int, dict], system: str, asked: str, read: Read
) -> EngineFit:
    believed = _core.believed(system, asked)
    rows = [tests[id(r)] | {"engine": asked} for r in readings]
    problem = Problem(rows, [r.rate for r in readings])
    for i, why in problem.errors.items():
        read.unused.append((readings[i].file, readings[i].line, why.splitlines()[0].removeprefix("error: ")))
    kept = [readings[i] for i in problem.kept]
    if not kept:
        first = next(iter(problem.errors.values()), "")
        raise Infeasible(f"no row can be priced on {believed['box']} with {believed['engine']}: {first}")
    use = own_box.weights_of(problem)
    above = []
    for i, (r, about) in enumerate(zip(kept, problem.about, strict=True)):
        if 0 <= r.gpu_layers < about["layers"] and "cpu" not in believed["engine"]:
            use[i] = 0
            read.unused.append(
                (r.file, r.line, f"{r.gpu_layers} of {about['layers']} layers on the device (n_gpu_layers)")
            )
        elif problem.measured[i] > problem.bound[i]:
            use[i] = 0
            above.append(f"{r.file}:{r.line}: {arithmetic(problem.rows[i], about, r.rate)}")
    if not use.any():
        why = "".join(f"\nabove the roofline: {a}" for a in above)
        raise Infeasible("\n".join([f"no row is left to fit{why}", *unused_lines(read.unused)]))
    prior = own_box.prior_of(
        believed, sorted({p.unpack for p in problem.places}), sorted({p.family for p in problem.places})
    )
    if not len(prior.point):
        raise Infeasible(
            f"nothing is left to fit: the sheets give every parameter of {believed['engine']} on {believed['box']}"
        )
    fitted = own_box.fit(problem, prior, use)
    kinds = collections.Counter((p.unpack, p.family) for p, w in zip(problem.places, use, strict=True) if w > 0)
    kind = kinds.most_common(1)[0][0]
    estimates = own_box.estimates(problem, fitted, *kind, labels(problem.rows), _believed_tuning(believed, *kind))
    ran = sum(w * (1 if a["flash_attention"] else -1) for w, a in zip(use, problem.about, strict=True)) > 0
    other = ran if ran != believed["flash_attention"] else None
    return EngineFit(believed["engine"], kept, problem, fitted, use, kind, estimates, above, other)


def _believed_tuning(believed: dict, unpack: str, family: str) -> np.ndarray:
    """What is believed for some weights and models, linked."""
    value = np.array(believed["base"]["value"])
    free = ~np.array(believed["fixed"])
    for level, name in (("by_unpack", unpack), ("by_family", family)):
        known = own_box.known_of(believed, level, name)
        if known:
            value = value + free * np.array(known["value"])
    return value


def arithmetic(test: dict, about: dict, rate: float) -> str:
    """Why a rate is above the roofline."""
    part = f"tg{test['generate']}" if test.get("generate") else f"pp{test['prompt']}"
    memory, compute, tokens = about["bound_memory_s"], about["bound_compute_s"], about["bound_tokens"]
    return (
        f"{part} of {about['model']} {about['quant']}: {rate:.4g} t/s measured, "
        f"{tokens} tokens in {tokens / rate * 1e3:.4g} ms; "
        f"at the vendor's peaks they take {memory * 1e3:.4g} ms to move {memory * about['bandwidth'] / 1e9:.4g} GB at "
        f"{about['bandwidth'] / 1e9:.4g} GB/s and {compute * 1e3:.4g} ms to compute: at most {about['bound']:.4g} t/s"
    )


def _files(paths: Sequence[str | os.PathLike[str]], used: Sequence[Reading]) -> list[overlay.MeasuredFile]:
    out = []
    for path in map(os.fspath, paths):
        rows = [r for r in used if r.file == path]
        if rows:
            tools, builds = (sorted({getattr(r, key) for r in rows} - {""}) for key in ("tool", "build"))
            out.append(overlay.MeasuredFile(path, len(rows), tools, builds))
    return out


def check_output(path: str, system: str) -> None:
    """Raises ValueError where the sheet must not be written."""
    if os.path.isdir(path) or path.endswith("/"):
        raise ValueError(f"cannot write {path}: it is a folder; expected a file")
    if not path.endswith((".yaml", ".yml")):
        raise ValueError(f'-o is "{path}"; expected a name that ends in .yaml')
    if not os.path.exists(path):
        return
    if os.path.exists(system) and os.path.samefile(path, system):
        raise ValueError(f"cannot write {path}: the new sheet rests on it; expected another name")
    with open(path, encoding="utf-8", errors="replace") as file:
        if not file.readline().startswith(overlay.FIRST_LINE):
            raise ValueError(
                f"cannot write {path}: it is there, and was not written by tokwatt calibrate; expected another name"
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; the program `tokwatt` checks the options and prints the help."""
    parser = argparse.ArgumentParser(prog="tokwatt calibrate", description=__doc__)
    parser.add_argument("measurements", nargs="+")
    parser.add_argument("--system", default="")
    parser.add_argument("--engine", default="")
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--quant", action="append", default=[])
    parser.add_argument("-o", "--output", default="")
    options = parser.parse_args(arguments)
    try:
        if options.output:
            check_output(options.output, options.system)
        found = calibrate(
            options.measurements,
            system=options.system,
            engine=options.engine,
            models=options.model,
            quants=options.quant,
        )
        path = options.output or f"{found.box}.calibrated.yaml"
        check_output(path, found.system)
        write(path, found.sheet(path))
    except FAILURES as error:
        return told(error, options.output or "the sheet")
    sys.stdout.write(found.report(path))
    return 0


if __name__ == "__main__":
    sys.exit(main())
