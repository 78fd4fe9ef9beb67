"""Speed and memory of TAPE's fused P layer beside embedding and matrix product.

python -m benchmarks.tape                  all parts, all cores; writes results/tape.json
python -m benchmarks.tape --only layer     one part
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks._harness.parts import part_parser, run_parts
from benchmarks._harness.rows import Row, compared
from benchmarks.baselines.tape import embed_and_multiply
from graphlab.tag.tape import RankedPredictionEncoder

SEED = 0
K, DIM, HIDDEN, CLASSES = 5, 128, 128, 40


def layer(nodes: int) -> list[Row]:
    """Forward and backward of the layer for ranked lists like those of ogbn-arxiv, full width."""
    generator = torch.Generator().manual_seed(SEED)
    ids = torch.randint(CLASSES + 1, (nodes, K), generator=generator)
    encoder = RankedPredictionEncoder(CLASSES, K, DIM)
    weight = torch.randn(HIDDEN, K * DIM, generator=generator).requires_grad_()
    upstream = torch.randn(nodes, HIDDEN, generator=generator)
    outputs: dict[str, Callable[[], Tensor]] = {
        "embedding + GEMM": lambda: embed_and_multiply(ids, encoder.weight, weight),
        "fused": lambda: encoder.project(ids, weight),
    }
    steps = {
        name: _step(output, [encoder.weight, weight], upstream) for name, output in outputs.items()
    }
    case = f"P layer, N={nodes}, k={K}, d={DIM}, h={HIDDEN}, forward + backward"
    rows = compared(case, steps, repeats=3, warmup=1, memory=True)
    with torch.no_grad():
        plain, fused = (output() for output in outputs.values())
        error = float((plain - fused).abs().max() / plain.abs().max())
        del plain, fused
    for row in rows:
        row["largest_relative_difference"] = error
        row["times_less_memory"] = rows[0]["peak_extra_bytes"] / row["peak_extra_bytes"]
    return rows


def _step(
    output: Callable[[], Tensor], parameters: list[Tensor], upstream: Tensor
) -> Callable[[], None]:
    def run() -> None:
        torch.autograd.grad(output(), parameters, upstream)

    return run


PARTS = {"layer": layer}


def main() -> None:
    """Run the chosen parts and write their rows."""
    parser = part_parser(__doc__, PARTS)
    parser.add_argument("--nodes", type=int, default=1_000_000, help="rows of the layer")
    options = parser.parse_args()
    run_parts("tape", PARTS, options, options.nodes, seeds=[SEED])


if __name__ == "__main__":
    main()
