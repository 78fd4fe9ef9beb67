"""A healthy server that echoes."""

from __future__ import annotations

import pytest

from tests.tag.llm._server import serving


@pytest.fixture
def server():
    with serving() as running:
        yield running
