#!/usr/bin/env python3
"""Runs every vector and prints a count for each file; exits with 1 when a case ends otherwise than its file says."""

import json
import sys
from pathlib import Path

import decisions
import documents_vectors
import example
import journal
import tickets_vectors

VECTORS = Path(__file__).resolve().parents[1] / "vectors"

# Folder of `tests/vectors`, and what finds the mismatches of one of its files.
FOLDERS = {
    "tickets": tickets_vectors.mismatches,
    "documents": documents_vectors.mismatches,
    "decisions": decisions.mismatches,
    "journal": journal.mismatches,
}


def report(what: str, cases: int, mismatches: list) -> bool:
    """Prints a line, and one for each mismatch; whether there was none."""
    print(f"{cases:5} {'cases hold' if not mismatches else f'cases, {len(mismatches)} WRONG'}  {what}")
    for name, expected, found in mismatches:
        print(f"      {name}\n        expected {expected}\n        found    {found}")
    return not mismatches


def main() -> int:
    good = report("shared/README.md, worked example", example.count(), list(example.mismatches()))
    for folder, mismatches in FOLDERS.items():
        files = sorted((VECTORS / folder).glob("*.json"))
        if not files:
            print(f"there are no vectors in {folder}")
            good = False
        for path in files:
            content = json.loads(path.read_text("utf-8"))
            good &= report(f"{folder}/{path.name}", len(content["cases"]), list(mismatches(content)))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
