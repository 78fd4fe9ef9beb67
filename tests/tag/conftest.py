"""Keeps the calls of these tests on loopback and the machine's own keys out of them."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in ("GRAPHLAB_LLM_BASE_URL", "OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_LOG"):
        monkeypatch.delenv(name, raising=False)
