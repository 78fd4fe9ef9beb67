"""Speed and memory of GRACE and its relatives beside the usual N x N losses.

python -m benchmarks.grace                 all parts, all cores; writes results/grace.json
python -m benchmarks.grace --only step     one part
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from benchmarks._harness.graphs import uniform_graph
from benchmarks._harness.memory import peak_memory
from benchmarks._harness.parts import part_parser, run_parts
from benchmarks._harness.rows import Row, compared
from benchmarks._harness.timing import loglog_slope, measure
from benchmarks._harness.training import training_step
from benchmarks.baselines import grace as eager
from experiments.pot.hosts import gcn_encoder
from graphlab.contrastive import COSTA, GRACE, InfoNCELoss, ProGCLLoss

SEED = 0
CORA = {"num_nodes": 2708, "degree": 3.9, "features": 1433}
RATES = (0.4, 0.3)
Loss = Callable[[Tensor, Tensor], Tensor]


def projections(num_nodes: int, dim: int) -> tuple[Tensor, Tensor]:
    """Two correlated views ``(N, D)`` that want a gradient."""
    generator = torch.Generator().manual_seed(SEED)
    h1 = torch.randn(num_nodes, dim, generator=generator)
    h2 = h1 + torch.randn(num_nodes, dim, generator=generator)
    return h1.requires_grad_(), h2.requires_grad_()


def backward(loss: Loss, h1: Tensor, h2: Tensor) -> Callable[[], None]:
    """Forward and backward of a loss."""

    def run() -> None:
        h1.grad = h2.grad = None
        loss(h1, h2).backward()  # type: ignore[no-untyped-call]

    return run


def generated(num_nodes: int, degree: float, features: int) -> tuple[Tensor, Tensor]:
    """Sparse binary features as dense ``(N, F)``, rows summing to one, and a uniform graph."""
    generator = torch.Generator().manual_seed(SEED)
    x = (torch.rand(num_nodes, features, generator=generator) < 0.0127).float()
    return x / x.sum(1, keepdim=True).clamp(min=1), uniform_graph(num_nodes, degree, SEED)


def tiled_model(features: int, channels: int, temperature: float, host: type = GRACE) -> Any:
    """GRACE or COSTA on the encoder of the baseline."""
    encoder = gcn_encoder(features, channels, nn.ReLU())
    return host(encoder, channels, channels, temperature=temperature, drop_edge=RATES)


def tiled_step(model: Any, x: Tensor, edge_index: Tensor) -> Callable[[], None]:
    """One training step with the library."""
    generator = torch.Generator().manual_seed(SEED)

    def loss() -> Tensor:
        value: Tensor = model.training_loss(x, edge_index, generator=generator)
        return value

    return training_step(loss, model.parameters(), lr=5e-4)


def eager_step(features: int, channels: int, x: Tensor, edge_index: Tensor) -> Callable[[], None]:
    """One training step with the N x N loss."""
    model = eager.EagerGRACE(features, channels, channels, 0.7)
    return training_step(lambda: model.step(x, edge_index, RATES), model.parameters(), lr=5e-4)


@torch.no_grad()
def weight_tables(h1: Tensor, h2: Tensor, fitted: ProGCLLoss) -> tuple[Tensor, Tensor]:
    """Weights of all negatives over their mean, ``(N, N)``, of both directions."""
    if fitted.mixture is None:
        raise ValueError("fitted must have been fitted")
    table = fitted.mixture.log_hardness(normalize(h1) @ normalize(h2).t()).exp()
    table.fill_diagonal_(0)
    others = len(table) - 1
    first, second = (t / t.sum(1, keepdim=True) * others for t in (table, table.t()))
    return first, second


# --- parts ----------------------------------------------------------------------------------------


def loss(options: argparse.Namespace) -> list[Row]:
    """Forward and backward of the losses at the size of Cora, D = 128."""
    h1, h2 = projections(int(CORA["num_nodes"]), 128)
    generator = torch.Generator().manual_seed(SEED)
    weighted = ProGCLLoss(0.7).fit(h1, h2, generator=generator)
    tables = weight_tables(h1, h2, weighted)
    sides: dict[str, dict[str, Loss]] = {
        "with intra-view negatives": {
            "eager": lambda a, b: eager.grace_loss(a, b, 0.7),
            "graphlab": InfoNCELoss(0.7),
            "graphlab, chunks of 512": InfoNCELoss(0.7, chunk_size=512),
        },
        "with ProGCL's weights": {
            "eager, stored weights": lambda a, b: eager.weighted_loss(a, b, 0.7, tables),
            "graphlab": weighted,
        },
        "between views only": {
            "eager": lambda a, b: eager.two_view_loss(a, b, 0.4),
            "graphlab": InfoNCELoss(0.4, intraview=False),
        },
    }
    rows: list[Row] = []
    for side, losses in sides.items():
        runs = {name: backward(value, h1, h2) for name, value in losses.items()}
        values = {name: float(value(h1, h2).detach()) for name, value in losses.items()}
        case = f"InfoNCE {side}, N=2708 D=128"
        timed = compared(case, runs, repeats=options.repeats, memory=True)
        rows += [{**row, "value": values[row["name"]]} for row in timed]
    return rows


def step(options: argparse.Namespace) -> list[Row]:
    """A whole training step of GRACE at the size of Cora, D = 128."""
    x, edge_index = generated(**CORA)  # type: ignore[arg-type]
    torch.manual_seed(SEED)
    features = int(CORA["features"])
    runs = {
        "eager": eager_step(features, 128, x, edge_index),
        "graphlab": tiled_step(tiled_model(features, 128, 0.7), x, edge_index),
        "graphlab, COSTA": tiled_step(tiled_model(features, 128, 0.4, COSTA), x, edge_index),
    }
    case = "training step at the size of Cora, D=128"
    return compared(case, runs, repeats=options.repeats, memory=True)


def memory(options: argparse.Namespace) -> list[Row]:
    """Three training steps at N = 35,000, D = 256; the eager loss extrapolated in N^2.

    It holds about seven N x N matrices at its peak (twelve thousand nodes: 4 GB).
    """
    num_nodes, features, channels = options.large, 1000, 256
    x, edge_index = generated(num_nodes, 9.0, features)
    run = tiled_step(tiled_model(features, channels, 0.7), x, edge_index)

    def three() -> None:
        for _ in range(3):
            run()

    peak = 0

    def measured() -> None:
        nonlocal peak
        peak = peak_memory(three).cpu_bytes

    timing = measure(measured, repeats=1, warmup=0)
    sizes, peaks = [3000, 6000, 12_000], []
    for size in sizes:
        h1, h2 = projections(size, channels)
        pass_once = backward(lambda a, b: eager.grace_loss(a, b, 0.7), h1, h2)
        pass_once()
        peaks.append(float(peak_memory(pass_once).cpu_bytes))
    case = f"three training steps, N={num_nodes} D={channels}"
    common = {"case": case, "num_nodes": num_nodes, "num_edges": edge_index.size(1)}
    return [
        common
        | {
            "name": "graphlab",
            "seconds": timing.median,
            "peak_extra_bytes": peak,
            "input_bytes": x.numel() * 4 + edge_index.numel() * 8,
        },
        common
        | {
            "name": "eager, extrapolated from N=12000",
            "peak_extra_bytes": int(peaks[-1] * (num_nodes / sizes[-1]) ** 2),
            "exponent_of_n": loglog_slope(sizes, peaks),
            "bytes_of_one_n_by_n": 4 * num_nodes**2,
        },
    ]


PARTS = {"loss": loss, "step": step, "memory": memory}


def main() -> None:
    """Run the chosen parts and write their rows."""
    parser = part_parser(__doc__, PARTS, repeats=9)
    parser.add_argument("--large", type=int, default=35_000, help="nodes of the part 'memory'")
    options = parser.parse_args()
    run_parts("grace", PARTS, options, options, seeds=[SEED])


if __name__ == "__main__":
    main()
