"""Bytes, operations and floors of the operators, against numbers worked out by hand."""

from __future__ import annotations

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import _floors as floors
from benchmarks.gpu.inputs import ARGUMENTS, FAMILIES, Inputs, Size
from tests._data import REPOSITORY

CPU = torch.device("cpu")
SLOW_MEMORY = floors.Device(1.0, 1e30, 0)
SLOW_ALU = floors.Device(1e30, 1.0, 0)


def meta(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


def csr(rows: int, entries: int) -> tuple[torch.Tensor, torch.Tensor]:
    return meta(rows + 1, dtype=torch.int64), meta(entries, dtype=torch.int32)


def cuda_operators() -> set[str]:
    """Names that the CUDA sources register."""
    folder = REPOSITORY / "cuda_ops" / "csrc" / "cuda"
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.cu"))
    return set(re.findall(r'm\.impl\("(\w+)"', text))


def test_every_cuda_kernel_has_a_formula_and_inputs():
    names = cuda_operators()
    assert len(names) > 20
    assert set(floors.FORMULAS) == names
    assert set(ARGUMENTS) == names
    listed = [op for family in FAMILIES.values() for op in family]
    assert sorted(listed) == sorted(names)


def test_an_operator_without_formula_is_refused():
    with pytest.raises(KeyError, match="maximal_cliques"):
        floors.work_of("maximal_cliques", ())


def test_arguments_are_those_of_the_schema():
    with pytest.raises(ValueError, match="shorter"):
        floors.work_of("distinct_ends", (ROWS, COL))


# Ten nodes, 30 entries, 8 columns unless said otherwise: 32 bytes a row, one sector.
N, E, D, K = 10, 30, 8, 4
ROWS, COL = csr(N, E)
ROWPTR_BYTES, COL_BYTES = 8 * 11, 4 * 30
Z, W = meta(N, D), meta(E)
TABLE = floors.Gather(E, 32, 320)
CLUSTER = meta(N, dtype=torch.int64)
VECTOR = meta(N)
THREE = (VECTOR, VECTOR, VECTOR)
# Five types of edges; rows of two times four columns, 32 bytes as well.
X3, TYPES, KIND = meta(N, 2, 4), meta(5, 4), meta(E, dtype=torch.int32)
TYPEPTR = meta(6, dtype=torch.int64)
ORDERS = (ROWS, COL, KIND, TYPEPTR, COL, KIND)
BY_TYPE = floors.Gather(E, 16, 80)
BY_HAND = {
    "relational_propagate": (
        (X3, TYPES, X3, ROWS, COL, KIND, *ORDERS, 0, 0, True),
        floors.Work(88 + 120 + 120 + 2 * 320, 2 * 30 * 8, 0, (TABLE, BY_TYPE)),
    ),
    "relational_shares": (
        (X3, X3, X3, TYPES, X3, ROWS, COL, KIND, 0, True),
        floors.Work(88 + 120 + 120 + 5 * 320, 2 * 30 * 8, 0, (TABLE, BY_TYPE)),
    ),
    "relational_source_grad": (
        (X3, X3, X3, TYPES, *ORDERS[:3], 0, 0),
        floors.Work(88 + 120 + 120 + 320, 2 * 30 * 8, 0, (TABLE, BY_TYPE)),
    ),
    "relational_table_grad": (
        (X3, X3, X3, TYPES, *ORDERS[3:], 0, 0),
        floors.Work(48 + 120 + 120 + 80, 2 * 30 * 8, 0, (TABLE, TABLE)),
    ),
    "edge_cosine_sum": (
        (Z, ROWS, COL, W, None, VECTOR, 0.5, False),
        floors.Work(88 + 120 + 120 + 40, 3 * 80 + 30 * 18, 30, (TABLE,)),
    ),
    "edge_cosine_sum_backward": (
        # Reversible: the scale of the other node is gathered with its row and gradient.
        (VECTOR, meta(0), Z, ROWS, COL, W, None, VECTOR, 0.5),
        floors.Work(88 + 120 + 120 + 320, 640 + 30 * 37, 30, (floors.Gather(E, 40, 400),)),
    ),
    "edge_cosine_weight_grad": (
        (VECTOR, meta(0), Z, ROWS, COL, 0.5),
        floors.Work(88 + 120 + 40 + 120, 3 * 80 + 30 * 18, 30, (TABLE,)),
    ),
    "cluster_sum": ((Z, CLUSTER, K), floors.Work(320 + 80 + 4 * 8 * 4, 80)),
    "cluster_gather": (
        (meta(K, D), CLUSTER),
        floors.Work(80 + 320, 0, 0, (floors.Gather(10, 32, 128),)),
    ),
    "cluster_outer": ((Z, CLUSTER, K), floors.Work(320 + 80 + 4 * 64 * 4, 10 * 8 * 9)),
    "cluster_outer_backward": (
        (meta(K, D, D), Z, CLUSTER),
        floors.Work(1024 + 320 + 80 + 320, 2 * 10 * 64 + 256),
    ),
    "pairwise_logsumexp": (
        (Z, meta(20, D), None, None, 1.0, 0, True),
        floors.Work(320 + 640 + 4 * 30, 2 * 200 * 8, 200),
    ),
    "self_logsumexp": ((Z, None, 1.0, 1), floors.Work(320 + 40, 2 * 55 * 8, 55)),
    "pairwise_logsumexp_backward": (
        (Z, meta(20, D), VECTOR, VECTOR, None, meta(20), meta(20), None, 1.0, 0),
        floors.Work(320 + 640 + 80 + 160 + 320, 4 * 200 * 8, 400),
    ),
    "pairwise_logsumexp_gradients": (
        (Z, meta(20, D), VECTOR, VECTOR, None, meta(20), meta(20), None, 1.0, 0),
        floors.Work(320 + 640 + 80 + 160 + 320 + 640, 6 * 200 * 8, 400),
    ),
    "pairwise_softplus": (
        (Z, meta(20, D)),
        floors.Work(320 + 640 + 40, 2 * 200 * 8, 400),
    ),
    "pairwise_softplus_backward": (
        (VECTOR, Z, meta(20, D), True, False),
        floors.Work(40 + 320 + 640 + 320, 4 * 200 * 8, 200),
    ),
    "pairwise_rank": (
        (Z, meta(20, D), CLUSTER, None, meta(11, dtype=torch.int64), CLUSTER),
        floors.Work(320 + 640 + 80 + 88 + 80 + 160, 2 * 210 * 8 + 400),
    ),
    "pairwise_topk": (
        (Z, meta(20, D), 3, 0, None, None),
        floors.Work(320 + 640 + 30 * 12, 2 * 200 * 8 + 200),
    ),
    "meta_logsumexp": (
        (Z, meta(K), meta(K, D), meta(K, D, D), 1.0),
        floors.Work(320 + 16 + 128 + 1024 + 40, 40 * (72 + 32), 40),
    ),
    "meta_logsumexp_backward": (
        (VECTOR, VECTOR, Z, meta(K), meta(K, D), None, 1.0),
        floors.Work(40 + 40 + 320 + 16 + 128 + 320 + 128, 40 * 48, 40),
    ),
    "propagate": (
        (Z, ROWS, COL, None, VECTOR),
        floors.Work(88 + 120 + 40 + 320, 30 * 8 + 80, 0, (TABLE,)),
    ),
    "propagate_dot": (
        (Z, Z, ROWS, COL, W, None),
        floors.Work(320 + 88 + 120 + 120 + 40, 30 * 16 + 160, 0, (TABLE,)),
    ),
    "propagate_merge": (
        # Two powers; the first state is stored, the second is not; one result.
        (Z, ROWS, COL, None, None, [0.0, 0.0, 1.0, 0.0], True, None),
        floors.Work(2 * (88 + 120) + 320 + 320, 2 * 240 + 80 * 4, 0, (TABLE, TABLE)),
    ),
    "propagate_squares": (
        (Z, ROWS, COL, W, None, [1.0, 1.0]),
        floors.Work(88 + 120 + 120 + 2 * 10 * 8, 30 * 16 + 2 * 2 * 80, 0, (TABLE,)),
    ),
    "random_projection": (
        (VECTOR, None, 0, 0, 2, 7, 3.0, 1.0),
        floors.Work(40 + 10 * 5 * 4),
    ),
    "random_walk": (
        (ROWS, COL, CLUSTER, 0, 0, 16, 0.5),
        floors.Work(
            80 + 10 * 17 * 4,
            gathers=(floors.Gather(80, 16, 88), floors.Gather(80, 4, 120)),
        ),
    ),
    "interval_propagate": (
        (Z, Z, ROWS, COL, W, W, ROWS, COL, W, W),
        floors.Work(88 + 120 + 240 + 640, 4 * 240, 0, (floors.Gather(E, 64, 640),)),
    ),
    "interval_propagate_backward": (
        (Z, Z, Z, Z, ROWS, COL, W, W),
        floors.Work(88 + 120 + 240 + 1280, 4 * 240, 0, (floors.Gather(E, 64, 640),)),
    ),
    "edge_bound": (
        (Z, Z, Z, ROWS, COL, ROWS, COL, COL),
        floors.Work(320 + 88 + 120 + 120, 4 * 240, 0, (floors.Gather(E, 64, 640),)),
    ),
    "edge_bound_backward": (
        (W, Z, Z, None, ROWS, COL, ROWS, COL, COL),
        floors.Work(
            2 * 88 + 3 * 120 + 120 + 320 + 320, 4 * 240, 0, (TABLE, TABLE, floors.Gather(E, 4, 120))
        ),
    ),
    "budget_minimum": (
        (Z, ROWS, COL, meta(E, dtype=torch.int8), *THREE, CLUSTER, 0.5, ROWS, COL, COL),
        floors.Work(88 + 120 + 30 + 40 + 80 + 4 * 320, 480, 0, (floors.Gather(E, 40, 400),)),
    ),
    "budget_minimum_backward": (
        (Z, Z, meta(3, N, D), ROWS, meta(E, dtype=torch.int8), *THREE, 0.5, ROWS, COL, COL),
        floors.Work(
            88 + 240 + 30 + 80 + 640, 3 * 240, 0, (floors.Gather(E, 132, 1320),)
        ),
    ),
    "walk_overlap": (
        (ROWS, COL, None, ROWS, COL, 1, 0.5, False),
        floors.Work(2 * (88 + 120) + 8 * 30),
    ),
    "distinct_ends": ((ROWS, COL, 3), floors.Work(88 + 120 + 8 * 30)),
    # Four segments of 2.5 rows: 25 pairs; two heads of four columns.
    "segment_attention": (
        (meta(N, 3 * D), meta(5, dtype=torch.int64), 2),
        floors.Work(960 + 40 + 320 + 80, 25 * 4 * 8, 50),
    ),
    "segment_attention_backward": (
        (Z, meta(N, 2), meta(N, 3 * D), meta(5, dtype=torch.int64), Z, meta(N, 2), 2),
        floors.Work(320 + 80 + 960 + 40 + 320 + 80 + 960, 25 * 10 * 8 + 160, 50),
    ),
}  # fmt: skip


@pytest.mark.parametrize("op", sorted(floors.FORMULAS))
def test_work_is_what_is_worked_out_by_hand(op):
    args, expected = BY_HAND[op]
    assert floors.work_of(op, args) == expected


def test_without_powers_the_start_is_read_once():
    args = (Z, ROWS, COL, None, None, [2.0], False, None)
    assert floors.work_of("propagate_merge", args) == floors.Work(320 + 320, 2 * 80)


def test_small_types_are_counted_as_they_are_stored():
    narrow = meta(N, D, dtype=torch.bfloat16)
    work = floors.work_of("propagate", (narrow, ROWS, COL, None, None))
    assert work.bytes == 88 + 120 + 160
    assert work.gathers == (floors.Gather(E, 16, 160),)


# --- memory ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gather", "cache", "expected"),
    [
        (floors.Gather(100, 32, 640), 640, 640),  # fits: every row once
        (floors.Gather(10, 32, 640), 640, 320),  # not all rows are asked for
        (floors.Gather(100, 32, 640), 0, 3200),  # no cache
        (floors.Gather(100, 32, 640), 320, 640 + 2560 / 2),  # half of the table is there
        (floors.Gather(100, 40, 800), 0, 6400),  # two sectors a row
        (floors.Gather(100, 4, 400), 0, 3200),  # one at least
        (floors.Gather(0, 32, 0), 0, 0),
    ],
)
def test_traffic_of_gathers(gather, cache, expected):
    assert floors.traffic(floors.Work(7, gathers=(gather,)), cache) == 7 + expected


def test_floor_is_the_slowest_of_three():
    work = floors.Work(bytes=100, flops=300, exponentials=20)
    assert floors.floor_seconds(work, floors.Device(10.0, 1e9, 0)) == 10.0
    assert floors.floor_seconds(work, floors.Device(1e9, 8.0, 0)) == 40.0  # 16 * 20 operations
    assert floors.floor_seconds(floors.Work(1, 640, 20), floors.Device(1e9, 8.0, 0)) == 80.0


whole = st.integers(0, 10**9)


@given(whole, whole, st.integers(1, 4096), st.integers(1, 10**9), whole, whole)
def test_traffic_grows_with_reads_and_shrinks_with_the_cache(rows, more, row, table, cache, room):
    def moved(rows: int, cache: int) -> float:
        return floors.traffic(floors.Work(0, gathers=(floors.Gather(rows, row, table),)), cache)

    slack = 1e-9 * (rows + more) * 4096  # rounding of two large numbers
    assert moved(rows, cache) <= moved(rows + more, cache) + slack
    assert moved(rows, cache + room) <= moved(rows, cache) + slack


GROWN = [Size(40, 6, 4, 3), Size(80, 6, 4, 3), Size(80, 12, 4, 3), Size(80, 12, 8, 3)]


@pytest.mark.parametrize("op", sorted(floors.FORMULAS))
def test_more_nodes_columns_or_neighbours_never_take_less(op):
    works = [floors.work_of(op, ARGUMENTS[op](Inputs(size, CPU, torch.float32))) for size in GROWN]
    for device in (SLOW_MEMORY, SLOW_ALU):
        times = [floors.floor_seconds(work, device) for work in works]
        assert times == sorted(times)
    assert floors.floor_seconds(works[-1], SLOW_MEMORY) > floors.floor_seconds(
        works[0], SLOW_MEMORY
    )


@pytest.mark.parametrize("op", sorted(floors.FORMULAS))
def test_double_precision_moves_more(op):
    single, double = (
        floors.work_of(op, ARGUMENTS[op](Inputs(GROWN[0], CPU, dtype)))
        for dtype in (torch.float32, torch.float64)
    )
    time = [floors.floor_seconds(work, SLOW_MEMORY) for work in (single, double)]
    # The graph and the counts of walks have no floating type.
    assert time[0] < time[1] or op in ("random_walk", "walk_overlap", "distinct_ends")
    assert (single.flops, single.exponentials) == (double.flops, double.exponentials)
