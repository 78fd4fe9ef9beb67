"""Mutation score of the modules whose mistakes would cost most: ``python -m tests.mutation``.

Mistakes are put into a module one at a time, and the tests that run the changed line must fail. The
module is changed in memory alone, in a fork; no file of the library is written.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path
from typing import Any

from tests._data import REPOSITORY
from tests.mutation import session
from tests.mutation.operators import Mutant, mutants
from tests.mutation.targets import TARGETS, Target

RESULTS = Path(__file__).parent / "results"


def sampled(target: Target, count: int, seed: int) -> tuple[list[tuple[str, Mutant]], int]:
    """Mutants of all files of a target, drawn without replacement, and how many there are."""
    every = [
        (file, mutant)
        for file in target.files()
        for mutant in mutants((REPOSITORY / file).read_text(encoding="utf-8"))
    ]
    chosen = random.Random(seed).sample(every, min(count, len(every)))
    return chosen, len(every)


def tests_of(file: str, mutant: Mutant, before: session.Baseline) -> list[str]:
    """Tests that run the changed line, the quickest first; all if importing the module runs it."""
    first, last = mutant.reach
    names: set[str] = set()
    for line in range(first, last + 1):
        names.update(before.lines[file].get(line, ()))
    names.discard("")
    if not first:
        names = {test for tests in before.lines[file].values() for test in tests if test}
    return sorted(names & set(before.tests), key=lambda name: before.tests[name])


def measure(name: str, count: int, seed: int, most: int) -> dict[str, Any]:
    """Verdicts on a sample of the mutants of a target."""
    target = TARGETS[name]
    chosen, total = sampled(target, count, seed)
    before = session.baseline(target.files(), [f"tests/{path}" for path in target.tests])
    found = []
    for number, (file, mutant) in enumerate(chosen, 1):
        tests = tests_of(file, mutant, before)[:most]
        seconds = sum(before.tests[test] for test in tests)
        word = "not run"
        if tests:
            word = session.verdict(file, mutant.tree, tests, int(20 + 5 * seconds))
        row = {"file": file, "line": mutant.line, "mistake": mutant.what, "verdict": word}
        found.append(row)
        print(f"[{number}/{len(chosen)}] {word}: {file}:{mutant.line} {mutant.what}", flush=True)
    noticed = sum(row["verdict"] in ("killed", "endless") for row in found)
    return {
        "target": name,
        "files": target.files(),
        "tests": list(target.tests),
        "mutants": total,
        "sample": len(chosen),
        "seed": seed,
        "noticed": noticed,
        "score": round(noticed / max(len(chosen), 1), 4),
        "others": [row for row in found if row["verdict"] in ("survived", "not run")],
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("targets", nargs="*", help=f"among {', '.join(TARGETS)}; all by default")
    parser.add_argument("--sample", type=int, default=20, help="mutants of each target")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--most", type=int, default=200, help="tests asked about one mutant")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    given = parser.parse_args()
    unknown = set(given.targets) - set(TARGETS)
    if unknown:
        parser.error(f"targets must be among {', '.join(TARGETS)}, got {', '.join(unknown)}")
    session.warm_up()
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.targets or TARGETS:
        result = measure(name, given.sample, given.seed, given.most)
        path = given.out / f"{name}.json"
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        print(f"{name}: {result['noticed']} of {result['sample']} noticed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
