"""Measure: ``python -m tests.bench [NAME …]``; 1 if anything falls short of its target."""

import argparse
import sys
from collections.abc import Sequence

from tests.bench.benchmarks import BENCHMARKS, BY_NAME_ONLY, found_apart
from tests.bench.table import Finding, foot, head, row


def main(arguments: Sequence[str]) -> int:
    """Print what each benchmark finds as soon as it is known."""
    names, share = asked(arguments)
    sys.stdout.write(head())
    findings: list[Finding] = []
    for name in names:
        sys.stdout.flush()
        for finding in found_apart(name, share=share):
            findings.append(finding)
            sys.stdout.write(f"{row(finding)}\n")
    sys.stdout.write(foot(findings))
    return int(any(finding.is_short for finding in findings))


def asked(arguments: Sequence[str]) -> tuple[list[str], float]:
    """The names of what is to be measured, and how much of it.

    Raises:
        SystemExit: What was asked for is not there, or help was.
    """
    known = [*BENCHMARKS, *BY_NAME_ONLY]
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    only = f"only if named: {', '.join(BY_NAME_ONLY)}"
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)}; {only}")
    parser.add_argument(
        "--share", type=float, default=1.0, help="how much of it: 0.2 is quick and rough"
    )
    found = parser.parse_args(arguments)
    unknown = set(found.names) - set(known)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    if not 0 < found.share <= 1:
        parser.error("--share is more than 0 and at most 1")
    return found.names or list(BENCHMARKS), found.share


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
