"""Link prediction with GCN and SAGE, plain and TC-reweighted: which nodes are served well?

One random split of the edges (70/10/20) per seed; every method is trained on it at one width, and
the epoch is chosen by Hits@K on the validation edges. Besides the scores over all test edges the
table holds per-node recall@10 and how node properties go along with it (Pearson, over nodes with a
test edge): ``tc_te`` (concentration on the test edges: it *uses test edges*, an oracle diagnostic
and no predictor), ``tc_tr`` (on the training edges), ``deg_tr`` (training degree). Concentration is
taken at two hops; at one hop ``tc_tr`` is the local clustering coefficient.

    python -m experiments.link_prediction --preset cora --seeds 0:3
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.data import Data

from graphlab.contrastive import sample_non_edges
from graphlab.datasets import AnimalNetwork
from graphlab.embed import TCReweight
from graphlab.ops import SparseRows

from .._data.graphs import les_miserables, read_graph
from .._harness import runner
from .._harness.context import Context
from .model import LinkPredictor
from .presets import METHODS, PRESETS, Config, Method, Reweighting
from .scores import (
    draw,
    edge_hits,
    evaluate,
    node_properties,
    shift_row,
)
from .split import Split, split_edges

CAVEATS = {
    "prediction from tc_te": "TC_Te is computed from test edges: an oracle diagnostic",
    "tc_tr at one hop": "equals the local clustering coefficient, so it is shown once",
    "SAGE with aug 'sage' on CiteSeer and Reptile": "the authors list both forms; --sage.aug sage",
    "NCN, Collab, temporal splits": "not part of this script",
}


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
        rows[name], recalls[name] = evaluate(config, model, weight, split, properties)
        rows[name]["best_epoch"] = float(best)
        context.checkpoint(number, recalls, {"rows": rows, "curves": curves})
    rows["TC itself"] = shift_row(properties, split)
    draw(context, properties, recalls, curves)
    return rows


def fit(
    config: Config, context: Context, name: str, method: Method, split: Split
) -> tuple[LinkPredictor, Tensor, int, list[float]]:
    """Train one method; returns it as of its best epoch by validation, with its weights."""
    model = LinkPredictor(config, method.encoder, width(split.x), split.num_nodes)
    model = model.to(context.device)
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
        if hits > best:  # of equal epochs the first, and the weights that it was trained with
            best, best_epoch = hits, epoch
            kept = {key: value.clone() for key, value in model.state_dict().items()}
            kept_weight = weight
    model.load_state_dict(kept)
    return model, kept_weight, best_epoch, curve


def width(x: Tensor | SparseRows | None) -> int:
    """Number of features, 0 without any."""
    if x is None:
        return 0
    return x.num_cols if isinstance(x, SparseRows) else x.size(1)


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
        # PyG's would draw from Python's generator, and so does many a module while it is imported.
        negatives = sample_non_edges(
            split.loops, split.num_nodes, batch.numel(), generator=torch.default_generator
        )
        h = model.encode(split.x, split.loops, weight)
        pos = model.score(h, positives[:, batch.to(positives.device)])
        neg = model.score(h, negatives)
        loss = -F.logsigmoid(pos).mean() - F.logsigmoid(-neg).mean()
        optimizer.zero_grad()
        loss.backward()
        # Products of embeddings grow with the square of their length, and so do gradients.
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += float(loss.detach()) * batch.numel() / positives.size(1)
    return total


def batches(size: int, batch_size: int) -> Iterator[Tensor]:
    """All positions in random order, the last partial batch included."""
    yield from torch.randperm(size).split(batch_size)


def load(config: Config) -> Data:
    """The graph of a configuration."""
    if config.dataset in ("vole", "reptile"):
        return AnimalNetwork(f"{config.root}/animal", config.dataset, source=config.source)[0]
    if config.dataset == "les_miserables":
        return les_miserables()[0]
    return read_graph(config.dataset, config.root, config.source)


def main() -> NoReturn:
    """Run from the command line."""
    runner.main(run, Config, PRESETS, not_run=CAVEATS)
