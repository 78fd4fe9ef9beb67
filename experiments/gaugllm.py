"""What do a language model's features and edge votes add to self-supervised training?

Four rows of an ablation share everything but what the model gives: nothing, features of the second
view, edits of its edges, or both. Frozen features, the model's own predictions, and the two side by
side stand beside them. A logistic regression reads 20 labels per class; its regularisation and the
features to embed (first view, second, or the mean) are chosen on 30 others per class, and the rest
of the nodes is scored once.

Without ``--llm-model`` the model's answers are stored ones: the similarities of 1,000 edges and
1,000 other pairs (Cora: and chosen neighbours) as votes, and ranked class predictions as what is
left of the expert that reasons about the own text (IDR). The experts that read neighbours (SAS,
SAR) are left out then. ``stdlib`` is embedded and has no stored answers: its second view reads
summaries by template, and texts vote by their similarity. With a model, all texts and votes come
from it, at any endpoint:

    python -m experiments.gaugllm --preset citeseer --seeds 0:5 --data data/llm_outputs
    python -m experiments.gaugllm --preset citeseer --llm-model llama3 --llm-url http://HOST/v1
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from experiments._baselines import most_frequent_class
from experiments._context import Context
from experiments._figures import accuracy_bars
from experiments._llm_outputs import Stored, read_stored
from experiments._results import Rows
from experiments._runner import main
from experiments._stdlib import EMBEDDED, stored_nothing, text_graph
from graphlab.evaluate import linear_probe
from graphlab.tag import (
    CandidateVote,
    ContextAwareSelector,
    EdgeCandidates,
    GAugLLM,
    LLMClient,
    LLMEdgeModifier,
    PromptExperts,
    SubgraphSampler,
    TemplateSummarizer,
    TextEncoder,
    apply_all_votes,
    edge_changes,
    fit_selector,
    labels_per_class_split,
    propose_edge_candidates,
    tape_split,
    vote_edges,
)

VIEWS = ("first", "second", "mean")


@dataclass(frozen=True)
class Config:
    """Settings; epochs and width are smaller than the paper's, so that a seed takes a minute."""

    dataset: str = "citeseer"
    data: str = "data/llm_outputs"
    features: str = "minilm"
    dim: int = 256
    protocol: str = "20 labels per class; choices on 30 others per class"
    backbone: str = "bgrl"
    epochs: int = 60
    out_channels: int = 128
    lr: float = 2e-3
    drop_edge: tuple[float, float] = (0.3, 0.3)
    mask_features: tuple[float, float] = (0.2, 0.2)
    threshold: float = 0.5
    p_add: float = 0.5
    p_del: float = 0.5
    llm_model: str | None = None
    llm_url: str | None = None
    llm_cache: str | None = None
    llm_concurrency: int = 8
    experts: tuple[str, ...] = ("raw", "idr", "sas", "sar")
    encoder: str = "hashing"
    num_candidates: int = 10
    selector_epochs: int = 50


_STDLIB = Config(
    dataset=EMBEDDED,
    protocol="random 60/20/20, choices on validation nodes",
    out_channels=64,
    threshold=0.3,
    num_candidates=5,
)
PRESETS = {
    "citeseer": Config(),
    "cora": Config(dataset="cora", features="bow"),
    "cora_deberta": Config(dataset="cora", features="deberta"),
    "stdlib": _STDLIB,
    # Quick: shows that a figure repeats, not how good the method is.
    "smoke": replace(_STDLIB, dim=32, epochs=3, out_channels=8),
}
CAVEATS = {
    "published numbers": "other data sets, selection by test nodes; none are shown",
    "experts SAS and SAR": "need a language model (--llm-model); left out where rows say stored",
    "expert IDR": "without a model only its class predictions are at hand, not its explanations",
    "GIANT features": "frozen encoders in place of a language model tuned on the graph",
}


@dataclass(frozen=True)
class Help:
    """What the language model gives.

    Attributes:
        plain: Features without it, ``(N, F)``.
        views: Features of both views with it.
        candidates: Pairs it was asked about.
        votes: Its votes.
        told: Where it comes from, for the titles.
    """

    plain: Tensor
    views: tuple[Tensor, Tensor]
    candidates: EdgeCandidates
    votes: CandidateVote
    told: str


def similarity_help(
    config: Config, stored: Stored, views: tuple[Tensor, Tensor], told: str
) -> Help:
    """Similarities of the judged pairs as votes."""
    votes = CandidateVote.from_scores(
        stored.candidates.src, stored.candidates.dst, stored.similarity, config.threshold
    )
    return Help(stored.x, views, stored.candidates, votes, told)


def stored_help(config: Config, stored: Stored) -> Help:
    """Stored predictions beside the features of the second view, stored similarities as votes."""
    rank = 1 / torch.arange(1, stored.ranked.size(1) + 1)
    said = torch.zeros(stored.ranked.size(0), stored.num_classes + 1)
    said.scatter_reduce_(1, stored.ranked, rank.expand_as(stored.ranked), "amax")
    said = said[:, 1:]
    views = tuple(torch.cat([stored.x, extra], dim=1) for extra in (torch.zeros_like(said), said))
    return similarity_help(config, stored, (views[0], views[1]), "stored")


def template_help(config: Config, stored: Stored, seed: int) -> Help:
    """Summaries by template for the second view, similarities of the texts as votes."""
    graph, encoder = text_graph(config.dim)
    roots = SubgraphSampler("khop", num_hops=1, seed=seed)
    store = roots.sample(graph.edge_index, int(graph.num_nodes))
    summaries = encoder.encode(TemplateSummarizer().summarize(graph.text, store))
    return similarity_help(config, stored, (stored.x, summaries), "templates")


def asked_help(config: Config, stored: Stored, seed: int) -> Help:
    """Texts and votes of a language model at an endpoint."""
    if stored.texts is None:
        raise ValueError(f"{config.dataset} has no texts to show to a language model")
    if config.llm_model is None:
        raise ValueError("llm_model must name a model")
    experts = PromptExperts(config.experts, label_names=stored.class_names)
    encoder = TextEncoder(config.encoder)
    with LLMClient(
        config.llm_model,
        base_url=config.llm_url,
        cache=config.llm_cache,
        concurrency=config.llm_concurrency,
    ) as client:
        written = experts.run(client, stored.texts, stored.edge_index)
        content, context = written.encode(encoder)
        size = config.num_candidates
        asked = propose_edge_candidates(content[:, 0], stored.edge_index, size, size)
        votes = vote_edges(client, asked, stored.texts)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        selector = ContextAwareSelector(content.size(2), len(written.names), similarity="cosine")
    fused = fit_selector(
        selector, content, context, stored.edge_index, epochs=config.selector_epochs, seed=seed
    )
    raw = content[:, 0]
    return Help(raw, (raw, fused.x), asked, votes, ", ".join(written.names))


def split(config: Config, stored: Stored, seed: int) -> dict[str, Tensor]:
    """Nodes for training, validation and test of the probe."""
    if config.dataset == EMBEDDED:  # too few modules for 20 of every chapter
        return tape_split(stored.y.numel(), seed)
    if stored.parts is None:
        return labels_per_class_split(stored.y, 20, 30, seed=seed)
    # The encoder of these features has seen labels: test nodes are those it has not.
    hidden = {
        name: torch.full_like(stored.y, -1).index_copy_(0, nodes, stored.y[nodes])
        for name, nodes in stored.parts.items()
    }
    return {
        "train": labels_per_class_split(hidden["train"], 20, 0, seed=seed)["train"],
        "val": labels_per_class_split(hidden["val"], 30, 0, seed=seed)["train"],
        "test": stored.parts["test"],
    }


def read(config: Config, seed: int) -> tuple[Stored, Help]:
    """The graph, and what helps it."""
    embedded = config.dataset == EMBEDDED
    stored = (
        stored_nothing(config.dim, config.num_candidates)
        if embedded
        else read_stored(config.data, config.dataset, config.features, seed)
    )
    if config.llm_model is not None:
        return stored, asked_help(config, stored, seed)
    return stored, (
        template_help(config, stored, seed) if embedded else stored_help(config, stored)
    )


def run(config: Config, context: Context) -> Rows:
    """Train the four rows of one seed and score them beside the baselines."""
    stored, help_ = read(config, context.seed)
    parts = split(config, stored, context.seed)
    rows = baselines(stored, help_, parts)
    name = config.backbone.upper()
    trained = {
        f"{name}, no LLM": (False, False),
        f"{name}, features only ({help_.told})": (True, False),
        f"{name}, edges only ({help_.told})": (False, True),
        f"{name}, both ({help_.told})": (True, True),
    }
    for number, (title, (features, edges)) in enumerate(
        context.progress(trained.items(), desc="rows")
    ):
        rows[title] = train(config, context, stored, help_, parts, features, edges)
        context.log(number, **{f"{title}.accuracy": rows[title]["accuracy"]})
    accuracy_bars(context, rows)
    return rows


def train(
    config: Config,
    context: Context,
    stored: Stored,
    help_: Help,
    parts: dict[str, Tensor],
    features: bool,
    edges: bool,
) -> dict[str, float]:
    """One row: train, embed in the way that validation nodes prefer, score, count edits."""
    views = help_.views if features else (help_.plain, help_.plain)
    device = context.device
    modifier = None
    if edges:
        modifier = LLMEdgeModifier(
            help_.candidates, help_.votes, config.p_add, config.p_del, seed=context.seed
        )
    model = GAugLLM(
        config.backbone,
        (views[0].to(device), views[1].to(device)),
        modifier,
        out_channels=config.out_channels,
        epochs=config.epochs,
        lr=config.lr,
        drop_edge=config.drop_edge,
        mask_features=config.mask_features,
        seed=context.seed,
    )
    data = Data(edge_index=stored.edge_index.to(device), num_nodes=stored.y.numel())
    model.fit(data)
    chosen = VIEWS if features else VIEWS[:1]
    found = [linear_probe(model.transform(data, view), stored.y, parts) for view in chosen]
    best = max(found, key=lambda result: result.val_accuracy)
    row = {"accuracy": best.accuracy, "macro_f1": best.macro_f1, "val_accuracy": best.val_accuracy}
    return row | (edits(stored, help_, modifier) if modifier is not None else {})


def edits(stored: Stored, help_: Help, modifier: LLMEdgeModifier) -> dict[str, float]:
    """Undirected edges that all votes together change, and that the last step changed."""
    everything = apply_all_votes(
        stored.edge_index, help_.candidates, help_.votes, undirected=True, isolated=False
    )
    whole = edge_changes(stored.edge_index, everything, stored.y.numel())
    last: Any = modifier.changes
    return {
        "edges": whole.before / 2,
        "edges added by all votes": whole.added / 2,
        "edges deleted by all votes": whole.deleted / 2,
        "edges changed in the last step": (last.added + last.deleted) / 2,
        "unknown votes": float(help_.votes.counts()["unknown"]),
    }


def baselines(stored: Stored, help_: Help, parts: dict[str, Tensor]) -> Rows:
    """The features alone, the model's predictions alone, and both in a logistic regression."""
    inputs = {
        "frozen features": help_.plain,
        f"frozen features of the second view ({help_.told})": help_.views[1],
    }
    rows = {}
    for title, x in inputs.items():
        result = linear_probe(x, stored.y, parts)
        rows[title] = {
            "accuracy": result.accuracy,
            "macro_f1": result.macro_f1,
            "val_accuracy": result.val_accuracy,
        }
    if bool(stored.ranked.any()):
        top = stored.ranked[:, 0] - 1
        right = (top == stored.y)[parts["test"]]
        rows["stored predictions, no graph"] = {"accuracy": float(right.double().mean())}
    else:
        rows["most frequent class"] = most_frequent_class(stored.y, parts)
    return rows


if __name__ == "__main__":
    main(run, Config, PRESETS, None, CAVEATS)
