"""A page for people about results: `python -m tokwatt.report`, or :meth:`tokwatt.Results.report`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from . import report_audit, report_run, report_study
from .errors import InputError
from .output import FAILURES, check_output, told, write
from .probe import check_readable
from .saved import open_results, wrong_file
from .saved_study import SavedStudy, is_study


def html_of(path: str) -> str:
    """The page about a file: a run's results, a study's, or what ``tokwatt audit -o json`` printed. :func:`check_readable` comes first."""
    if report_audit.is_audit(path):
        return report_audit.html(path)
    try:
        return report_study.html(path) if is_study(path) else report_run.html(open_results(path, probe=False))
    except InputError:
        raise
    except ValueError as error:
        raise wrong_file(path, f"holds a text that {error}; expected results of tokwatt run -o or tokwatt study -o") from error


def _read(path: str) -> None:
    """Reads what :func:`html_of` reads."""
    if not report_audit.is_audit(path):
        SavedStudy(path) if is_study(path) else open_results(path, probe=False)


def default_output(path: str) -> str:
    return os.path.splitext(path)[0] + ".html"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; the program `tokwatt` checks the options and prints the help."""
    parser = argparse.ArgumentParser(prog="tokwatt report", description=__doc__)
    parser.add_argument("results")
    parser.add_argument("-o", "--output")
    options = parser.parse_args(arguments)
    output = options.output if options.output is not None else default_output(options.results)
    try:
        check_output(output, options.results)
        if output != "-" and not output.lower().endswith((".html", ".htm")):
            raise ValueError(f"cannot write {output}: a report is a page of HTML; expected a name that ends with .html")
        check_readable(options.results, _read)
        page = html_of(options.results)
        if output == "-":
            sys.stdout.write(page)
            return 0
        write(output, page)
    except FAILURES as error:
        return told(error, output)
    sys.stderr.write(f"the report is in {output}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
