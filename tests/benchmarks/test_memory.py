"""Peak memory of the benchmark scripts."""

from __future__ import annotations

import pytest
import torch

from benchmarks._harness import memory


@pytest.mark.parametrize("hwm", [True, False])
def test_peak_memory_sees_a_temporary_tensor(hwm: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not hwm:
        monkeypatch.setattr(memory, "_reset_high_water", lambda: False)

    def work() -> float:
        block = torch.ones(16, 1 << 20)
        # Long enough for the sampling thread to look.
        return float(sum((block * 1.0).sum() for _ in range(5)))

    work()
    peak = memory.peak_memory(work)
    assert hwm or peak.method == "sampled"
    assert 60e6 < peak.cpu_bytes < 400e6
    assert memory.peak_memory(lambda: None).cpu_bytes < 20e6
