"""Speed of hypergraph reconstruction beside networkx, networkit and the published method.

python -m benchmarks.hyper                   all parts but the last; writes results/hyper.json
python -m benchmarks.hyper --only cliques    maximal cliques of DBLP and P.School
python -m benchmarks.hyper --only rho motif  the statistics of the sampler; motif features
python -m benchmarks.hyper --only pipeline   P.School from files to Jaccard index (minutes)
python -m benchmarks.hyper --only files      a million hyperedges from and to a file

Times are CPU seconds of one process; building a library's own graph object is not counted.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from torch_geometric.data.hypergraph_data import HyperGraphData

from benchmarks._harness.parts import part_parser, run_parts
from benchmarks.baselines import hyper as plain
from graphlab.datasets import read_hif, read_hyperedge_list, write_hif
from graphlab.hyper import (
    CliqueSampler,
    HypergraphReconstructor,
    jaccard,
    maximal_cliques,
    motif_features,
    project,
    rho,
)

SEED = 0
HERE = Path(__file__).parent
Row = dict[str, Any]
T = TypeVar("T")
BETA = 350_000
MOTIF_BETA = 16_000
MOTIF_SAMPLE = 500


def timed(fn: Callable[[], T], repeats: int = 1) -> tuple[float, T]:
    """Smallest CPU time of some calls, and the last result."""
    best = float("inf")
    for _ in range(max(1, repeats)):
        begin = time.process_time()
        result = fn()
        best = min(best, time.process_time() - begin)
    return best, result


def load(source: Path, name: str, split: str) -> HyperGraphData:
    """One hypergraph with distinct hyperedges."""
    return read_hyperedge_list(source / name / f"{split}.txt", distinct=True)


def tuples(data: HyperGraphData) -> list[tuple[int, ...]]:
    """Hyperedges as tuples."""
    sizes = torch.bincount(data.edge_index[1], minlength=int(data.num_hyperedges)).tolist()
    return [tuple(part.tolist()) for part in data.edge_index[0].split(sizes)]


def cliques(source: Path, repeats: int) -> list[Row]:
    """Maximal cliques; every rival lists the same sets."""
    rows: list[Row] = []
    for name in ("school", "dblp"):
        data = load(source, name, "test")
        nodes = data._store["num_nodes"]
        edges = project(data)
        seconds, ours = timed(lambda e=edges, n=nodes: maximal_cliques(e, n), repeats)  # type: ignore[misc]
        want = ours.to_list()
        size = {"nodes": nodes, "edges": edges.size(1) // 2, "cliques": len(ours)}
        case = f"maximal cliques, {name} (test)"
        rows.append({"case": case, "name": "graphlab", "cpu_s": seconds, **size})
        graph = plain.project(tuples(data), nodes)
        theirs, listed = timed(lambda g=graph: plain.cliques(g))  # type: ignore[misc]
        require(listed == want, "networkx")
        rows.append({"case": case, "name": "networkx", "cpu_s": theirs, "ratio": theirs / seconds})
        if find_spec("networkit"):
            rows.append({"case": case, **networkit(graph, want, seconds)})
    return rows


def networkit(graph: Any, want: list[Any], seconds: float) -> Row:
    """The same by networkit, without the time to build its graph."""
    import networkit as nk

    made = nk.nxadapter.nx2nk(graph)
    search = nk.clique.MaximalCliques(made)
    theirs, _ = timed(search.run)
    require(sorted(tuple(sorted(c)) for c in search.getCliques()) == want, "networkit")
    return {"name": "networkit", "cpu_s": theirs, "ratio": theirs / seconds}


def require(same: bool, name: str) -> None:
    """Stop where a rival disagrees."""
    if not same:
        raise RuntimeError(f"{name} and graphlab disagree")


def rhos(source: Path, repeats: int) -> list[Row]:
    """Statistics of the sampler; the published way only where it ends."""
    rows: list[Row] = []
    for name in ("school", "dblp"):
        data = load(source, name, "train")
        nodes = data._store["num_nodes"]
        maximal = maximal_cliques(project(data), nodes)
        seconds, table = timed(lambda d=data, f=maximal: rho(d, None, f), repeats)  # type: ignore[misc]
        case = f"rho, {name} (train)"
        rows.append({"case": case, "name": "graphlab", "cpu_s": seconds})
        if name == "school":
            sets, whole = tuples(data), maximal.to_list()
            theirs, inside = timed(lambda s=sets, w=whole: plain.hyperedges_inside(s, w))  # type: ignore[misc]
            cells = zip(table.n.tolist(), table.k.tolist(), table.hits.tolist(), strict=True)
            require(
                {(n, k): h for n, k, h in cells} == {c: len(e) for c, e in inside.items()}, "sets"
            )
            ratio = theirs / seconds
            rows.append(
                {"case": case, "name": "sets, as published", "cpu_s": theirs, "ratio": ratio}
            )
    return rows


def motif(source: Path, repeats: int) -> list[Row]:
    """Motif features of about ten thousand candidates of Enron.

    Per candidate this takes minutes, so an even sample is timed and scaled up.
    """
    data = load(source, "enron", "train")
    nodes = data._store["num_nodes"]
    edges = project(data)
    whole = maximal_cliques(edges, nodes)
    drawn = CliqueSampler(MOTIF_BETA).fit(data, None, whole).sample(whole)
    seconds, ours = timed(lambda: motif_features(drawn, whole, edges, nodes), repeats)
    graph = plain.project(tuples(data), nodes)
    chosen = np.linspace(0, len(drawn) - 1, min(MOTIF_SAMPLE, len(drawn))).astype(int)
    listed = drawn.to_list()
    some = [listed[i] for i in chosen]
    part, slow = timed(lambda: plain.motif_features(some, whole.to_list(), graph))
    theirs = part * len(drawn) / len(some)
    error = float(np.abs(ours.numpy()[chosen] - slow).max())
    require(error < 1e-6, "per candidate")
    case = f"motif features, enron (train), {len(drawn)} candidates"
    return [
        {"case": case, "name": "graphlab", "cpu_s": seconds},
        {
            "case": case,
            "name": f"per candidate ({len(some)} timed)",
            "cpu_s": theirs,
            "ratio": theirs / seconds,
        },
    ]


def pipeline(source: Path, repeats: int) -> list[Row]:
    """P.School from the hypergraphs to the Jaccard index, count features, the published budget."""
    train, test = load(source, "school", "train"), load(source, "school", "test")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        seconds, score = timed(lambda: ours_end_to_end(train, test))
        stages, theirs = published_stages(tuples(train), tuples(test), 242)
    total = sum(stages.values())
    case = "P.School end to end, count features"
    return [
        {"case": case, "name": "graphlab", "cpu_s": seconds, "jaccard": score},
        {
            "case": case,
            "name": "stages, as published",
            "cpu_s": total,
            "ratio": total / seconds,
            "jaccard": theirs,
            **{f"{stage}_s": value for stage, value in stages.items()},
        },
        {"case": case, "name": "released program, measured beside it once", "cpu_s": 81.6},
    ]


def ours_end_to_end(train: HyperGraphData, test: HyperGraphData) -> float:
    """Jaccard index with the paper's preset."""
    model = HypergraphReconstructor(beta=BETA, seed=SEED, preset="paper").fit(train)
    nodes = test._store["num_nodes"]
    return jaccard(model.predict(project(test), nodes), test)


def published_stages(
    train: list[Any], test: list[Any], num_nodes: int
) -> tuple[dict[str, float], float]:
    """CPU seconds of every stage, and the Jaccard index."""
    seconds: dict[str, float] = {}
    seconds["projection"], graphs = timed(
        lambda: [plain.project(h, num_nodes) for h in (train, test)]
    )
    seconds["cliques"], whole = timed(lambda: [plain.cliques(graph) for graph in graphs])
    seconds["rho"], inside = timed(lambda: plain.hyperedges_inside(train, whole[0]))
    seconds["sampler"], chosen = timed(lambda: plain.pick(inside, whole[0], BETA))
    seconds["children"], drawn = timed(lambda: [plain.candidates(m, chosen) for m in whole])
    seconds["features"], x = timed(
        lambda: [
            plain.count_features(d, m, g) for d, m, g in zip(drawn, whole, graphs, strict=True)
        ]
    )
    known, wanted = set(train), set(test)
    y = np.array([clique in known for clique in drawn[0]], dtype=np.int64)
    cuts = [len(m) for m in whole]
    seconds["training"], labels = timed(
        lambda: plain.train_and_predict(x[0], y, cuts[0], x[1], cuts[1], SEED)
    )
    predicted = {clique for clique, label in zip(drawn[1], labels, strict=True) if label}
    return seconds, len(predicted & wanted) / len(predicted | wanted)


def random_hypergraph(hyperedges: int) -> HyperGraphData:
    """Hyperedges of two to five random nodes."""
    generator = torch.Generator().manual_seed(SEED)
    sizes = torch.randint(2, 6, (hyperedges,), generator=generator)
    edge = torch.arange(hyperedges).repeat_interleave(sizes)
    node = torch.randint(hyperedges // 2, (edge.numel(),), generator=generator)
    return HyperGraphData(edge_index=torch.stack([node, edge]), num_nodes=hyperedges // 2)


def files(source: Path, repeats: int, sizes: tuple[int, ...] = (10**5, 10**6)) -> list[Row]:
    """Hyperedges through a file of the interchange format, and their projection."""
    rows: list[Row] = []
    for hyperedges in sizes:
        data = random_hypergraph(hyperedges)
        case = f"{hyperedges} hyperedges, {data.edge_index.size(1)} incidences"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "random.hif.json"
            writing, _ = timed(lambda d=data, p=path: write_hif(d, p), repeats)  # type: ignore[misc]
            reading, loaded = timed(lambda p=path: read_hif(p), repeats)  # type: ignore[misc]
            require(torch.equal(loaded.edge_index, data.edge_index), "the file")
            if hyperedges <= 10**5 and find_spec("xgi"):
                import xgi

                theirs, _ = timed(lambda p=path: xgi.read_hif(p), repeats)  # type: ignore[misc]
                rows.append({"case": case, "name": "xgi, read", "cpu_s": theirs})
        projecting, _ = timed(lambda d=data: project(d), repeats)  # type: ignore[misc]
        named = {"read_hif": reading, "write_hif": writing, "project": projecting}
        rows += [{"case": case, "name": name, "cpu_s": s} for name, s in named.items()]
    return rows


PARTS = {"cliques": cliques, "rho": rhos, "motif": motif, "pipeline": pipeline, "files": files}


def main() -> None:
    """Run the chosen parts and write their rows."""
    usual = [part for part in PARTS if part != "files"]
    parser = part_parser(__doc__, PARTS, count=1, repeats=3, source="data/hypergraph/shyre")
    parser.set_defaults(only=usual)
    options = parser.parse_args()
    arguments = (options.source, options.repeats)
    run_parts("hyper", PARTS, options, *arguments, seeds=[SEED], default=usual)


if __name__ == "__main__":
    main()
