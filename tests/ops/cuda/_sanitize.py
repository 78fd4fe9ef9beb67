"""Calls every operator once per case on the GPU, for compute-sanitizer.

Only small cases: under the sanitizer a kernel takes a hundred times as long. The device is the
first argument, ``cuda`` by default.
"""

from __future__ import annotations

import sys

import torch

from tests.ops._cases import CASES, OPS

#: Operators without a CUDA kernel.
ON_CPU = ("csr_from_edges", "maximal_cliques", "clique_overlap", "walk_subgraphs")
LARGEST = 20_000


def main() -> None:
    """Run and wait."""
    device = sys.argv[1] if len(sys.argv) > 1 else "cuda"
    ran = 0
    for case in CASES:
        if case.op in ON_CPU:
            continue
        args = case.args(torch.float32, device)
        if max(a.numel() for a in args if isinstance(a, torch.Tensor)) > LARGEST:
            continue
        getattr(OPS, case.op)(*args)
        ran += 1
    if device == "cuda":
        torch.cuda.synchronize()
    print(f"{ran} calls")


if __name__ == "__main__":
    main()
