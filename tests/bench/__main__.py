"""Measure: ``python -m tests.bench [NAME …]``; 1 if anything falls short of its target."""

import argparse
import sys
from collections.abc import Sequence

from tests.bench.benchmarks import BENCHMARKS, found_apart
from tests.bench.table import Finding, foot, head, row


def main(arguments: Sequence[str]) -> int:
    """Print what each benchmark finds as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    names = parser.parse_args(arguments).names or list(BENCHMARKS)
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(BENCHMARKS)}")
    sys.stdout.write(head())
    findings: list[Finding] = []
    for name in names:
        sys.stdout.flush()
        for finding in found_apart(name):
            findings.append(finding)
            sys.stdout.write(f"{row(finding)}\n")
    sys.stdout.write(foot(findings))
    return int(any(finding.is_short for finding in findings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
