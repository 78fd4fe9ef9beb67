"""Values remembered for tensors: identity, versions, lifetimes, copies, compilation."""

import copy
import gc
import weakref

import torch

from graphlab._tensor_memo import TensorMemo


class Counter:
    """Computes something new at every call."""

    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return torch.full((2,), float(self.calls))


def test_the_same_unchanged_tensors_give_the_same_value():
    memo, compute = TensorMemo(), Counter()
    a, b = torch.ones(2), torch.ones(2)
    first = memo.get((a, b, None), compute, key=3)
    assert memo.get((a, b, None), compute, key=3) is first
    assert compute.calls == 1


def test_anything_else_is_computed():
    memo, compute = TensorMemo(), Counter()
    a, b = torch.ones(2), torch.ones(2)
    memo.get((a, None), compute)
    for tensors, key in [((a, b), None), ((a, b), 1), ((a,), 1), ((a.clone(),), 1), ((None,), 1)]:
        before = compute.calls
        memo.get(tensors, compute, key=key)
        assert compute.calls == before + 1
    memo.get((a,), compute)
    a.add_(1)
    memo.get((a,), compute)
    assert compute.calls == 8


def test_the_value_goes_with_the_tensor():
    memo, a, b = TensorMemo(), torch.ones(2), torch.ones(2)
    kept = weakref.ref(memo.get((a, b), Counter()))
    gc.collect()
    assert kept() is not None
    del b
    gc.collect()
    assert kept() is None


def test_a_tensor_that_is_given_twice_may_go():
    memo, compute, a = TensorMemo(), Counter(), torch.ones(2)
    kept = weakref.ref(memo.get((a, a), compute))
    assert memo.get((a, a), compute) is kept() and compute.calls == 1
    del a
    gc.collect()
    assert kept() is None


def test_inference_tensors_are_computed_every_time():
    memo, compute = TensorMemo(), Counter()
    with torch.inference_mode():
        a = torch.ones(2)
        assert not memo.get((a,), compute).is_inference()
        memo.get((a,), compute)
    assert compute.calls == 2


def test_copies_are_empty():
    memo, compute, a = TensorMemo(), Counter(), torch.ones(2)
    memo.get((a,), compute)
    copy.deepcopy(memo).get((a,), compute)
    assert compute.calls == 2


def test_nothing_is_remembered_while_a_program_is_traced():
    memo = TensorMemo()

    def double(x, index):
        return x * memo.get((index,), lambda: index * 2)

    compiled = torch.compile(double, backend="aot_eager", fullgraph=True)
    x, index = torch.ones(2), torch.tensor([1, 2])
    for _ in range(2):
        assert compiled(x, index).tolist() == [2.0, 4.0]
    index.add_(1)
    assert compiled(x, index).tolist() == [4.0, 6.0]


def test_nothing_is_remembered_while_a_module_is_exported():
    class Doubling(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.memo, self.compute = TensorMemo(), Counter()

        def forward(self, x):
            return x + self.memo.get((x,), self.compute)

    module, x = Doubling(), torch.zeros(2)
    torch.export.export(module, (x,), strict=False)
    before = module.compute.calls
    assert before >= 1
    module(x)
    assert module.compute.calls == before + 1
