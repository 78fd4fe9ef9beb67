"""What a machine with a GPU is to do, in parts of at most nine minutes each.

A part is what one call on a lent machine holds. Every step has a limit of its own, so that one that
hangs costs its own time and nothing behind it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks.gpu.inputs import FAMILIES

__all__ = ["LIMIT_S", "PARTS", "Step", "parts"]

#: Seconds that the limits of a part's steps add up to at most.
LIMIT_S = 540
PARTS = ("build", "device", "operators", "profile", "steps", "hubs", "large")

#: Seconds for the operators of a family: their inputs, peers and comparison with float64.
_FAMILY_S = {
    "edge": 45,
    "cluster": 45,
    "pairs": 100,
    "meta": 40,
    "propagate": 70,
    "relational": 60,
    "interval": 80,
    "walk": 40,
    "attention": 50,
}
_STEPS_S = {
    "pamc_usps_size": 60,
    "pamc_million": 100,
    "grace_pot_tenth": 100,
    "graphclip_900": 120,
    "fastrp_ten_million": 150,
}
_HUBS_S = {"edge": 90, "propagate": 120, "relational": 110, "interval": 150, "walk": 60}
_LARGE_S = {"grace_pot_arxiv": 250, "graphclip_7200": 250}
_TESTS = ("tests/ops", "tests/contrastive", "tests/embed", "tests/hyper", "tests/tag/graphclip")


@dataclass(frozen=True)
class Step:
    """One command of a part.

    Attributes:
        name (str): Unique; names its log.
        command (tuple): Words; run in the root of the repository.
        limit_s (int): When it is ended.
        tool (str, optional): Program without which the step is left out.
        environment (dict): Further variables.
        folder (str): Where it runs, below the root.
        dry (tuple, optional): The words that try it on the CPU, if other than ``command``.
    """

    name: str
    command: tuple[str, ...]
    limit_s: int
    tool: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "."
    dry: tuple[str, ...] | None = None


def _python(*words: str) -> tuple[str, ...]:
    return (sys.executable, *words)


def _tests(name: str, limit_s: int, *words: str) -> Step:
    common = _python("-m", "pytest", "-q", "-p", "no:cacheprovider", *words)
    # Without a GPU the tests of one are left out: collecting them tries the selection.
    return Step(name, (*common, "-n", "4"), limit_s, dry=(*common, "--collect-only"))


def _measured(name: str, cases: tuple[str, ...], limit_s: int, results: str, *more: str) -> Step:
    words = _python("-m", "benchmarks.gpu", "--cases", *cases)
    words += ("--results", f"{results}/{name}.json", *more)
    return Step(name, (*words, "--repeats", "10"), limit_s, dry=(*words, "--dry-run"))


def _sanitized(tool: str) -> Step:
    calls = _python("-m", "tests.ops.cuda._sanitize")
    words = ("compute-sanitizer", "--tool", tool, "--error-exitcode", "9")
    # torch's allocator hands out parts of large blocks, which would hide stray accesses.
    environment = {"PYTORCH_NO_CUDA_MEMORY_CACHING": "1"}
    return Step(
        tool, (*words, "--target-processes", "all", *calls), 140, "compute-sanitizer", environment,
        dry=(*calls, "cpu"),
    )  # fmt: skip


def _profiled(operator: str, kernel: str, results: str) -> Step:
    file = f"{results}/profiled_{operator}.json"
    words = _python("-m", "benchmarks.gpu", "--cases", operator, "--results", file)
    ncu = ("ncu", "--clock-control", "none", "--set", "basic", "-k", f"regex:{kernel}", "-c", "2")
    return Step(
        f"ncu_{operator}", (*ncu, *words, "--repeats", "1"), 120, "ncu", dry=(*words, "--dry-run")
    )


def parts(results: str) -> dict[str, tuple[Step, ...]]:
    """Steps by part.

    Args:
        results (str): Folder for the files of results.
    """
    return {name: tuple(_PARTS[name](results)) for name in PARTS}


def _build(results: str) -> Iterator[Step]:
    yield Step(
        "build",
        _python("setup.py", "-q", "build_ext", "--inplace"),
        300,
        environment={"GRAPHLAB_BUILD_CUDA": "1"},
        folder="cuda_ops",
        dry=_python("setup.py", "-q", "--version"),
    )
    yield Step("info", _python("-m", "graphlab.info"), 30)
    emulated = ("tests/ops/cuda/test_emulation.py", "tests/ops/cuda/test_device.py")
    ignored = [f"--ignore={path}" for path in emulated]
    yield _tests("tests", 210, *_TESTS, "-k", "cuda or gpu", *ignored)


def _device(results: str) -> Iterator[Step]:
    yield _tests("streams_and_bits", 250, "tests/ops/cuda/test_device.py", "-k", "not inductor")
    yield from map(_sanitized, ("memcheck", "racecheck"))


def _operators(results: str) -> Iterator[Step]:
    for family, operators in FAMILIES.items():
        yield _measured(f"operators_{family}", operators, _FAMILY_S[family], results)


def _profile(results: str) -> Iterator[Step]:
    yield _profiled("propagate", "row_sum", results)
    yield _profiled("pairwise_logsumexp", "pair_forward", results)
    yield _sanitized("initcheck")
    yield _tests("inductor", 150, "tests/ops/cuda/test_device.py", "-k", "inductor")


def _whole_steps(results: str) -> Iterator[Step]:
    for name, limit_s in _STEPS_S.items():
        yield _measured(name, (name,), limit_s, results)


def _hubs(results: str) -> Iterator[Step]:
    for family, limit_s in _HUBS_S.items():
        operators = tuple(op for op in FAMILIES[family] if op != "distinct_ends")
        yield _measured(f"hubs_{family}", operators, limit_s, results, "--graph", "rmat")


def _large(results: str) -> Iterator[Step]:
    for name, limit_s in _LARGE_S.items():
        yield _measured(name, (name,), limit_s, results)


_PARTS = {
    "build": _build,
    "device": _device,
    "operators": _operators,
    "profile": _profile,
    "steps": _whole_steps,
    "hubs": _hubs,
    "large": _large,
}
