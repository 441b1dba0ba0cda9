#!/usr/bin/env python3
"""Make the files phones download: the blocks' scripts and stylesheets without comments and long local names.

    scripts/compact.py            write the .min files beside their sources (needs npm ci in tests/js)
    scripts/compact.py --check    say which .min file is behind its source; needs no Node

The compact files are committed, because ``make run`` and a partner's LMS have no Node. Each begins with a digest of
its source, which is how the check tells. Edit the sources only.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PUBLIC = ROOT / "xblocks/integra_xblocks/public"
TERSER = ROOT / "tests/js/node_modules/.bin/terser"
# What phones with two-year-old browsers run; keeps names that blocks use between files.
_OPTIONS = ["--compress", "passes=2", "--mangle", "--ecma", "2020"]


def list_sources() -> list[Path]:
    """Return the scripts and stylesheets that have a compact form, in order of name."""
    found = [path for path in PUBLIC.rglob("*") if path.suffix in (".js", ".css")]
    return sorted(path for path in found if not path.stem.endswith(".min"))


def get_target(source: Path) -> Path:
    """Return where the compact form of ``source`` stands."""
    return source.with_name(f"{source.stem}.min{source.suffix}")


def make_mark(source: Path) -> str:
    """Return the comment with which the compact form of ``source`` begins."""
    return f"/*{hashlib.sha256(source.read_bytes()).hexdigest()[:16]}*/\n"


def compact(source: Path) -> str:
    """Return the compact form of ``source``."""
    if source.suffix == ".css":
        return make_mark(source) + _compact_css(source.read_text("utf-8"))
    command = [str(TERSER), str(source), *_OPTIONS]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return make_mark(source) + done.stdout.strip() + "\n"


def _compact_css(text: str) -> str:
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"\s+", " ", text)
    # No blank is dropped before "(" or around "+" and "-": there it has a meaning.
    text = re.sub(r" ?([{};,>]) ?", r"\1", text)
    return re.sub(r": ", ":", text).replace(";}", "}").strip() + "\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(arguments)
    sources = list_sources()
    targets = {get_target(source) for source in sources}
    problems = [f"{path}: has no source" for path in sorted(PUBLIC.rglob("*.min.*")) if path not in targets]
    for source in sources:
        target = get_target(source)
        if not options.check:
            target.write_text(compact(source), "utf-8")
        elif not target.exists() or not target.read_text("utf-8").startswith(make_mark(source)):
            problems.append(f"{target}: is behind {source.name}: run scripts/compact.py")
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
