from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from graphlab._distributed import (
    all_gather_rows,
    all_reduce_sum,
    is_distributed,
    rank,
    world_size,
)
from graphlab._io import load_arrays, save_arrays
from tests._ranks import run_ranks

WORLDS = [1, 2, 3]
ROWS = (3, 0, 5)  # rows per rank: uneven, one rank without any
COLUMNS = 4

pytestmark = pytest.mark.skipif(not dist.is_available(), reason="torch without distributed")


def shard(index: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(index)
    return torch.randn(ROWS[index], COLUMNS, dtype=torch.float64, generator=generator)


def reduce_loss(index: int, local: torch.Tensor, total: torch.Tensor) -> torch.Tensor:
    """A loss that differs between ranks and uses both the own and the summed values."""
    return (index + 1.5) * total.exp().sum() + local.pow(3).sum() * total.sum()


def gather_loss(index: int, gathered: torch.Tensor) -> torch.Tensor:
    weight = torch.linspace(-1, 1, gathered.numel(), dtype=torch.float64).view_as(gathered)
    return ((weight + index) * gathered.sin()).sum() + gathered.prod(1).sum()


def vector(index: int) -> torch.Tensor:
    return shard(0)[0] * (index + 1) / 4


# --- what every process does ----------------------------------------------------------------------


def run_rank(index: int, size: int, folder: str) -> None:
    dist.init_process_group(
        "gloo",
        init_method=f"file://{folder}/rendezvous",
        rank=index,
        world_size=size,
        timeout=timedelta(seconds=60),
    )
    try:
        record_results(index, size, Path(folder))
    finally:
        dist.destroy_process_group()


def record_results(index: int, size: int, folder: Path) -> None:
    results = {**check_reduce(index), **check_gather(index), **check_others(index, size)}
    facts = {"rank": rank(), "size": world_size(), "distributed": is_distributed()}
    errors = check_errors(index, size)
    record = {"facts": json.dumps(facts), "errors": json.dumps(errors)}
    save_arrays(folder / f"{index}.safetensors", results, record)
    dist.barrier()


def check_reduce(index: int) -> dict[str, torch.Tensor]:
    t = vector(index).requires_grad_()
    total = all_reduce_sum(t)
    (grad,) = torch.autograd.grad(reduce_loss(index, t, total), t, create_graph=True)
    (second,) = torch.autograd.grad(grad.pow(2).sum(), t)
    unchanged = torch.equal(t.detach(), vector(index))
    return {
        "total": total,
        "reduce_grad": grad,
        "reduce_second": second,
        "unchanged": torch.tensor(unchanged),
    }


def check_gather(index: int) -> dict[str, torch.Tensor]:
    t = shard(index).requires_grad_()
    gathered = all_gather_rows(t)
    (grad,) = torch.autograd.grad(gather_loss(index, gathered), t, create_graph=True)
    (second,) = torch.autograd.grad(grad.pow(2).sum(), t)
    return {"gathered": gathered, "gather_grad": grad, "gather_second": second}


def check_others(index: int, size: int) -> dict[str, torch.Tensor]:
    results = {
        "labels": all_gather_rows(torch.full((index + 1,), index)),
        "flags": all_gather_rows(torch.tensor([index == 0])),
        "none": all_gather_rows(torch.zeros(0, 2)),
        "half": all_gather_rows(torch.full((1, 2), index + 0.5, dtype=torch.bfloat16)),
        "strided": all_gather_rows(shard(index).t().contiguous().t()),
        "scalar": all_reduce_sum(torch.tensor(index + 1)),
        "expanded": all_reduce_sum(torch.tensor([float(index)]).expand(3)),
    }
    # A group of one rank each: communication inside it is the identity.
    groups = [dist.new_group([member]) for member in range(size)]
    results["alone"] = all_reduce_sum(torch.tensor(index), groups[index])
    return results


def check_errors(index: int, size: int) -> list[str]:
    """Messages of calls that must fail on all ranks together and leave the group usable."""
    calls = {
        "shape": partial(all_gather_rows, torch.zeros(2, 3 + index)),
        "dtype": partial(
            all_gather_rows, torch.zeros(2, dtype=[torch.int64, torch.int32][index % 2])
        ),
        "complex": partial(all_gather_rows, torch.zeros(2, dtype=torch.complex64)),
        "group": partial(world_size, dist.GroupMember.NON_GROUP_MEMBER),
    }
    messages = []
    for name, call in calls.items():
        if size == 1 and name != "group":
            continue
        try:
            call()
            messages.append(f"{name}: no error")
        except (TypeError, ValueError) as error:
            messages.append(f"{name}: {error}")
    return messages


# --- what one process computes instead ------------------------------------------------------------


def expected(size: int) -> list[dict[str, torch.Tensor]]:
    vectors = [vector(i).requires_grad_() for i in range(size)]
    total = torch.stack(vectors).sum(0)
    loss = sum(reduce_loss(i, v, total) for i, v in enumerate(vectors))
    reduce_grads = torch.autograd.grad(loss, vectors, create_graph=True)
    squares = sum(g.pow(2).sum() for g in reduce_grads)
    reduce_seconds = torch.autograd.grad(squares, vectors)

    shards = [shard(i).requires_grad_() for i in range(size)]
    gathered = torch.cat(shards)
    loss = sum(gather_loss(i, gathered) for i in range(size))
    gather_grads = torch.autograd.grad(loss, shards, create_graph=True)
    squares = sum(g.pow(2).sum() for g in gather_grads)
    gather_seconds = torch.autograd.grad(squares, shards)
    return [
        {
            "total": total,
            "reduce_grad": reduce_grads[i],
            "reduce_second": reduce_seconds[i],
            "gathered": gathered,
            "gather_grad": gather_grads[i],
            "gather_second": gather_seconds[i],
        }
        for i in range(size)
    ]


@pytest.fixture(scope="module", params=WORLDS)
def ranks(request, tmp_path_factory):
    """Results of all processes of one world."""
    size = request.param
    folder = tmp_path_factory.mktemp(f"world{size}")
    run_ranks(run_rank, size, folder)
    return [load_arrays(folder / f"{index}.safetensors") for index in range(size)]


def test_values_and_gradients_equal_one_process(ranks):
    reference = expected(len(ranks))
    for (arrays, _), wanted in zip(ranks, reference, strict=True):
        for name, value in wanted.items():
            torch.testing.assert_close(arrays[name], value.detach(), rtol=1e-12, atol=1e-12)


def test_argument_is_left_alone(ranks):
    assert all(bool(arrays["unchanged"]) for arrays, _ in ranks)


def test_other_dtypes_and_layouts(ranks):
    size = len(ranks)
    for index, (arrays, _) in enumerate(ranks):
        assert arrays["labels"].tolist() == [r for r in range(size) for _ in range(r + 1)]
        assert arrays["flags"].tolist() == [r == 0 for r in range(size)]
        assert arrays["none"].shape == (0, 2)
        assert arrays["half"].dtype == torch.bfloat16
        assert arrays["half"][:, 0].tolist() == [r + 0.5 for r in range(size)]
        assert torch.equal(arrays["strided"], torch.cat([shard(r) for r in range(size)]))
        assert int(arrays["scalar"]) == size * (size + 1) // 2
        assert arrays["expanded"].tolist() == [sum(range(size))] * 3
        assert int(arrays["alone"]) == index


def test_facts_about_the_world(ranks):
    for index, (_, record) in enumerate(ranks):
        facts = {"rank": index, "size": len(ranks), "distributed": len(ranks) > 1}
        assert json.loads(record["facts"]) == facts


def test_disagreeing_ranks_fail_together(ranks):
    for _, record in ranks:
        errors = dict(message.split(": ", 1) for message in json.loads(record["errors"]))
        assert errors.pop("group") == "group must contain this process"
        if len(ranks) > 1:
            assert "same dtype and trailing shape" in errors["shape"]
            assert "same dtype and trailing shape" in errors["dtype"]
            assert "one of the dtypes" in errors["complex"]


def test_identity_without_a_process_group():
    t = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    assert (rank(), world_size(), is_distributed()) == (0, 1, False)
    assert all_reduce_sum(t) is t
    assert all_gather_rows(t) is t


@pytest.mark.parametrize("function", [all_reduce_sum, all_gather_rows])
def test_refuses_what_is_no_dense_tensor(function):
    with pytest.raises(TypeError, match="t must be a torch"):
        function([1.0])
    with pytest.raises(TypeError, match="t must be a dense"):
        function(torch.eye(2).to_sparse())


@pytest.mark.parametrize("shape", [(), (1,) * 9])
def test_gather_refuses_shapes_without_rows(shape):
    with pytest.raises(ValueError, match="t must have 1 to 8 dimensions"):
        all_gather_rows(torch.zeros(shape))
