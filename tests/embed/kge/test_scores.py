"""Scores, losses and gradients of every model against the authors' code and brute force."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, softplus
from torch_geometric.nn.kge.loader import KGTripletLoader

from graphlab.embed import KGEmbedding
from graphlab.embed.kge.objective import Objective
from tests import _golden
from tests.embed.kge._toy import NODES, RELATIONS, fitted, random_triples

GOLDEN = {
    "distmult": ("distmult", 2),
    "transe": ("transe", 2),
    "nfe_1": ("nfe1", 1),
    "nfe_2": ("nfe2", 1),
    "nfe_3": ("nfe3", 1),
    "nfe_sigma": ("sigma", 1),
    "nfe_wo_uncertainty": ("mean", 1),
}
MODELS = ("complex", "distmult", "transe", "rotate", "nfe1", "nfe2", "nfe3", "mean", "sigma")


def assert_near(found: Tensor, wanted: Tensor, tolerance: float = 1e-9) -> None:
    found, wanted = found.detach(), wanted.detach()
    assert float((found - wanted).abs().max()) <= tolerance * max(1.0, float(wanted.abs().max()))


@pytest.mark.parametrize("case", GOLDEN)
def test_score_loss_and_gradients_are_those_of_the_authors(case: str) -> None:
    stored = _golden.load("kge", f"kge_score_{case}")
    name, width = GOLDEN[case]
    entity, relation = stored["entity"], stored["relation"]
    model = KGEmbedding(
        len(entity),
        len(relation) // 2,
        width * int(stored["dim"]),
        name,
        gamma=float(stored["gamma"]),
    ).double()
    with torch.no_grad():
        model.node_emb.weight.copy_(entity)
        model.rel_emb.weight.copy_(relation)
    head, kind, tail = stored["head"], stored["rel"], stored["tail"]
    assert_near(model.query(head, kind) @ model.entities().t(), stored["score"])
    rows = torch.arange(len(head))
    assert_near(model(head, kind, tail), stored["score"][rows, tail])
    loss = model.loss(head, kind, tail, kind="bce")
    assert_near(loss.detach(), stored["loss"])
    loss.backward()
    for table, name in ((model.node_emb, "grad_entity"), (model.rel_emb, "grad_relation")):
        largest = stored[name].abs().max()
        assert float((table.weight.grad - stored[name]).abs().max() / largest) <= 1e-9


def definition(name: str, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
    """The score of one triple, from the paper's formula."""
    if name == "complex":
        h, r, t = (torch.complex(*x.chunk(2)) for x in (head, relation, tail))
        return (h * r * t.conj()).real.sum()
    h, t = (torch.complex(*x.chunk(2)) for x in (head, tail))
    return -(h * torch.polar(torch.ones_like(relation), relation) - t).abs().square().sum()


@pytest.mark.parametrize("name", ["complex", "rotate"])
def test_models_without_a_golden_case_have_their_formula(name: str) -> None:
    model = KGEmbedding(NODES, RELATIONS, 5, name, gamma=0.5).double()
    (head, tail), kind = random_triples(20)
    node, rel = model.node_emb.weight, model.rel_emb.weight
    wanted = [
        0.5 + definition(name, node[h], rel[r], node[t])
        for h, r, t in zip(head, kind, tail, strict=True)
    ]
    assert_near(model(head, kind, tail), torch.stack(wanted), 1e-12)


def test_tied_nfe3_is_a_divergence_of_normal_distributions() -> None:
    model = KGEmbedding(NODES, RELATIONS, 4, "nfe3", tied=True, init_scale=1.0).double()
    (head, tail), kind = random_triples(20)
    mean, spread = model.node_emb.weight.chunk(2, dim=1)
    shift, scale = model.rel_emb.weight[kind].chunk(2, dim=1)
    scale, spread = softplus(scale), softplus(spread)
    one = torch.distributions.Normal(scale * mean[head] + shift, scale * spread[head])
    two = torch.distributions.Normal(mean[tail], spread[tail])
    wanted = -torch.distributions.kl_divergence(one, two).sum(1)
    assert_near(model(head, kind, tail), wanted, 1e-12)


@pytest.mark.parametrize("name", ["nfe1", "nfe2", "nfe3", "sigma"])
def test_uncertainty_grows_with_the_scales(name: str) -> None:
    model = KGEmbedding(NODES, RELATIONS, 4, name, init_scale=1.0).double()
    before = model.uncertainty(torch.arange(NODES))
    with torch.no_grad():
        model.node_emb.weight.mul_(3.0)
        if name == "nfe3":
            model.node_emb.weight.abs_()
    assert bool((model.uncertainty(torch.arange(NODES)) > before).all())
    if name != "nfe3":
        grown = model.uncertainty(torch.tensor([3])) - before[3]
        assert_near(grown, 4 * torch.tensor([3.0]).double().log(), 1e-12)


def test_models_without_scales_have_no_uncertainty() -> None:
    with pytest.raises(
        ValueError, match="uncertainty is what models .*'nfe1'.* this one is 'complex'"
    ):
        KGEmbedding(NODES, RELATIONS, 4).uncertainty(torch.tensor([0]))


# --- losses ---------------------------------------------------------------------------------------


def dense(model: KGEmbedding, head: Tensor, kind: Tensor) -> Tensor:
    return model.query(head, kind) @ model.entities().t()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_softmax_and_bce_are_the_losses_of_all_scores(name: str, smoothing: float) -> None:
    model = KGEmbedding(NODES, RELATIONS, 4, name, gamma=1.0, init_scale=0.5).double()
    (head, tail), kind = random_triples(13)
    score = dense(model, head, kind)
    found = model.loss(head, kind, tail, smoothing=smoothing)
    assert_near(found, cross_entropy(score, tail, label_smoothing=smoothing), 1e-12)
    label = nn.functional.one_hot(tail, NODES).double() * (1 - smoothing) + smoothing / NODES
    wanted = binary_cross_entropy_with_logits(score, label, reduction="none").sum(1).mean()
    assert_near(model.loss(head, kind, tail, kind="bce", smoothing=smoothing), wanted, 1e-12)


def test_bce_all_takes_every_given_tail_of_a_query_once() -> None:
    model = KGEmbedding(NODES, RELATIONS, 4).double()
    head, kind = torch.tensor([1, 1, 1, 2]), torch.tensor([0, 0, 0, 5])
    tail = torch.tensor([3, 4, 4, 3])
    score = dense(model, torch.tensor([1, 2]), torch.tensor([0, 5]))
    label = torch.zeros(2, NODES).double()
    label[0, [3, 4]], label[1, 3] = 1.0, 1.0
    wanted = binary_cross_entropy_with_logits(score, label, reduction="none").sum(1).mean()
    assert_near(model.loss(head, kind, tail, kind="bce_all"), wanted, 1e-12)


def test_known_tails_are_no_negatives_of_the_softmax() -> None:
    model = KGEmbedding(NODES, RELATIONS, 4, init_scale=1.0).double()
    edges, kinds = random_triples(60)
    (head, tail), kind = edges[:, :10], kinds[:10]
    score = dense(model, head, kind)
    for row, (h, r, t) in enumerate(zip(head, kind, tail, strict=True)):
        others = edges[1, (edges[0] == h) & (kinds == r) & (edges[1] != t)]
        score[row, others] = -torch.inf
    found = model.loss(head, kind, tail, known=(edges, kinds))
    assert_near(found, cross_entropy(score, tail), 1e-12)
    assert found.item() < model.loss(head, kind, tail).item()


@pytest.mark.parametrize("inverse", [True, False])
def test_sampled_loss_draws_by_its_generator(inverse: bool) -> None:
    model = KGEmbedding(NODES, RELATIONS, 4, inverse=inverse, init_scale=1.0).double()
    (head, tail), kind = random_triples(50)

    def loss(seed: int, count: int = 4) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        options = {"kind": "sampled", "num_negatives": count, "generator": generator}
        return model.loss(head, kind, tail, **options)

    assert torch.equal(loss(1), loss(1)) and not torch.equal(loss(1), loss(2))
    if inverse:  # many draws come to the mean over all entities
        wanted = softplus(-model(head, kind, tail)) + softplus(dense(model, head, kind)).mean(1)
        assert_near(loss(0, 4000), wanted.mean(), 0.02)


def test_sampled_loss_of_features_is_that_of_a_table_of_their_rows() -> None:
    features = torch.randn(NODES, 7, generator=torch.Generator().manual_seed(0))
    model = KGEmbedding(NODES, RELATIONS, 4, "distmult", entity_features=features)
    table = KGEmbedding(NODES, RELATIONS, 4, "distmult")
    with torch.no_grad():
        table.node_emb.weight.copy_(model.network.rows())
        table.rel_emb.weight.copy_(model.rel_emb.weight)
    (head, tail), kind = random_triples(20)
    one, other = (m.loss(head, kind, tail, kind="sampled") for m in (model, table))
    assert_near(one, other, 1e-6)


def test_the_regulariser_cubes_every_factor_of_a_real_model() -> None:
    model = KGEmbedding(NODES, RELATIONS, 4, "distmult", init_scale=1.0).double()
    (head, tail), kind = random_triples(20)
    batch = head, kind, tail
    plain, more = (
        Objective("softmax", n3=n3).of_batch(model.network, batch, None, None) for n3 in (0.0, 0.1)
    )
    node, rel = model.node_emb.weight, model.rel_emb.weight
    cubes = sum(rows.abs().pow(3).sum() for rows in (node[head], rel[kind], node[tail])) / 20
    assert_near(more - plain, 0.1 * cubes, 1e-12)


def test_a_batch_without_tails_needs_what_is_known() -> None:
    network, pair = KGEmbedding(NODES, RELATIONS, 4).network, torch.tensor([0, 1])
    with pytest.raises(ValueError, match="a loss of kind 'softmax' needs tails"):
        Objective("softmax").of_batch(network, (pair, pair, None), None, None)


def test_gradients_of_sparse_tables_hold_the_rows_of_the_batch() -> None:
    model = KGEmbedding(1000, RELATIONS, 4, sparse=True)
    model.loss(
        *(torch.tensor([1, 2]), torch.tensor([0, 1]), torch.tensor([5, 6])),
        kind="sampled",
        num_negatives=3,
    ).backward()
    gradient = model.node_emb.weight.grad
    assert gradient.is_sparse and gradient.coalesce().indices().numel() <= 2 + 2 + 6


# --- maps of the user, features -------------------------------------------------------------------


def bilinear() -> tuple[nn.Module, nn.Module]:
    class Query(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mix = nn.Linear(8, 8, bias=False)

        def forward(self, head: Tensor, relation: Tensor) -> Tensor:
            return self.mix(head) * relation

    return Query(), nn.Identity()


def test_maps_of_the_user_are_the_score_and_their_weights_learn() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        maps = bilinear()
    model = KGEmbedding(NODES, RELATIONS, 8, maps, gamma=1.5)
    (head, tail), kind = random_triples(30)
    node, rel = model.node_emb.weight, model.rel_emb.weight
    wanted = (maps[0](node[head], rel[kind]) * node[tail]).sum(1) + 1.5
    assert_near(model(head, kind, tail), wanted, 1e-6)
    before = maps[0].mix.weight.clone()
    fitted(model, random_triples(30), epochs=2)
    trained = dict(model.named_parameters())
    (key,) = (name for name in trained if name.endswith("mix.weight"))
    assert not torch.equal(trained[key], before)
    assert torch.equal(maps[0].mix.weight, before)  # a copy is trained, not the user's own


def test_plain_functions_make_a_model() -> None:
    model = KGEmbedding(NODES, RELATIONS, 6, (torch.mul, torch.nn.functional.normalize))
    (head, tail), kind = random_triples(9)
    node, rel = model.node_emb.weight, model.rel_emb.weight
    wanted = (node[head] * rel[kind] * torch.nn.functional.normalize(node[tail])).sum(1)
    assert_near(model(head, kind, tail), wanted, 1e-6)


def test_a_map_of_the_wrong_shape_is_named() -> None:
    model = KGEmbedding(NODES, RELATIONS, 6, (lambda head, relation: head[:1], torch.relu))
    with pytest.raises(ValueError, match=r"query_map\(head, relation\) must have 2 rows"):
        model.query(torch.tensor([0, 1]), torch.tensor([0, 0]))


def test_features_give_rows_to_entities_without_triples() -> None:
    features = torch.randn(NODES, 7, generator=torch.Generator().manual_seed(0))
    features[9] = features[4]  # 9 is in no triple
    edges, kinds = random_triples(40, nodes=9)
    model = KGEmbedding(NODES, RELATIONS, 8, entity_features=features)
    fitted(model, (edges, kinds), epochs=3)
    rows = model.entities()
    assert torch.equal(rows[9], rows[4])
    assert not torch.equal(rows[10], rows[11])


def test_entities_without_triples_are_ranked_by_their_features() -> None:
    """A new entity with the features of a known one has its answers and its ranks."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(NODES, 7, generator=generator)
    features[9] = features[4]
    model = KGEmbedding(NODES, RELATIONS, 8, entity_features=features)
    fitted(model, random_triples(60, nodes=9), epochs=3)
    new, old = (model.topk(torch.tensor([node]), torch.tensor([1]), 5) for node in (9, 4))
    assert torch.equal(new[1], old[1])
    query = torch.tensor([[9], [2]]), torch.tensor([1])
    ranks = model.rank(*query)
    assert ranks.num_unseen == 2 and torch.equal(
        ranks.greater[:1], model.rank(torch.tensor([[4], [2]]), query[1], known=()).greater[:1]
    )


def test_batches_of_a_loader_of_pyg_train_it() -> None:
    """A loop of the user's own: PyG's loader gives heads, relations and tails."""
    edges, kinds = random_triples(60)
    model = KGEmbedding(NODES, RELATIONS, 8)
    loader = KGTripletLoader(edges[0], kinds, edges[1], batch_size=16)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    losses = []
    for _ in range(20):
        for batch in loader:
            optimizer.zero_grad()
            loss = model.loss(*batch)
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "sampled", "smoothing": 0.1}, "smoothing belongs to a loss over all entities"),
        ({"kind": "bce", "known": random_triples(3)}, "known belongs to kind='softmax'"),
    ],
)
def test_what_a_loss_does_not_read_is_refused(options: dict[str, Any], message: str) -> None:
    edges, kinds = random_triples(3)
    with pytest.raises(ValueError, match=message):
        KGEmbedding(NODES, RELATIONS, 4).loss(edges[0], kinds, edges[1], **options)


# --- arguments ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"num_nodes": 0}, ValueError, "num_nodes must be at least 1"),
        ({"num_relations": 0}, ValueError, "num_relations must be at least 1"),
        ({"hidden_channels": 2.5}, TypeError, "hidden_channels must be an int"),
        ({"model": "hole"}, ValueError, "model must be one of"),
        ({"model": torch.mul}, TypeError, "model must be one of .* or a pair"),
        ({"gamma": float("nan")}, ValueError, "gamma must be finite"),
        ({"tied": True}, ValueError, "tied belongs to model='nfe3'"),
        ({"init_scale": 0}, ValueError, "init_scale must be positive"),
        ({"entity_features": torch.ones(3, 2)}, ValueError, "entity_features must have 24 rows"),
    ],
)
def test_arguments_of_the_constructor_are_checked(params, error, message) -> None:
    given = {"num_nodes": NODES, "num_relations": RELATIONS, "hidden_channels": 4} | params
    with pytest.raises(error, match=message):
        KGEmbedding(**given)


def test_reverses_are_relations_of_queries_where_there_are_any() -> None:
    index = torch.tensor([0])
    KGEmbedding(NODES, RELATIONS, 4).query(index, torch.tensor([2 * RELATIONS - 1]))
    with pytest.raises(IndexError, match=r"rel_type\[0\] = 6 is outside \[0, 6\)"):
        KGEmbedding(NODES, RELATIONS, 4).query(index, torch.tensor([2 * RELATIONS]))
    with pytest.raises(IndexError, match="rel_type holds 3, but num_relations is 3: relation r"):
        KGEmbedding(NODES, RELATIONS, 4, inverse=False).query(index, torch.tensor([3]))


def test_seeds_make_models_and_leave_the_global_generator() -> None:
    state = torch.get_rng_state()
    models = [KGEmbedding(NODES, RELATIONS, 4, seed=seed) for seed in (0, 0, 1)]
    KGEmbedding(NODES, RELATIONS, 4, entity_features=torch.ones(NODES, 3))
    assert torch.equal(torch.get_rng_state(), state)
    weights = [model.node_emb.weight for model in models]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_nfe2_is_nfe1_where_both_sides_are_equal_up_to_the_skew() -> None:
    """With equal scales on both sides, the terms of the skew vanish."""
    one, two = (KGEmbedding(NODES, RELATIONS, 4, name).double() for name in ("nfe1", "nfe2"))
    with torch.no_grad():
        mean, scale = one.node_emb.weight.chunk(2, dim=1)
        two.node_emb.weight.copy_(torch.cat([mean, scale, scale], dim=1))
        two.rel_emb.weight.copy_(one.rel_emb.weight)
    every = torch.tensor(list(itertools.product(range(4), range(RELATIONS), range(4)))).t()
    assert_near(two(*every), one(*every), 1e-12)
