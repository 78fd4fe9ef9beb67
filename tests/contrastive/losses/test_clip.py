"""The loss of CLIP: golden values, definitions written out, ranks, the border."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch.nn.functional import cross_entropy, logsigmoid, normalize

from graphlab.contrastive import CLIPLoss, clip_loss
from tests._golden import load
from tests._ranks import run_ranks
from tests.ops._memory import saved_bytes

ROWS, WIDTH = 12, 5


def tower(seed, rows=ROWS, width=WIDTH):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, width, dtype=torch.float64, generator=generator)


def written_out(graph, text, scale, text_id=None, bias=None):
    """Dense logits, in the words of the definition."""
    logits = scale.exp() * normalize(graph) @ normalize(text).t()
    own = torch.eye(len(graph), dtype=torch.bool)
    same = own.clone() if text_id is None else text_id[:, None] == text_id[None, :]
    if bias is not None:
        terms = logsigmoid(torch.where(own, 1.0, -1.0) * (logits + bias))
        return -terms.masked_fill(same & ~own, 0.0).sum() / len(graph)
    target = torch.arange(len(graph))
    logits = logits.masked_fill(same & ~own, -torch.inf)
    return (cross_entropy(logits, target) + cross_entropy(logits.t(), target)) / 2


def gradients(function, *leaves):
    leaves = [leaf.clone().requires_grad_() for leaf in leaves]
    value = function(*leaves)
    return [value.detach(), *torch.autograd.grad(value, leaves)]


@pytest.mark.parametrize("guard", [False, True])
def test_golden_loss_and_gradients(guard):
    case = load("graphclip", "clip_loss")
    ids = torch.arange(case["graph_emb"].size(0)) if guard else None
    got = gradients(
        lambda g, t, s: clip_loss(g, t, s, text_id=ids),
        case["graph_emb"], case["text_emb"], case["logit_scale_param"],
    )  # fmt: skip
    torch.testing.assert_close(got[0], case["loss"], rtol=1e-5, atol=1e-6)
    for value, name in zip(got[1:], ("grad_graph", "grad_text", "grad_logit_scale"), strict=True):
        torch.testing.assert_close(value, case[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("chunk_size", [None, 1, 5])
@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("loss", ["infonce", "siglip"])
def test_equals_the_definition(loss, repeats, chunk_size):
    ids = torch.tensor([0, 1, 2, 0, 3, 4, 5, 5, 5, 6, 7, 8]) if repeats else None
    scale, bias = torch.tensor(1.3).double(), torch.tensor(-2.0).double()
    leaves = (tower(0), tower(1), scale, bias)
    siglip = loss == "siglip"
    got = gradients(
        lambda g, t, s, b: (
            clip_loss(g, t, s, loss=loss, logit_bias=b, text_id=ids, chunk_size=chunk_size) + 0 * b
        ),
        *leaves,
    )
    want = gradients(
        lambda g, t, s, b: written_out(g, t, s, ids, b if siglip else None) + 0 * b, *leaves
    )
    for g, w in zip(got, want, strict=True):
        torch.testing.assert_close(g, w, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("ids", [None, torch.tensor([0, 1, 0, 2])])
@pytest.mark.parametrize("loss", ["infonce", "siglip"])
def test_gradcheck(loss, ids):
    leaves = [tower(2, 4, 3), tower(3, 4, 3), torch.tensor(0.7).double()]
    assert torch.autograd.gradcheck(
        lambda g, t, s: clip_loss(g, t, s, loss=loss, text_id=ids),
        [leaf.requires_grad_() for leaf in leaves],
    )


def test_guard_spares_equal_texts_from_repulsion():
    graph, text = tower(4), tower(5)
    text[3], graph[3] = text[0], graph[0]
    ids = torch.arange(ROWS)
    ids[3] = 0
    scale = torch.tensor(3.0).double()
    assert clip_loss(graph, text, scale, text_id=ids) < clip_loss(graph, text, scale)


def test_module_learns_its_scale_up_to_the_maximum():
    criterion = CLIPLoss(max_scale=20.0).double()
    text = tower(6)
    optimizer = torch.optim.SGD(criterion.parameters(), lr=10.0)
    for _ in range(50):
        optimizer.zero_grad()
        criterion(text, text).backward()
        optimizer.step()
        criterion.clamp_()
    assert float(criterion.logit_scale.detach().exp()) == pytest.approx(20.0)
    criterion(text.flip(0), text).backward()
    assert float(criterion.logit_scale.grad) != 0


def test_siglip_module_has_a_bias_and_its_own_start():
    criterion = CLIPLoss("siglip")
    assert float(criterion.logit_bias.detach()) == -10
    assert float(criterion.logit_scale.detach().exp()) == pytest.approx(10)
    assert "logit_bias" not in CLIPLoss().state_dict()


def test_half_precision_is_computed_in_single():
    graph, text = tower(0).bfloat16(), tower(1).bfloat16()
    got = clip_loss(graph, text, torch.tensor(1.0))
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, clip_loss(graph.float(), text.float(), torch.tensor(1.0)))


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"graph_emb": torch.ones(1, 3), "text_emb": torch.ones(1, 3)}, ValueError, "at least two"),
        ({"graph_emb": torch.ones(3, 3)}, ValueError, "text_emb must have 3 rows"),
        ({"text_emb": torch.ones(2, 4)}, ValueError, "text_emb must have 3 columns"),
        ({"text_emb": torch.tensor([[1.0, 0, 0], [0, 0, 0]])}, ValueError, "but row 1 is zero"),
        ({"graph_emb": torch.full((2, 3), torch.nan)}, ValueError, "graph_emb must be finite"),
        ({"logit_scale": torch.ones(2)}, ValueError, "logit_scale must be a floating-point scalar"),
        ({"loss": "triplet"}, ValueError, "loss must be one of"),
        ({"chunk_size": 0}, ValueError, "chunk_size must be at least 1"),
        ({"text_id": torch.tensor([0])}, ValueError, "text_id must have 2 entries"),
    ],
)
def test_bad_input_is_refused_by_name(changes, error, words):
    arguments = {
        "graph_emb": torch.ones(2, 3),
        "text_emb": torch.ones(2, 3),
        "logit_scale": torch.tensor(0.0),
    }
    arguments |= changes
    args = [arguments.pop(name) for name in ("graph_emb", "text_emb", "logit_scale")]
    with pytest.raises(error, match=words):
        clip_loss(*args, **arguments)


# --- several processes ----------------------------------------------------------------------------

CASES = [
    {"loss": "infonce"},
    {"loss": "infonce", "repeats": True},
    {"loss": "siglip"},
    {"loss": "siglip", "repeats": True, "chunk_size": 2},
]


def shared_case(case, rows=slice(None), all_rows=True):
    """Loss of some rows through shared weights, so that gradients add up over ranks."""
    case = dict(case)
    ids = torch.arange(ROWS) % (5 if case.pop("repeats", False) else ROWS)
    weights = [tower(10, WIDTH), tower(11, WIDTH), torch.tensor(1.5).double()]
    weights += [torch.tensor(-1.0).double()]
    leaves = [w.clone().requires_grad_() for w in weights]
    graph, text = tower(0) @ leaves[0], tower(1) @ leaves[1]
    value = clip_loss(
        graph[rows], text[rows], leaves[2], logit_bias=leaves[3], text_id=ids[rows], **case
    )
    (value + 0 * leaves[3]).backward()
    return [value.detach(), *(leaf.grad for leaf in leaves)]


def run_rank(index, size, folder):
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=index, world_size=size
    )
    try:
        share = ROWS // size
        for number, case in enumerate(CASES):
            results = shared_case(case, slice(index * share, (index + 1) * share))
            for value in results:
                dist.all_reduce(value)
            np.savez(f"{folder}/{number}-{index}.npz", *[(v / size).numpy() for v in results])
        uneven = tower(0)[: 2 + index], tower(1)[: 2 + index], torch.tensor(0.0)
        try:
            clip_loss(*uneven)
            words = "no error" if size > 1 else "equally many rows"
        except ValueError as error:
            words = str(error)
        if "equally many rows" not in words:
            raise AssertionError(words)
    finally:
        dist.destroy_process_group()


@pytest.mark.skipif(not dist.is_available(), reason="torch without distributed")
@pytest.mark.parametrize("size", [1, 2, pytest.param(3, marks=pytest.mark.slow)])
def test_ranks_give_the_gradient_of_the_whole_batch(size, tmp_path):
    run_ranks(run_rank, size, tmp_path)
    for number, case in enumerate(CASES):
        want = shared_case(case)
        for index in range(size):
            stored = np.load(tmp_path / f"{number}-{index}.npz")
            for key, value in zip(stored.files, want, strict=True):
                np.testing.assert_allclose(stored[key], value.numpy(), rtol=1e-10, atol=1e-12)


def test_guard_keeps_no_mask_of_all_pairs():
    rows = 2000
    graph, text = (tower(seed, rows).requires_grad_() for seed in (0, 1))
    ids = torch.arange(rows) // 2
    scale = torch.tensor(0.0)
    kept = saved_bytes(lambda: clip_loss(graph, text, scale, text_id=ids, chunk_size=100))
    assert kept < 10 * graph.numel() * 8  # the masks: rows * rows bytes, twice


@pytest.mark.parametrize("bias", [torch.zeros(ROWS), -10.0])
def test_a_bias_that_is_no_scalar_is_refused(bias):
    with pytest.raises((TypeError, ValueError), match="logit_bias must be"):
        clip_loss(tower(0), tower(1), torch.tensor(0.0), loss="siglip", logit_bias=bias)


def test_chunk_size_is_checked_at_once():
    with pytest.raises(ValueError, match="chunk_size must be at least 1"):
        CLIPLoss(chunk_size=0)


def test_names_of_texts_may_be_negative():
    graph, text, names = tower(0), tower(1), torch.arange(ROWS) // 2
    found, wanted = (
        clip_loss(graph, text, torch.tensor(0.0), text_id=i) for i in (names - 9, names)
    )
    assert torch.equal(found, wanted)


def test_without_a_maximum_the_scale_is_free():
    criterion = CLIPLoss(init_scale=500.0, max_scale=None).double()
    graph, text = tower(0), tower(1)
    loss = criterion(graph, text)
    torch.testing.assert_close(loss, clip_loss(graph, text, torch.tensor(500.0).double().log()))
    criterion.clamp_()
    assert float(criterion.logit_scale.detach().exp()) == pytest.approx(500)


def test_rows_whose_magnitudes_sum_to_more_than_a_number_holds_are_read():
    graph, text, scale = tower(0), tower(1), torch.tensor(1.0).double()
    far = graph / graph.abs().max() * 1.5e308
    assert float(far.abs().sum(1).max()) == torch.inf
    torch.testing.assert_close(clip_loss(far, text, scale), clip_loss(graph, text, scale))


@pytest.mark.parametrize("options", [{}, {"init_scale": 50.0}, {"loss": "siglip"}])
def test_the_scale_starts_at_its_maximum_and_is_learned(options):
    draw = torch.Generator().manual_seed(0)
    criterion = CLIPLoss(**options, max_scale=5.0)
    assert float(criterion.logit_scale.detach().exp()) == pytest.approx(5.0)
    criterion(*torch.randn(2, 8, 3, generator=draw)).backward()
    assert float(criterion.logit_scale.grad) != 0.0
