"""A plugin of pytest that runs the tests in a drawn order: ``-p tests.random_order``.

Files are shuffled, and tests within them; what shares a fixture of a module stays together.
"""

from __future__ import annotations

import random

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the seed of the order."""
    parser.addoption("--order-seed", type=int, default=0, help="order of files and of their tests")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Shuffles the tests, the same way in every process of a run."""
    draw = random.Random(config.getoption("--order-seed"))
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.partition("::")[0], []).append(item)
    groups = list(files.values())
    draw.shuffle(groups)
    for group in groups:
        draw.shuffle(group)
    items[:] = [item for group in groups for item in group]


def pytest_report_header(config: pytest.Config) -> str:
    """Names the seed, with which the order can be had again."""
    return f"random order of tests: --order-seed {config.getoption('--order-seed')}"
