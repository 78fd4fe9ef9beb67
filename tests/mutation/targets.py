"""What is mutated, and the tests that must notice."""

from __future__ import annotations

from dataclasses import dataclass

from tests._data import REPOSITORY


@dataclass(frozen=True)
class Target:
    """Modules and their tests.

    Attributes:
        modules (tuple[str, ...]): Files below ``graphlab``, or folders of them.
        tests (tuple[str, ...]): Files and folders of tests below ``tests``.
    """

    modules: tuple[str, ...]
    tests: tuple[str, ...]

    def files(self) -> list[str]:
        """The files, relative to the repository."""
        root = REPOSITORY / "graphlab"
        found = []
        for name in self.modules:
            path = root / name
            found += sorted(path.glob("*.py")) if path.is_dir() else [path]
        return [str(path.relative_to(REPOSITORY)) for path in found]


TARGETS = {
    "io": Target(("_io.py",), ("test_io.py", "test_paths.py")),
    "checks": Target(("_checks",), ("checks",)),
    "download": Target(("_download.py",), ("test_download.py",)),
    "evaluate": Target(("evaluate",), ("evaluate",)),
    "ops": Target(("ops",), ("ops",)),
    "replies": Target(
        ("tag/llm/_structured.py", "tag/llm/_thoughts.py", "tag/tape/_mentions.py"),
        ("tag/llm/test_structured.py", "tag/llm/test_thoughts.py", "tag/tape/test_prompt.py"),
    ),
    "index": Target(
        (
            "tag/retrieval/_corpus.py",
            "tag/retrieval/_ranking.py",
            "tag/retrieval/_vectors.py",
            "tag/retrieval/lexical.py",
            "tag/retrieval/phrase_index.py",
        ),
        ("tag/retrieval",),
    ),
}
