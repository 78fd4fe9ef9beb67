"""The comparison of approximate and exact concentration."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.concentration import run as concentration
from tests.experiments._rows import rows_of


def test_more_columns_come_nearer_and_the_unbiased_form_reaches_the_exact_value(
    tmp_path: Path,
) -> None:
    config = concentration.Config(hops=(1, 2), dims=(8, 2048))
    table = rows_of(concentration.run, tmp_path, config)
    assert 0 < table["exact, 1 hop"]["mean, test"] < 1
    for part in ("train", "test"):
        for form in ("cosine", "unbiased"):
            for hops in ("1 hop", "2 hops"):
                few, many, limit = (
                    table[f"{form}, {hops}, {columns}"][f"spearman, {part}"]
                    for columns in ("d = 8", "d = 2048", "without noise")
                )
                assert few < many and abs(many - limit) < 0.1
        exact = table["unbiased, 1 hop, without noise"]
        assert exact[f"error, {part}"] == pytest.approx(0, abs=1e-6)
        assert table["cosine, 1 hop, without noise"][f"error, {part}"] > 0.05
    assert "cosine, 1 hop, without noise" not in rows_of(
        concentration.run, tmp_path / "no", concentration.Config(hops=(1,), dims=(8,), limit=False)
    )
