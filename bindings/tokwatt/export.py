"""Results as other tools read them: `python -m tokwatt.export`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from . import export_csv, export_perfetto, export_vllm
from .output import FAILURES, check_output, told, write
from .probe import check_readable
from .results import Results
from .saved import open_results, wrong_file

_LIMIT = 20_000


def text_of(results: Results, options: argparse.Namespace) -> tuple[str, list[str]]:
    """The file's text, and what is to be said of it."""
    if options.as_ == "csv":
        return export_csv.text(results, options.table or "requests"), []
    if options.as_ == "perfetto":
        trace, notes = export_perfetto.trace(results, limit=_LIMIT if options.limit is None else options.limit)
        return _json(trace), notes
    result, notes = export_vllm.result(results, deployment=options.deployment or "", detailed=options.detailed)
    return _json(result), notes


def _read(path: str) -> Results:
    """Without a probe: :func:`check_readable` is one."""
    return open_results(path, probe=False)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def _check(options: argparse.Namespace) -> None:
    """Refuses options that belong to another format."""
    of = {"table": "csv", "limit": "perfetto", "deployment": "vllm-bench", "detailed": "vllm-bench"}
    for name, format_ in of.items():
        if getattr(options, name) and options.as_ != format_:
            raise ValueError(f"--{name} goes with --as {format_}, not with --as {options.as_}")
    if options.limit is not None:
        if not options.limit.isdigit() or not 0 < int(options.limit) <= 10_000_000:
            raise ValueError(f'--limit is "{options.limit}"; expected a number of requests, 1 to 10,000,000')
        options.limit = int(options.limit)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; the program `tokwatt` checks the options and prints the help."""
    parser = argparse.ArgumentParser(prog="tokwatt export", description=__doc__)
    parser.add_argument("results")
    parser.add_argument("--as", dest="as_", required=True, choices=("vllm-bench", "perfetto", "csv"))
    parser.add_argument("-o", "--output", default="-")
    parser.add_argument("--table")
    parser.add_argument("--deployment")
    parser.add_argument("--detailed", action="store_true")
    parser.add_argument("--limit")
    options = parser.parse_args(arguments)
    try:
        _check(options)
        check_output(options.output, options.results)
        check_readable(options.results, _read)
        results = _read(options.results)
        try:
            text, notes = text_of(results, options)
        except KeyError as error:  # a group that the run did not record
            raise wrong_file(options.results, f"{error.args[0]}; expected a run that recorded it") from error
        if options.output == "-":
            sys.stdout.write(text)
            sys.stdout.flush()
        else:
            write(options.output, text)
    except FAILURES as error:
        return told(error, options.output)
    sys.stderr.write("".join(f"note: {note}\n" for note in notes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
