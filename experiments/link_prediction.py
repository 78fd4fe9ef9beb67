"""Which nodes does a link predictor serve well? GCN and SAGE, plain and TC-reweighted.

One random split of the edges (70/10/20) per seed; every method is trained on it at one width, and
the epoch is chosen by Hits@K on the validation edges. Besides the scores over all test edges the
table holds per-node recall@10 and how node properties go along with it (Pearson, over nodes with a
test edge): ``tc_te`` (concentration on the test edges: it *uses test edges*, an oracle diagnostic
and no predictor), ``tc_tr`` (on the training edges), ``deg_tr`` (training degree). Concentration is
taken at two hops; at one hop ``tc_tr`` is the local clustering coefficient.

    python -m experiments.link_prediction --preset cora --seeds 0:3
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.data import Data
from torch_geometric.nn import GCNConv, GraphConv
from torch_geometric.transforms import RandomLinkSplit
from torch_geometric.utils import add_self_loops, degree, negative_sampling

from experiments._context import Context
from experiments._graphs import les_miserables, read_graph
from experiments._runner import main
from graphlab import viz
from graphlab.datasets import AnimalNetwork
from graphlab.embed import TCReweight, concentration_shift, topological_concentration
from graphlab.evaluate import correlation_table, hits_at_k, per_node_link_metrics
from graphlab.ops import CSRGraph, distinct_ends

CAVEATS = {
    "prediction from tc_te": "TC_Te is computed from test edges: an oracle diagnostic",
    "tc_tr at one hop": "equals the local clustering coefficient, so it is shown once",
    "NCN, Collab, temporal splits": "not part of this script",
}
K = 10


@dataclass(frozen=True)
class Reweighting:
    """Strength and schedule of the re-weighting for one encoder."""

    alpha: float = 1.0
    warm_up: int = 1
    interval: int = 1
    aug: str = "gcn"


@dataclass(frozen=True)
class Config:
    """Settings of one data set; the defaults are the authors'."""

    dataset: str = "cora"
    root: str = "data"
    source: str | None = None
    protocol: str = "best epoch by validation hits"
    epochs: int = 1000
    batch_size: int = 1152
    hidden_channels: int = 256
    lr: float = 1e-3
    hits_k: int = 100
    normalize: bool = True
    gcn: Reweighting = Reweighting(2.0, 1, 1)
    sage: Reweighting = Reweighting(0.2, 2, 2, "sage")


PRESETS: dict[str, Config] = {
    "cora": Config(),
    "citeseer": Config(
        dataset="citeseer",
        normalize=False,
        gcn=Reweighting(2.0, 1, 5),
        sage=Reweighting(2.0, 1, 1),
    ),
    "vole": Config(
        dataset="vole",
        batch_size=256,
        gcn=Reweighting(1.0, 30, 40),
        sage=Reweighting(0.5, 20, 40),
    ),
    "reptile": Config(
        dataset="reptile",
        batch_size=256,
        gcn=Reweighting(3.0, 20, 50),
        sage=Reweighting(1.0, 1, 1),
    ),
    # Embedded and quick: shows that a figure repeats, not how good the methods are.
    "smoke": Config(
        dataset="les_miserables", epochs=20, batch_size=64, hidden_channels=16, lr=1e-2, hits_k=20
    ),
}


@dataclass(frozen=True)
class Method:
    """An encoder, and the end of the edges that the re-weighting groups by (None: plain)."""

    encoder: str
    group: str | None


METHODS = {
    f"{encoder.upper()}{'' if group is None else f' + TC ({group})'}": Method(encoder, group)
    for encoder in ("gcn", "sage")
    for group in (None, "target", "source")
}


class LinkPredictor(nn.Module):
    """Two convolutions with given edge weights, and an MLP on products of embeddings."""

    def __init__(self, config: Config, encoder: str, num_features: int, num_nodes: int) -> None:
        super().__init__()
        hidden = config.hidden_channels
        self.embedding = None if num_features else nn.Embedding(num_nodes, hidden)
        sizes = [num_features or hidden, hidden, hidden]
        # GraphConv adds weighted neighbours and a root term: with weights 1 / degree it is SAGE.
        self.convs = nn.ModuleList(
            GCNConv(a, b, normalize=False, add_self_loops=False)
            if encoder == "gcn"
            else GraphConv(a, b)
            for a, b in pairwise(sizes)
        )
        self.normalize = config.normalize and encoder == "sage"
        self.decoder = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def encode(self, x: Tensor | None, edge_index: Tensor, weight: Tensor) -> Tensor:
        """Embeddings ``(N, D)``."""
        h: Any = x if self.embedding is None else self.embedding.weight
        for layer, conv in enumerate(self.convs):
            h = conv(h, edge_index, weight)
            h = F.normalize(h) if self.normalize else h
            h = F.relu(h) if layer + 1 < len(self.convs) else h
        out: Tensor = h
        return out

    def score(self, h: Tensor, pairs: Tensor) -> Tensor:
        """Logits of pairs of nodes."""
        out: Tensor = self.decoder(h[pairs[0]] * h[pairs[1]]).squeeze(1)
        return out


@dataclass(frozen=True)
class Split:
    """Everything that the methods of a seed share."""

    num_nodes: int
    x: Tensor | None
    train: Tensor  # message edges, both directions
    positives: dict[str, Tensor]  # each edge once
    negatives: dict[str, Tensor]
    loops: Tensor  # train with self-loops
    weights: dict[str, Tensor]  # base weights of loops

    def both(self, part: str) -> Tensor:
        """Positive edges of a part in both directions."""
        edges = self.positives[part]
        return torch.cat([edges, edges.flip(0)], dim=1)


def load(config: Config) -> Data:
    """The graph of a configuration."""
    if config.dataset in ("vole", "reptile"):
        return AnimalNetwork(f"{config.root}/animal", config.dataset, source=config.source)[0]
    if config.dataset == "les_miserables":
        return les_miserables()[0]
    return read_graph(config.dataset, config.root, config.source)


def split_edges(data: Data, device: torch.device) -> Split:
    """Split the edges and draw the fixed negatives; the runner has seeded the generators."""
    plain = Data(edge_index=data.edge_index, num_nodes=data.num_nodes)
    split = RandomLinkSplit(
        0.1, 0.2, is_undirected=True, add_negative_train_samples=False, split_labels=True
    )
    parts = dict(zip(("train", "val", "test"), split(plain), strict=True))
    edge_index = parts["train"].edge_index.to(device)
    loops, _ = add_self_loops(edge_index, num_nodes=data.num_nodes)
    count = degree(loops[1], data.num_nodes)
    return Split(
        data.num_nodes,
        None if data.x is None else data.x.to(device),
        edge_index,
        {name: part.pos_edge_label_index.to(device) for name, part in parts.items()},
        {name: parts[name].neg_edge_label_index.to(device) for name in ("val", "test")},
        loops,
        {"gcn": (count[loops[0]] * count[loops[1]]).rsqrt(), "sage": 1 / count[loops[1]]},
    )


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Train every method of one seed and return the table's rows."""
    split = split_edges(load(config), context.device)
    properties = node_properties(split)
    saved = context.restore()
    rows: dict[str, dict[str, float]] = dict(saved.state["rows"]) if saved is not None else {}
    curves: dict[str, list[float]] = dict(saved.state["curves"]) if saved is not None else {}
    recalls: dict[str, Tensor] = dict(saved.tensors) if saved is not None else {}
    for number, (name, method) in enumerate(METHODS.items()):
        if name in rows:
            continue
        torch.manual_seed(context.seed)  # methods start alike, whichever ran before
        model, weight, best, curves[name] = fit(config, context, name, method, split)
        rows[name], recalls[name] = judge(config, model, weight, split, properties)
        rows[name]["best_epoch"] = float(best)
        context.checkpoint(number, recalls, {"rows": rows, "curves": curves})
    rows["TC itself"] = shift_row(properties, split)
    draw(context, properties, recalls, curves)
    return rows


def fit(
    config: Config, context: Context, name: str, method: Method, split: Split
) -> tuple[LinkPredictor, Tensor, int, list[float]]:
    """Train one method; returns it as of its best epoch by validation, with its weights."""
    features = 0 if split.x is None else split.x.size(1)
    model = LinkPredictor(config, method.encoder, features, split.num_nodes).to(context.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.lr)
    rule: Reweighting = getattr(config, method.encoder)
    reweight = None
    if method.group is not None:
        reweight = TCReweight(rule.alpha, rule.warm_up, rule.interval, rule.aug, method.group)
    base = weight = split.weights[method.encoder]
    best, best_epoch, kept, curve = -1.0, 0, {}, []
    for epoch in context.progress(range(config.epochs), desc=name):
        if reweight is not None and reweight.is_due(epoch):
            with torch.no_grad():
                h = model.encode(split.x, split.loops, weight)
            weight = reweight.update(h, model.decoder, split.loops, base)
        loss = train_epoch(config, model, optimizer, weight, split)
        hits = edge_hits(config, model, weight, split, "val")
        curve.append(hits)
        context.log(epoch, **{f"{name}.loss": loss, f"{name}.val_hits": hits})
        if hits > best:
            best, best_epoch = hits, epoch
            kept = {key: value.clone() for key, value in model.state_dict().items()}
            kept_weight = weight
    model.load_state_dict(kept)
    return model, kept_weight, best_epoch, curve


def train_epoch(
    config: Config,
    model: LinkPredictor,
    optimizer: torch.optim.Optimizer,
    weight: Tensor,
    split: Split,
) -> float:
    """One pass over the training edges, each with one negative."""
    model.train()
    total, positives = 0.0, split.positives["train"]
    for batch in batches(positives.size(1), config.batch_size):
        negatives = negative_sampling(split.loops, split.num_nodes, batch.numel())
        h = model.encode(split.x, split.loops, weight)
        pos = model.score(h, positives[:, batch.to(positives.device)])
        neg = model.score(h, negatives)
        loss = -F.logsigmoid(pos).mean() - F.logsigmoid(-neg).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += float(loss.detach()) * batch.numel() / positives.size(1)
    return total


def batches(size: int, batch_size: int) -> Iterator[Tensor]:
    """All positions in random order, the last partial batch included."""
    yield from torch.randperm(size).split(batch_size)


@torch.no_grad()
def edge_hits(
    config: Config, model: LinkPredictor, weight: Tensor, split: Split, part: str
) -> float:
    """Hits@K of a part against its own negatives."""
    model.eval()
    h = model.encode(split.x, split.loops, weight)
    pos, neg = (model.score(h, edges[part]) for edges in (split.positives, split.negatives))
    return hits_at_k(pos, neg, config.hits_k)


def node_properties(split: Split) -> dict[str, Tensor]:
    """Concentration at two hops and degrees of every node."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # test edges must not be training edges
        tc = topological_concentration(
            split.train, split.num_nodes, targets={"tr": None, "te": split.both("test")}, num_hops=2
        )
    graph = CSRGraph.from_edge_index(split.train, split.num_nodes)
    test = CSRGraph.from_edge_index(split.both("test"), split.num_nodes)
    return {
        "tc_te": tc["te"],
        "tc_tr": tc["tr"],
        "deg_tr": distinct_ends(graph)[:, 0].double(),
        "deg_te": distinct_ends(test)[:, 0].double(),
    }


@torch.no_grad()
def judge(
    config: Config,
    model: LinkPredictor,
    weight: Tensor,
    split: Split,
    properties: dict[str, Tensor],
) -> tuple[dict[str, float], Tensor]:
    """The row of a method, and recall@10 of every node (NaN without test edges)."""
    model.eval()
    h = model.encode(split.x, split.loops, weight)
    known = torch.cat([split.train, split.both("val")], dim=1)
    truth = split.both("test")
    metrics = ("recall", "precision", "ndcg")
    found = {name: torch.full((split.num_nodes,), torch.nan) for name in metrics}
    for nodes in truth[0].unique().split(64):
        every = torch.arange(split.num_nodes, device=h.device)
        pairs = torch.cartesian_prod(nodes, every).t()
        score = model.score(h, pairs).view(nodes.numel(), -1)
        row = torch.full((split.num_nodes,), -1, device=h.device)
        row[nodes] = torch.arange(nodes.numel(), device=h.device)
        mine = truth[:, row[truth[0]] >= 0]
        local = torch.stack([row[mine[0]], mine[1]])
        values = per_node_link_metrics(score, local, K, exclude=known, nodes=nodes, metrics=metrics)
        for name in metrics:
            found[name][nodes.cpu()] = values[name].cpu()
    result = {f"hits@{config.hits_k}": edge_hits(config, model, weight, split, "test")}
    result |= {f"{name}@{K}": float(value.nanmean()) for name, value in found.items()}
    table = correlation_table(
        {name: value.cpu() for name, value in properties.items()}, {"recall": found["recall"]}
    )
    for name, entry in table.items():
        if entry["recall"]["pearson"] == entry["recall"]["pearson"]:
            result[f"r(recall, {name})"] = entry["recall"]["pearson"]
    return result, found["recall"]


def shift_row(properties: dict[str, Tensor], split: Split) -> dict[str, float]:
    """Shift of concentration on nodes where both sides are defined."""
    mask = (properties["deg_tr"] > 1) & (properties["deg_te"] > 0)
    shift = concentration_shift(properties["tc_tr"], properties["tc_te"], mask)
    if shift.num_nodes == 0:
        return {"nodes compared": 0.0}
    return {
        "mean tc_tr - tc_te": shift.mean,
        "wasserstein": shift.wasserstein,
        "nodes compared": float(shift.num_nodes),
    }


def draw(
    context: Context,
    properties: dict[str, Tensor],
    recalls: dict[str, Tensor],
    curves: dict[str, list[float]],
) -> None:
    """Performance by bins of concentration and of degree, and the two distributions."""
    for name in ("tc_te", "tc_tr", "deg_tr"):
        axes = viz.concentration_performance(
            properties[name].cpu(), recalls, xlabel=name, ylabel=f"mean recall@{K}"
        )
        note = " (uses test edges)" if name == "tc_te" else ""
        axes.set_title(f"Performance by {name}{note}")
        context.figure(f"recall_by_{name}", axes)
    counts = {}
    for name in ("tc_tr", "tc_te"):
        chosen = properties[name][(properties["deg_tr"] > 1) & (properties["deg_te"] > 0)]
        counts[name] = torch.histc(chosen.cpu(), 10, 0.0, 1.0).tolist()
    labels = [f"{b / 10:.1f}" for b in range(10)]
    axes = viz.bars(labels, counts, ylabel="nodes")
    axes.set_title("Concentration on training and test edges (from value shown)")
    context.figure("shift", axes)
    axes = viz.training_curves(curves)
    axes.set_ylabel("validation hits")
    context.figure("validation", axes)


if __name__ == "__main__":
    main(run, Config, PRESETS, not_run=CAVEATS)
