"""Speed and memory of GraphCLIP's pretraining and sampling beside the released procedure.

python -m benchmarks.graphclip                     all parts; writes results/graphclip.json
python -m benchmarks.graphclip --only step         one part
python -m benchmarks.graphclip --graph FOLDER      subgraphs of a real graph (nodes.csv, edges.csv)

Both sides of ``step`` have their texts embedded beforehand; what embedding them at every pass would
add is the part ``text``.
"""

from __future__ import annotations

import json
import tempfile
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor
from torch.nn.functional import normalize

from benchmarks._harness.graphs import rmat, uniform_graph
from benchmarks._harness.memory import peak_in_use, peak_memory
from benchmarks._harness.parts import part_parser, run_parts
from benchmarks._harness.rows import Row, compared
from benchmarks._harness.timing import measure
from benchmarks.baselines.graphclip import (
    DenseTower,
    pair_objects,
    released_epoch,
    subgraph_objects,
    walk,
)
from graphlab._random import seeded
from graphlab.ops import CSRGraph
from graphlab.tag import (
    GraphCLIP,
    GraphTextPairs,
    PretrainConfig,
    SubgraphSampler,
    TemplateSummarizer,
    TextEncoder,
    TextGraph,
    pretrain,
)
from graphlab.tag.graphclip import GraphCLIPEncoder, feature_rms

SEED = 0
WIDTH = 384
BATCH = 256
LENGTH, RESTART = 64, 0.5
EPS = 0.2
Graph = tuple[str, Tensor, int]


def source(options: Namespace) -> Graph:
    """The graph that subgraphs are drawn from: a folder, or a random one of Cora's mean degree."""
    if options.graph is None:
        return "random graph, degree 4.3", uniform_graph(1 << 14, 4.3, SEED), 1 << 14
    graph = TextGraph.from_csv(options.graph)
    return options.graph.name, graph.edge_index, int(graph.num_nodes or 0)


def random_pairs(edge_index: Tensor, nodes: int, count: int) -> GraphTextPairs:
    """Pairs with random unit features and texts: their values cost what any others do."""
    generator = torch.Generator().manual_seed(SEED)
    x, text = (normalize(torch.randn(n, WIDTH, generator=generator)) for n in (nodes, count))
    linked = edge_index.unique()
    roots = linked[torch.randperm(linked.numel(), generator=generator)[:count]]
    store = SubgraphSampler("rwr", LENGTH, RESTART, seed=SEED).sample(edge_index, nodes, roots)
    return GraphTextPairs(x, store, text[: roots.numel()])


def settings(batch_size: int = BATCH) -> PretrainConfig:
    """One epoch with three adversarial passes, no validation."""
    return PretrainConfig(epochs=1, batch_size=batch_size, adversarial_eps=EPS, val_fraction=0.0)


def tower(channels: int, layers: int) -> GraphCLIPEncoder:
    """The tower of both sides, always with the same weights."""
    with seeded(SEED, torch.device("cpu")):
        return GraphCLIPEncoder(WIDTH, channels, num_layers=layers, out_channels=WIDTH)


# --- parts ----------------------------------------------------------------------------------------


def sides(
    graph: Graph, channels: int, layers: int, steps: int
) -> tuple[dict[str, Callable[[], object]], GraphTextPairs]:
    """An epoch of both procedures on the same pairs and weights."""
    pairs = random_pairs(*graph[1:], steps * BATCH)
    model = GraphCLIP(tower(channels, layers))
    dense = DenseTower(model.graph_model)
    graphs = pair_objects(pairs, model.graph_model.walk_length)
    eps = EPS * feature_rms(pairs.x)
    runs: dict[str, Callable[[], object]] = {
        "released": partial(
            released_epoch, dense, graphs, pairs.text[:], batch_size=BATCH, eps=eps
        ),
        "graphlab": partial(pretrain, model, pairs, settings()),
    }
    return runs, pairs


def one_side(
    side: str, folder: str | None, threads: int, channels: int, layers: int, steps: int
) -> Callable[[], object]:
    """One of them, for a process of its own."""
    torch.set_num_threads(threads)
    graph = source(Namespace(graph=None if folder is None else Path(folder)))
    return sides(graph, channels, layers, steps)[0][side]


def step(options: Namespace) -> list[Row]:
    """Training steps at batch 256: objects, collation and dense padding against packed arrays."""
    graph, rows = source(options), []
    folder = None if options.graph is None else str(options.graph)
    for channels, layers, steps in ((128, 3, 4), (256, 6, 1)):
        shape = channels, layers, steps
        runs, pairs = sides(graph, *shape)
        case = f"step, {layers} layers of {channels}, {graph[0]}"
        timed = compared(case, runs, repeats=options.repeats, warmup=1)
        used = {
            side: peak_in_use("benchmarks.graphclip", "one_side", side, folder, options.threads,
                              *shape)
            for side in runs
        }  # fmt: skip
        sizes = pairs.store.sizes
        about = {"mean_nodes": float(sizes.double().mean()), "max_nodes": int(sizes.max())}
        for row in timed:
            side = row["name"]
            row["step_s"] = row["median_s"] / steps
            row["peak_extra_bytes"] = used[side]
            row["peak_extra_bytes_with_heap"] = peak_memory(runs[side]).cpu_bytes
            row["memory_ratio"] = used["released"] / used[side]
            rows.append({**row, **about})
    return rows


def text(options: Namespace) -> list[Row]:
    """Time that embedding the 256 summaries of a batch three times a step would add."""
    case = "texts of a batch, once"
    try:
        encoder = TextEncoder(options.encoder)
    except (ImportError, OSError):
        return [{"case": case, "name": options.encoder, "measured": "no: it is not installed"}]
    _, edge_index, nodes = source(options)
    words = [f"{SEED}word{i} is about topic{i % 7} and topic{i % 11}" for i in range(nodes)]
    if options.graph is not None:
        words = list(TextGraph.from_csv(options.graph).text)
    store = random_pairs(edge_index, nodes, BATCH).store
    summaries = TemplateSummarizer().summarize(words, store)
    timing = measure(lambda: encoder.encode(summaries), repeats=options.repeats, warmup=1)
    median = timing.median
    return [
        {"case": case, "name": options.encoder, **timing.as_row(), "per_step_s": 3 * median},
    ]


def sampling(options: Namespace) -> list[Row]:
    """Walks and packing of all nodes against the authors' walk and loop over nodes."""
    name, edge_index, nodes = source(options)

    def loop() -> object:
        graph = CSRGraph.from_edge_index(edge_index, nodes)
        generator = torch.Generator().manual_seed(SEED)
        starts = torch.arange(nodes)
        return subgraph_objects(*walk(graph.rowptr, graph.col, starts, LENGTH, RESTART, generator))

    sampler = SubgraphSampler("rwr", LENGTH, RESTART, seed=SEED)
    runs: dict[str, Callable[[], object]] = {
        "Python loop": loop,
        "graphlab": partial(sampler.sample, edge_index, nodes),
    }
    rows = compared(f"sampling, {name}", runs, repeats=options.repeats, warmup=1)
    return [{**row, "us_per_subgraph": 1e6 * row["median_s"] / nodes} for row in rows]


def million(options: Namespace) -> list[Row]:
    """2^20 subgraphs, sampled and packed."""
    edge_index, nodes = rmat(20, 4, SEED), 1 << 20
    sampler, kept, seconds = SubgraphSampler("rwr", LENGTH, RESTART, seed=SEED), [], []

    def run() -> None:
        seconds.append(measure(lambda: kept.append(sampler.sample(edge_index, nodes)),
                               repeats=1, warmup=0).median)  # fmt: skip

    memory = peak_memory(run).cpu_bytes
    return [
        {
            "case": f"{nodes} subgraphs, R-MAT, {edge_index.size(1)} entries",
            "name": "graphlab",
            "median_s": seconds[0],
            "peak_extra_bytes": memory,
            "store_bytes": kept[0].nbytes,
            "graph_bytes": edge_index.nbytes,
        }
    ]


def ranks(options: Namespace) -> list[Row]:
    """Loss curves of one process and of two on gloo, at the same global batch."""
    curves, seconds = {}, {}
    for size in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            mp.spawn(_rank, (size, folder, options.threads), nprocs=size)  # type: ignore[attr-defined, no-untyped-call]
            record = json.loads((Path(folder) / "record.json").read_text(encoding="utf-8"))
        curves[size], seconds[size] = record["losses"], record["seconds"]
    pairs = zip(curves[1], curves[2], strict=True)
    worst = max(abs(a - b) for a, b in pairs)
    return [
        {
            "case": "loss curve in float64, 3 layers of 128, 5 epochs of 2 steps",
            "name": f"{size} process{'es' if size > 1 else ''}",
            "epoch_s": seconds[size],
            "last_loss": curves[size][-1],
            "largest_difference": worst,
        }
        for size in (1, 2)
    ]


def _rank(index: int, size: int, folder: str, threads: int) -> None:
    torch.set_num_threads(threads)
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=index, world_size=size
    )
    pairs = random_pairs(rmat(12, 4, SEED), 1 << 12, 2 * BATCH)
    # In float64: rounding decides the sign of small gradients, and the perturbation follows signs.
    model = GraphCLIP(tower(128, 3)).double()
    config = PretrainConfig(epochs=5, batch_size=BATCH, adversarial_eps=EPS, val_fraction=0.0)
    results = []
    timing = measure(lambda: results.append(pretrain(model, pairs, config)), repeats=1, warmup=0)
    if index == 0:
        losses = [row["loss"] for row in results[0].history]
        record = {"losses": losses, "seconds": timing.median / config.epochs}
        (Path(folder) / "record.json").write_text(json.dumps(record), encoding="utf-8")
    dist.destroy_process_group()


PARTS = {"step": step, "text": text, "sampling": sampling, "million": million, "ranks": ranks}


def main() -> None:
    """Run the chosen parts and write their rows."""
    parser = part_parser(__doc__, PARTS, 1, repeats=3)
    parser.add_argument("--graph", type=Path, default=None, help="folder of a real graph")
    parser.add_argument("--encoder", default="all-MiniLM-L6-v2", help="text encoder of one part")
    options = parser.parse_args()
    run_parts("graphclip", PARTS, options, options, seeds=[SEED])


if __name__ == "__main__":
    main()
