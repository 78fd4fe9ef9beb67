from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn

from graphlab._io import load_arrays, save_arrays
from graphlab.contrastive import ClusterStatistics, PamCLoss, influence_adjacency
from graphlab.ops import trusted_values
from tests._ranks import run_ranks
from tests.ops._memory import saved_bytes

NUM_NODES, NUM_CLUSTERS = 24, 3
KINDS = ("meta", "meta1", "meta2")


def problem() -> tuple[nn.Module, Tensor, Tensor, Tensor, Tensor]:
    """An encoder, features, positives with weights, and clusters: the same on every process."""
    generator = torch.Generator().manual_seed(0)
    encoder = nn.Linear(6, 4, dtype=torch.float64)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.normal_(generator=generator)
    x = torch.randn(NUM_NODES, 6, dtype=torch.float64, generator=generator)
    pairs = torch.randint(NUM_NODES, (2, 40), generator=generator)
    edge_index, weight = influence_adjacency(pairs, NUM_NODES, 2, dtype=torch.float64)
    cluster = torch.randint(NUM_CLUSTERS, (NUM_NODES,), generator=generator)
    return encoder, x, edge_index, weight, cluster


def whole(kind: str) -> tuple[float, Tensor]:
    encoder, x, edge_index, weight, cluster = problem()
    loss = PamCLoss(0.8, kind)(encoder(x), edge_index, cluster, weight, NUM_CLUSTERS)
    return loss.item(), gradient(encoder, loss)


def gradient(encoder: nn.Module, loss: Tensor) -> Tensor:
    grads = torch.autograd.grad(loss, tuple(encoder.parameters()))
    return torch.cat([g.flatten() for g in grads])


def part(anchors: Tensor, edge_index: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Local nodes (anchors first, then neighbours), local edges, and their weights."""
    mine = torch.isin(edge_index[0], anchors)
    others = edge_index[1, mine]
    others = others[~torch.isin(others, anchors)].unique()
    nodes = torch.cat([anchors, others])
    local = torch.full((NUM_NODES,), -1)
    local[nodes] = torch.arange(len(nodes))
    return nodes, local[edge_index[:, mine]], weight[mine]


# --- in parts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("num_parts", [1, 2, 5])
def test_batches_sum_to_the_whole(num_parts: int) -> None:
    value, expected = whole("meta")
    encoder, x, edge_index, weight, cluster = problem()
    order = torch.randperm(NUM_NODES, generator=torch.Generator().manual_seed(1))
    batches = order.tensor_split(num_parts)
    loss = PamCLoss(0.8)
    with torch.no_grad():
        collected = [loss.collect(encoder(x[b]), cluster[b], NUM_CLUSTERS) for b in batches]
    statistics = collected[0]
    for other in collected[1:]:
        statistics = statistics + other
    total, grad = 0.0, torch.zeros_like(expected)
    for batch in batches:
        nodes, edges, weights = part(batch, edge_index, weight)
        share = loss.share(encoder(x[nodes]), edges, cluster[batch], statistics, weights)
        total += share.item()
        grad += gradient(encoder, share)
    assert total == pytest.approx(value, rel=1e-12)
    torch.testing.assert_close(grad, expected, rtol=1e-10, atol=1e-12)


def run_rank(index: int, size: int, folder: str) -> None:
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=index, world_size=size
    )
    encoder, x, edge_index, weight, cluster = problem()
    anchors = torch.arange(NUM_NODES).tensor_split([7])[index]  # uneven parts
    nodes, edges, weights = part(anchors, edge_index, weight)
    results = {}
    for kind in KINDS:
        loss = PamCLoss(0.8, kind)
        z = encoder(x[nodes])
        own = loss.collect(z[: len(anchors)], cluster[anchors], NUM_CLUSTERS)
        share = loss.share(z, edges, cluster[anchors], own.all_reduce(), weights)
        total, grad = share.detach().clone(), gradient(encoder, share)
        dist.all_reduce(total)
        dist.all_reduce(grad)
        results |= {f"{kind}.value": total, f"{kind}.grad": grad}
    save_arrays(Path(folder) / f"{index}.safetensors", results)
    dist.destroy_process_group()


@pytest.mark.skipif(not dist.is_available(), reason="torch without distributed")
def test_two_processes_equal_one(tmp_path: Path) -> None:
    run_ranks(run_rank, 2, tmp_path)
    for index in range(2):
        results, _ = load_arrays(tmp_path / f"{index}.safetensors")
        for kind in KINDS:
            value, expected = whole(kind)
            assert results[f"{kind}.value"].item() == pytest.approx(value, rel=1e-12)
            torch.testing.assert_close(results[f"{kind}.grad"], expected, rtol=1e-10, atol=1e-12)


# --- moments --------------------------------------------------------------------------------------


def test_moments_are_those_of_the_members() -> None:
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(50, 4, dtype=torch.float64, generator=generator)
    cluster = torch.randint(3, (50,), generator=generator)
    statistics = ClusterStatistics.collect(z, cluster, 4, order=2)
    covariance = statistics.covariance()
    assert covariance is not None
    unit = torch.nn.functional.normalize(z)
    for k in range(3):
        members = unit[cluster == k]
        torch.testing.assert_close(statistics.mean()[k], members.mean(0))
        torch.testing.assert_close(covariance[k], members.t().cov(correction=0))
    assert not bool(statistics.mean()[3].any())
    assert ClusterStatistics.collect(z, cluster, order=1).covariance() is None


def test_statistics_of_different_kinds_do_not_mix() -> None:
    z, cluster = torch.randn(6, 2), torch.tensor([0, 1, 0, 1, 0, 1])
    raw = ClusterStatistics.collect(z, cluster)
    with pytest.raises(ValueError, match="agree in order and shape"):
        raw + ClusterStatistics.collect(z, cluster, order=1)
    edges = torch.tensor([[0], [1]])
    with pytest.raises(ValueError, match="statistics must be of order 1, got 0"):
        PamCLoss(negatives="meta1").share(z, edges, cluster, raw)
    leaf = z.clone().requires_grad_()
    first = ClusterStatistics.collect(z, cluster, order=1)
    with pytest.raises(ValueError, match="statistics must carry a gradient"):
        PamCLoss(negatives="meta1").share(leaf, edges, cluster, first)
    with pytest.raises(ValueError, match="negatives must be one of"):
        PamCLoss(negatives="exact").collect(z, cluster)
    with pytest.raises(TypeError):
        raw + 1  # type: ignore[operator]


def test_soft_second_moments_keep_no_copy_per_cluster() -> None:
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(500, 8, generator=generator, dtype=torch.float64, requires_grad=True)
    soft = torch.rand(500, 40, generator=generator, dtype=torch.float64)
    kept = saved_bytes(lambda: ClusterStatistics.collect(z, soft, order=2))
    outer = ClusterStatistics.collect(z, soft, order=2).outer
    assert outer is not None
    assert kept < 4 * z.numel() * 8 + soft.numel() * 8  # was 40 copies of z
    weight = torch.randn(outer.shape, generator=generator, dtype=torch.float64)
    units = torch.nn.functional.normalize(z)
    wanted = torch.einsum("nk,nd,ne->kde", soft, units, units)
    torch.testing.assert_close(outer, wanted)
    ours, theirs = (torch.autograd.grad((m * weight).sum(), z)[0] for m in (outer, wanted))
    torch.testing.assert_close(ours, theirs)


def test_parts_refuse_what_they_cannot_know() -> None:
    z = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    cluster, edges = torch.tensor([0, 1]), torch.tensor([[0, 1, 0, 1], [1, 0, 2, 3]])
    # Nodes 2 and 3 are neighbours of the part's anchors; their positives are another part's.
    strict = PamCLoss(0.5, isolated="raise")
    strict.share(z, edges, cluster, strict.collect(z[:2], cluster))
    with pytest.raises(ValueError, match="edge_index gives node 1 no positive"):
        strict.share(z, edges[:, [0, 2]], cluster, strict.collect(z[:2], cluster))
    masked = PamCLoss(0.5, isolated="mask")
    with pytest.raises(ValueError, match="isolated must be 'keep' or 'raise'"):
        masked.share(z, edges, cluster, masked.collect(z[:2], cluster))
    with pytest.raises(TypeError, match="cluster must be a torch.Tensor, got list"):
        strict.share(z, edges, [0, 1], strict.collect(z[:2], cluster))  # type: ignore[arg-type]


def test_what_is_no_part_is_refused() -> None:
    z, cluster = torch.randn(6, 3), torch.arange(6) % 2
    whole = ClusterStatistics.collect(z, cluster, 2)
    with pytest.raises(TypeError, match="part must be ClusterStatistics, got Tensor"):
        whole.carry(z)  # type: ignore[arg-type]


def test_clusters_that_are_compared_give_no_denominator_of_a_node() -> None:
    with pytest.raises(ValueError, match="negatives='meta' compares clusters"):
        PamCLoss(negatives="meta").log_denominators(torch.randn(6, 3), torch.arange(6) % 2, 2)


def test_second_moments_are_carried_with_the_gradient_of_the_part() -> None:
    z = torch.randn(6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    cluster, leaf = torch.arange(6) % 2, z[:4].clone().requires_grad_()
    whole = ClusterStatistics.collect(z, cluster, 2, order=2)
    part = ClusterStatistics.collect(leaf, cluster[:4], 2, order=2)
    carried = whole.carry(part)
    assert carried.outer is not None and part.outer is not None
    assert torch.equal(carried.outer.detach(), whole.outer)
    weight = torch.arange(18.0).view_as(carried.outer).double()
    found, wanted = (
        torch.autograd.grad((outer * weight).sum(), leaf, retain_graph=True)[0]
        for outer in (carried.outer, part.outer)
    )
    assert torch.equal(found, wanted)


def test_statistics_must_be_finite_unless_values_are_trusted() -> None:
    z, cluster = torch.randn(4, 3), torch.arange(4) % 2
    edges, loss = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]]), PamCLoss()
    whole = loss.collect(z, cluster, 2)
    broken = ClusterStatistics(whole.count, whole.total / 0, whole.outer, whole.order)
    with pytest.raises(ValueError, match=r"statistics\.total must be finite"):
        loss.share(z, edges, cluster, broken)
    with trusted_values():
        assert not loss.share(z, edges, cluster, broken).isfinite()
