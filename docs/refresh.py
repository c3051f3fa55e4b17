#!/usr/bin/env python3
"""Keeps the docs true: `./dev docs` rewrites what they quote from the program, `./dev docs --check` only compares.

Four things are kept:
- a fenced block below `<!-- output of: COMMAND -->` is that command and what it prints (stdout; `(exit 3)` before the colon
  when it is meant to fail);
- what stands between `<!-- page of: COMMAND -->` and `<!-- end of page -->` is what that command prints, which is Markdown;
- docs/schema/scenario.schema.json is what `tokwatt schema` prints, study.schema.json what `tokwatt schema --of study` does;
- every relative link, with its #anchor, leads somewhere.

Needs nothing but Python's standard library, and the program at build/release/tokwatt.
"""
import difflib
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = {Path(f"docs/schema/{of}.schema.json"): f"build/release/tokwatt schema --of {of}" for of in ("scenario", "study")}
BLOCK = re.compile(
    r"(?P<head><!-- output of(?: \(exit (?P<exit>\d+)\))?: (?P<command>[^\n]+?) -->\n)```[a-z]*\n(?:.*?\n)??```\n", re.DOTALL
)
PAGE = re.compile(r"(?P<head><!-- page of: (?P<command>[^\n]+?) -->\n).*?(?P<tail><!-- end of page -->\n)", re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def pages():
    listed = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    for folder in ("docs", "bench", "scenarios"):
        listed += sorted((ROOT / folder).rglob("*.md"))
    return [page for page in listed if page.exists()]


def run(command, expected_exit):
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != expected_exit:
        raise SystemExit(f"{command}\nexits {done.returncode}, the docs say {expected_exit}:\n{done.stdout}{done.stderr}")
    return done.stdout


def refreshed(text):
    def block(match):
        output = run(match["command"], int(match["exit"] or 0)).strip("\n")
        return f"{match['head']}```console\n$ {match['command']}\n{output}\n```\n"

    def page(match):
        return f"{match['head']}\n{run(match['command'], 0)}\n{match['tail']}"

    return PAGE.sub(page, BLOCK.sub(block, text))


def anchors(page):
    """The #names that GitHub gives to a page's headings."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    heads = re.findall(r"^#+ +(.+?)\s*$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def broken_links(page):
    for match in LINK.finditer(FENCE.sub("", page.read_text(encoding="utf-8"))):
        target, _, anchor = match["target"].partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        there = (page.parent / target).resolve() if target else page
        if not there.exists():
            yield f"{page.relative_to(ROOT)}: link to {match['target']}: no such file"
        elif anchor and there.suffix == ".md" and anchor not in anchors(there):
            yield f"{page.relative_to(ROOT)}: link to {match['target']}: no such heading"


def main(arguments):
    check = arguments == ["--check"]
    if arguments and not check:
        raise SystemExit("refresh.py takes --check or nothing")
    wanted = {page: refreshed(page.read_text(encoding="utf-8")) for page in pages()}
    wanted |= {ROOT / path: run(command, 0) for path, command in SCHEMAS.items()}
    problems = []
    for path, text in wanted.items():
        had = path.read_text(encoding="utf-8") if path.exists() else ""
        if had == text:
            continue
        name = str(path.relative_to(ROOT))
        if check:
            diff = difflib.unified_diff(had.splitlines(), text.splitlines(), f"{name} (committed)", f"{name} (now)", lineterm="", n=1)
            problems.append("\n".join(list(diff)[:60]))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"refreshed {name}", file=sys.stderr)
    for page in pages():
        problems += broken_links(page)
    if problems:
        print("\n".join(problems), file=sys.stderr)
        print("refresh.py: the docs are not what the program says; ./dev docs refreshes outputs, links are mended by hand", file=sys.stderr)
        return 1
    print("docs are fresh", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
