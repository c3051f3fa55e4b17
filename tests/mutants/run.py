#!/usr/bin/env python3
"""Puts each deliberate bug of bugs.py into a copy of the tree and says which test case catches it.

Exit 1 when a bug survives every test of test_hardware, test_money and test_sim, or when the text that it changes is no
longer in the source (then nothing is built). A hang counts as caught. The working tree is never touched; the copy is
build/mutants/tree.
"""
import argparse
import filecmp
import html
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from bugs import BUGS

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / "build/mutants/tree"
BUILD = ROOT / "build/mutants/build"
LOG = ROOT / "build/mutants/build.log"
NOT_COPIED = {"build", ".git", ".venv", "results", ".pytest_cache"}  # at the root
PROGRAMS = ("test_hardware", "test_money", "test_sim")
SHORT = (("test_hardware", "*"), ("test_money", "*"))  # seconds both
STEPPING, OTHERS = ("test_sim", "[stepping]"), ("test_sim", "~[stepping]")
CCACHE = {"CCACHE_SLOPPINESS": "pch_defines,time_macros"}  # it never hits otherwise where headers are precompiled
MOST_MEMORY = 4 << 30  # bytes; a bug may ask for any amount


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def pattern(text):
    """Matches a text however its lines are broken."""
    return re.compile(r"\s+".join(map(re.escape, text.split())))


def misfits(bugs):
    """What keeps bugs from being put in: a text must be in its file once."""
    found = []
    for bug in bugs:
        for file, old, _ in bug.edits:
            path = ROOT / file
            count = len(pattern(old).findall(path.read_text())) if path.is_file() else 0
            if count != 1:
                found.append(f'{file}: "{bug.name}" changes a text that must be there once; it is there {count} times:\n    {old}')
    return found


def files_of(folder):
    found = set()
    for base, folders, files in os.walk(folder):
        if Path(base) == folder:
            folders[:] = [f for f in folders if f not in NOT_COPIED]
        folders[:] = [f for f in folders if f != "__pycache__"]
        found |= {Path(base, file).relative_to(folder) for file in files}
    return found


def update_copy():
    """Files that are the same keep their time, so that only what has changed is built again."""
    ours, theirs = files_of(ROOT), files_of(COPY)
    for file in theirs - ours:
        (COPY / file).unlink()
    for file in ours:
        if file not in theirs or not filecmp.cmp(ROOT / file, COPY / file, shallow=False):
            (COPY / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, COPY / file)


def put_in(bug):
    """Returns what the files held before: the working tree may change meanwhile."""
    before = {COPY / file: (COPY / file).read_text() for file, _, _ in bug.edits}
    for file, old, new in bug.edits:
        path = COPY / file
        path.write_text(pattern(old).sub(lambda _: new, path.read_text()))
    return before


def take_out(before):
    for path, text in before.items():
        path.write_text(text)


def configure():
    # Warnings off: a bug may leave something unused. Lightly optimised: most of the time goes into building.
    subprocess.run(
        ["cmake", "--preset", "release", "-B", str(BUILD), "-DCMAKE_CXX_FLAGS=-w", "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG"],
        cwd=COPY, check=True, stdout=subprocess.DEVNULL)


def build(jobs):
    with LOG.open("w") as log:
        done = subprocess.run(["cmake", "--build", str(BUILD), "--target", *PROGRAMS, "-j", str(jobs)],
                              stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **CCACHE})
    return done.returncode


class Outcome:
    def __init__(self, failed, how, test, seconds):
        self.failed, self.how, self.test, self.seconds = failed, how, test, seconds


def run_tests(which, limit):
    """Stops at the first failure; the test case that was begun last is the one that failed, crashed or hung."""
    program, cases = which
    command = [BUILD / "tests" / program, cases, "--abort", "--reporter", "xml", "--order", "decl"]
    begun = time.monotonic()
    process = subprocess.Popen(
        command, cwd=COPY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "RC_PARAMS": "seed=1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY)))
    try:
        said, _ = process.communicate(timeout=limit)
        how = "fails" if process.returncode > 0 else signal.Signals(-process.returncode).name if process.returncode else ""
    except subprocess.TimeoutExpired:
        process.kill()
        said, _ = process.communicate()
        how = "hangs"
    tests = re.findall(r'<TestCase name="(.*?)"', said.decode(errors="replace"))
    return Outcome(how != "", how, html.unescape(tests[-1]) if tests else "", time.monotonic() - begun)


def hunt(bug, limits, jobs):
    """The first test that catches a bug, or nothing."""
    before = put_in(bug)
    try:
        if status := build(jobs):
            sys.exit(f'"{bug.name}" does not build (status {status}); see {LOG}')
        for which in (*SHORT, *((STEPPING, OTHERS) if bug.in_one_stepping else (OTHERS, STEPPING))):
            outcome = run_tests(which, limits[which])
            if outcome.failed:
                return outcome
        return None
    finally:
        take_out(before)


def limits_from_sound_tree(jobs):
    say("building the tests without any bug ...")
    if status := build(jobs):
        sys.exit(f"the tree does not build (status {status}); see {LOG}")
    limits = {}
    for which in (*SHORT, STEPPING, OTHERS):
        outcome = run_tests(which, None)
        if outcome.failed:
            sys.exit(f'without any bug "{outcome.test}" {outcome.how}')
        say(f"{' '.join(which)} passes without any bug in {outcome.seconds:.0f} s")
        limits[which] = 30 + 5 * outcome.seconds
    return limits


def table(results):
    lines = ["", f"{'bug':<64}  {'caught by':<78}  after"]
    for bug, outcome in results:
        if outcome is None:
            lines.append(f"{bug.name:<64}  SURVIVED")
        else:
            test = outcome.test if outcome.how == "fails" else f"{outcome.test} ({outcome.how})"
            lines.append(f"{bug.name:<64}  {test:<78}  {outcome.seconds:.1f} s")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="only bugs whose names have one of these words; default all")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count(), help="for the compiler; default one a core")
    parser.add_argument("--check", action="store_true", help="only see that every bug still fits the source")
    options = parser.parse_args()
    missing = [w for w in options.words if not any(w in b.name for b in BUGS)]
    if missing:
        parser.error(f"no bug's name has {' or '.join(missing)}")
    bugs = [b for b in BUGS if not options.words or any(w in b.name for w in options.words)]
    wrong = misfits(BUGS)
    if wrong:
        sys.exit("\n".join(wrong))
    if options.check:
        return
    COPY.mkdir(parents=True, exist_ok=True)
    update_copy()
    configure()
    limits = limits_from_sound_tree(options.jobs)
    results = []
    for n, bug in enumerate(bugs, 1):
        outcome = hunt(bug, limits, options.jobs)
        results.append((bug, outcome))
        say(f"{n}/{len(bugs)} {bug.name}: {f'{outcome.how}: {outcome.test}' if outcome else 'SURVIVED'}")
    print(table(results))
    survivors = sum(outcome is None for _, outcome in results)
    print(f"\n{len(bugs) - survivors} of {len(bugs)} caught")
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
