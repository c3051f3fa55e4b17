"""A page for people about results: `python -m tokwatt.report`, or :meth:`tokwatt.Results.report`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from . import report_audit, report_run
from .calibrate import write
from .errors import InputError
from .saved import open_results


def html_of(path: str) -> str:
    """The page about a file: a run's results, or what ``tokwatt audit -o json`` printed."""
    if report_audit.is_audit(path):
        return report_audit.html(path)
    return report_run.html(open_results(path))


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
        if output != "-" and (os.path.isdir(output) or output.endswith("/") or not output):
            raise ValueError(f"cannot write {output}: it is a folder; expected a file")
        if os.path.exists(output) and os.path.exists(options.results) and os.path.samefile(output, options.results):
            raise ValueError(f"cannot write {output}: it is what the report is of; expected another name")
        page = html_of(options.results)
        if output == "-":
            sys.stdout.write(page)
            return 0
        write(output, page)
    except InputError as error:
        sys.stderr.write(str(error))
        return 3
    except ValueError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"error: cannot write {output}: {error.strerror}\n")
        return 3
    sys.stderr.write(f"the report is in {output}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
