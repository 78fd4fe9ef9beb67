"""Attention within segments: dense attention, independence, extremes, the Python border, memory."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from graphlab.ops import segment_attention
from graphlab.ops.csr import row_pointers
from graphlab.ops.reference.buckets import make_buckets
from tests.ops._cases import OPS, rand, randn, relative_error
from tests.ops._memory import peak_growth

SIZES = (11, 1, 0, 30, 7)


def pointers(sizes, device="cpu"):
    return torch.tensor((0, *sizes), device=device).cumsum(0)


def dense(qkv, ptr, heads):
    """Attention among all rows, with a mask of blocks on the diagonal."""
    segment = torch.repeat_interleave(ptr.diff())
    query, key, value = qkv.unflatten(1, (3, heads, -1)).permute(1, 2, 0, 3)
    mask = segment[:, None] == segment
    out = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return out.transpose(0, 1).flatten(1)


@pytest.mark.parametrize(("heads", "width"), [(1, 5), (3, 16), (2, 70)])
def test_equals_dense_attention_under_a_mask_and_its_gradient(heads, width, device):
    ptr = pointers(SIZES, device)
    qkv = randn(sum(SIZES), 3 * heads * width).to(device).requires_grad_()
    got, want = segment_attention(qkv, ptr, heads), dense(qkv, ptr, heads)
    assert relative_error(got, want) < 1e-13
    factor = randn(*got.shape, seed=1).to(device)
    grads = [torch.autograd.grad((out * factor).sum(), qkv)[0] for out in (got, want)]
    assert relative_error(*grads) < 1e-12


def test_equals_multihead_attention_of_every_segment(device):
    heads, channels, ptr = 4, 24, pointers(SIZES)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = nn.MultiheadAttention(channels, heads, batch_first=True)
    layer = layer.to(device, torch.float64)
    x = randn(sum(SIZES), channels).to(device)
    qkv = nn.functional.linear(x, layer.in_proj_weight, layer.in_proj_bias)
    got = layer.out_proj(segment_attention(qkv, ptr.to(device), heads))
    parts = [part[None] for part in x.split(SIZES) if len(part)]
    want = torch.cat([layer(part, part, part, need_weights=False)[0][0] for part in parts])
    assert relative_error(got, want) < 1e-13


def test_log_sums_are_those_of_the_logits_and_have_a_gradient(device):
    heads, width, ptr = 2, 6, pointers(SIZES, device)
    qkv = randn(sum(SIZES), 3 * heads * width).to(device).requires_grad_()
    got = OPS.segment_attention(qkv, ptr, heads)[1]
    query, key, _ = qkv.unflatten(1, (3, heads, width)).permute(1, 2, 0, 3)
    segment = torch.repeat_interleave(ptr.diff())
    logits = (query @ key.transpose(1, 2)) / math.sqrt(width)
    want = logits.masked_fill(segment[:, None] != segment, -math.inf).logsumexp(2).t()
    assert relative_error(got, want) < 1e-13
    grads = [torch.autograd.grad(out.square().sum(), qkv)[0] for out in (got, want)]
    assert relative_error(*grads) < 1e-12


def test_a_row_alone_gets_its_value(device):
    qkv = randn(9, 3 * 8).to(device).requires_grad_()
    out = segment_attention(qkv, torch.arange(10, device=device), heads=2)
    assert torch.equal(out, qkv[:, 16:])
    out.sum().backward()
    assert not qkv.grad[:, :16].any() and bool((qkv.grad[:, 16:] == 1).all())


def test_equal_keys_give_the_mean_of_the_values(device):
    qkv = randn(12, 3 * 4).to(device)
    qkv[:, 4:8] = 1.0
    out = segment_attention(qkv, pointers((5, 7), device), heads=1)
    for part in (slice(0, 5), slice(5, 12)):
        assert relative_error(out[part], qkv[part, 8:].mean(0).expand_as(out[part])) < 1e-13


@given(st.integers(0, 2**31), st.lists(st.integers(0, 9), max_size=6), st.integers(1, 3))
def test_order_within_a_segment_does_not_matter(seed, sizes, heads):
    ptr, rows = pointers(sizes), sum(sizes)
    qkv = randn(rows, 3 * heads * 4, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    segment = torch.repeat_interleave(ptr.diff())
    order = torch.randperm(rows, generator=generator)
    order = order[segment[order].argsort(stable=True)]
    moved = segment_attention(qkv[order], ptr, heads)
    want = segment_attention(qkv, ptr, heads)[order]
    assert moved.shape == (rows, heads * 4) and relative_error(moved, want) < 1e-13


@given(st.integers(0, 2**31), st.lists(st.integers(0, 20), min_size=1, max_size=6))
def test_a_batch_is_its_segments_one_by_one(seed, sizes):
    qkv = randn(sum(sizes), 3 * 6, seed=seed)
    whole = segment_attention(qkv, pointers(sizes), heads=2)
    for part, size, out in zip(qkv.split(sizes), sizes, whole.split(sizes), strict=True):
        alone = segment_attention(part, torch.tensor([0, size]), heads=2)
        assert relative_error(out, alone) < 1e-13


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("side", ["query", "key", "value"])
def test_what_is_not_finite_stays_in_its_segment(value, side, device):
    sizes, heads, width = (5, 20, 2, 9), 2, 8
    ptr, others = pointers(sizes, device), torch.ones(sum(sizes), dtype=torch.bool, device=device)
    others[25:27] = False
    clean = randn(sum(sizes), 3 * heads * width).float().to(device)
    spoilt = clean.clone()
    spoilt[26, ("query", "key", "value").index(side) * heads * width] = value
    results = []
    for table in (clean, spoilt):
        leaf = table.requires_grad_()
        out = segment_attention(leaf, ptr, heads)
        results.append((out, *torch.autograd.grad(out.sum(), leaf)))
    for got, want in zip(results[1], results[0], strict=True):
        assert torch.equal(got[others], want[others])
        assert not bool(got[~others].isfinite().all())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_extreme_logits_choose_one_row(dtype, device):
    """Logits of 1e4 and -1e4: the softmax is a choice, and nothing is NaN."""
    rows, ptr = 6, pointers((6,), device)
    qkv = torch.zeros(rows, 3 * 2, dtype=dtype, device=device)
    best = torch.tensor([3, 0, 5, 1, 4, 2], device=device)
    for row in range(rows):
        angle = 2 * math.pi * row / rows
        point = torch.tensor([math.cos(angle), math.sin(angle)], dtype=dtype, device=device)
        qkv[row, 2:4] = point * 1e4 * math.sqrt(2)
        qkv[best == row, :2] = point
    qkv[:, 4:] = randn(rows, 2).to(device, dtype)
    qkv.requires_grad_()
    out = segment_attention(qkv, ptr, heads=1)
    assert torch.equal(out, qkv[best, 4:])
    lse = OPS.segment_attention(qkv, ptr, 1)[1]
    assert lse.flatten().tolist() == pytest.approx([1e4] * rows, rel=1e-6)
    out.square().sum().backward()
    assert bool(qkv.grad.isfinite().all())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_read_as_single(dtype, device):
    ptr = pointers((4, 3), device)
    qkv = randn(7, 12).to(device, dtype).requires_grad_()
    out = segment_attention(qkv, ptr, heads=2)
    assert out.dtype == torch.float32
    want = segment_attention(qkv.detach().float(), ptr, heads=2)
    # On a GPU products run on tensor cores, in another order.
    assert torch.equal(out, want) if device == "cpu" else relative_error(out, want) < 2e-6
    out.sum().backward()
    assert qkv.grad.dtype == dtype


def test_without_rows_there_is_nothing_to_do(device):
    for ptr in ([0], [0, 0, 0]):
        qkv = torch.ones(0, 24, device=device, requires_grad=True)
        out = segment_attention(qkv, torch.tensor(ptr, device=device), heads=2)
        out.sum().backward()
        assert out.shape == (0, 8) and qkv.grad.shape == (0, 24)


def test_ptr_is_what_a_batch_of_graphs_has():
    batch = torch.tensor([0, 0, 2, 2, 2])
    assert row_pointers(batch, 4).tolist() == [0, 2, 2, 5, 5]
    out = segment_attention(rand(5, 6), row_pointers(batch, 4), heads=1)
    assert relative_error(out, segment_attention(rand(5, 6), torch.tensor([0, 2, 5]), 1)) == 0.0


GOOD, PTR = torch.ones(3, 12), torch.tensor([0, 1, 3])


@pytest.mark.parametrize(
    ("qkv", "ptr", "heads", "error", "words"),
    [
        ([[1.0]], PTR, 1, TypeError, "qkv must be a torch.Tensor"),
        (GOOD.long(), PTR, 1, TypeError, "qkv must be floating point"),
        (torch.ones(3), PTR, 1, ValueError, "qkv must be 2-D"),
        (GOOD.to_sparse(), PTR, 1, TypeError, "qkv must be a dense"),
        (GOOD, PTR, 3, ValueError, r"multiple of 3 \* heads = 9 columns, got 12"),
        (torch.ones(3, 0), PTR, 1, ValueError, r"multiple of 3 \* heads = 3 columns, got 0"),
        (GOOD, PTR, 0, ValueError, "heads must be at least 1"),
        (GOOD, PTR, 2.0, TypeError, "heads must be an int"),
        (GOOD, PTR, True, TypeError, "heads must be an int"),
        (GOOD, [0, 3], 1, TypeError, "ptr must be a torch.Tensor"),
        (GOOD, PTR.int(), 1, TypeError, "ptr must be int64 and 1-D"),
        (GOOD, PTR[None], 1, TypeError, "ptr must be int64 and 1-D"),
        (GOOD, PTR[:0], 1, ValueError, "ptr must not be empty"),
        (GOOD, torch.tensor([0, 2]), 1, ValueError, "ptr must ascend from 0 to 3, got 0 to 2"),
        (GOOD, torch.tensor([1, 3]), 1, ValueError, "ptr must ascend from 0 to 3, got 1 to 3"),
        (GOOD, torch.tensor([0, 2, 1, 3]), 1, ValueError, "ptr must ascend from 0 to 3"),
        (GOOD, torch.tensor([0]), 1, ValueError, "ptr must ascend from 0 to 3, got 0 to 0"),
        (GOOD, PTR.to("meta"), 1, ValueError, "all tensors must be on one device"),
    ],
)
def test_bad_input_is_refused_by_name(qkv, ptr, heads, error, words):
    with pytest.raises(error, match=words):
        segment_attention(qkv, ptr, heads)


@pytest.mark.parametrize(
    ("ptr", "words"),
    [
        ([0, 2], r"ptr\[1\] = 2, expected 3"),
        ([1, 3], r"ptr\[0\] = 1, expected 0"),
        ([0, 9, 3], r"ptr must not decrease"),
        ([], r"ptr must not be empty"),
    ],
)
@pytest.mark.compiled
def test_kernels_never_read_out_of_range(ptr, words):
    ptr = torch.tensor(ptr, dtype=torch.int64)
    rows, top = torch.ones(3, 4), torch.ones(3, 2)
    with pytest.raises(RuntimeError, match=words):
        OPS.segment_attention(GOOD, ptr, 2)
    with pytest.raises(RuntimeError, match=words):
        OPS.segment_attention_backward(rows, top, GOOD, ptr, rows, top, 2)


@pytest.mark.compiled
def test_kernels_check_dtypes_and_sizes():
    rows, top = torch.ones(3, 4), torch.ones(3, 2)
    with pytest.raises(RuntimeError, match="multiple of 3"):
        OPS.segment_attention(GOOD, PTR, 5)
    with pytest.raises(RuntimeError, match="multiple of 3"):
        OPS.segment_attention(GOOD, PTR, 0)
    with pytest.raises(RuntimeError, match="grad must have size 3 along axis 0, got 2"):
        OPS.segment_attention_backward(rows[:2], top, GOOD, PTR, rows, top, 2)
    with pytest.raises(RuntimeError, match="lse must have dtype Float, got Double"):
        OPS.segment_attention_backward(rows, top, GOOD, PTR, rows, top.double(), 2)


def test_memory_does_not_hold_the_weights():
    code = """
        rows, segments, heads, width = 128, 1500, 8, 2
        ptr = torch.arange(segments + 1) * rows
        qkv = torch.ones(segments * rows, 3 * heads * width, requires_grad=True)
        def work():
            graphlab.ops.segment_attention(qkv, ptr, heads).sum().backward()
        size = segments * heads * rows**2 * 4
    """
    growth, size = peak_growth(code)
    assert growth < 0.5 * size


# --- how the definition groups segments -----------------------------------------------------------


def test_groups_hold_every_row_once_with_little_padding():
    sizes = torch.tensor([1, 2, 0, 7, 8, 9, 31, 33, 64, 500, 501, 979, 130])
    rows = int(sizes.sum())
    buckets = make_buckets(pointers(sizes.tolist()))
    held = torch.cat([bucket.held(bucket.node) for bucket in buckets])
    assert torch.equal(held.sort().values, torch.arange(rows))
    for bucket in buckets:
        assert bool((bucket.node >= 0).all() and (bucket.node < rows).all())
        share = 1.0 if bucket.mask is None else float(bucket.mask.double().mean())
        assert share > (0.75 if bucket.node.size(1) > 32 else 0.0)
    # Padding repeats the first row of the segment that it pads.
    for bucket in (bucket for bucket in buckets if bucket.mask is not None):
        first = bucket.node[:, :1].expand_as(bucket.node)
        assert torch.equal(bucket.node[~bucket.mask], first[~bucket.mask])


def test_cutting_a_group_keeps_its_rows():
    bucket = next(b for b in make_buckets(pointers([6, 7, 5, 8, 6, 2])) if len(b.node) > 3)
    parts = list(bucket.cut(elements=2 * bucket.node.size(1) ** 2))
    assert [len(part.node) for part in parts] == [2, 2, 1]
    held = torch.cat([part.held(part.node) for part in parts])
    assert torch.equal(held, bucket.held(bucket.node))
    assert all(len(part.node) == 1 for part in bucket.cut(elements=1))


def test_no_rows_need_no_groups():
    assert make_buckets(torch.tensor([0])) == make_buckets(torch.tensor([0, 0, 0])) == []
