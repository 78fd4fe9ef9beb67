"""FastRP: the authors' numbers, Neo4j's, invariance of the bits, the border."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Data

from graphlab.embed import AddFastRP, FastRP, fastrp
from graphlab.embed.fastrp import _start
from graphlab.ops import library
from tests._data import test_data_root
from tests._golden import arrays, cases

GOLDEN = cases("embed", "fastrp_*")
SMALL = [name for name in GOLDEN if "blogcatalog" not in name]
GDS = cases("embed", "gds_*")


def projection(case):
    """The authors' matrix, transposed to ours: ``(num_nodes, dim)``."""
    if "R" in case:
        return torch.from_numpy(case["R"].T.copy())
    size = (int(case["dim"]), int(case["num_nodes"]))
    matrix = sp.coo_matrix((case["R_val"], (case["R_row"], case["R_col"])), shape=size)
    return torch.from_numpy(matrix.toarray().T.copy())


def edges(case):
    index = torch.from_numpy(np.stack([case["edge_row"], case["edge_col"]])).long()
    return index, int(case["num_nodes"]), torch.from_numpy(case["edge_val"])


def model(case, **changes):
    beta = float(case["beta"])
    options = {
        "weights": case["weights"].tolist(),
        "beta": None if math.isnan(beta) else beta,
        "normalize": bool(case["normalization"]),
        "input_matrix": {"trans": "transition", "adj": "adjacency"}[str(case["input_matrix"])],
        "standardize": True,
        "dtype": torch.float64,
        "direction": "out",
    }
    return FastRP(**(options | changes))


def graph(nodes=300, count=2400, seed=0, weighted=True):
    generator = torch.Generator().manual_seed(seed)
    index = torch.randint(nodes - 5, (2, count), generator=generator)  # five nodes stay isolated
    weight = torch.rand(count, generator=generator) + 0.1
    return (index, nodes, weight if weighted else None)


# --- published numbers ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 2e-4)], ids=["f64", "f32"]
)
def test_equals_the_authors_code(name, dtype, tolerance):
    case = arrays("embed", name)
    z = model(case, dtype=dtype).fit_transform(*edges(case), projection_matrix=projection(case))
    assert z.dtype == dtype
    assert np.abs(z.numpy() - case["embedding"]).max() < tolerance


@pytest.mark.parametrize("name", SMALL)
def test_powers_and_their_merge_equal_the_authors(name):
    case = arrays("embed", name)
    estimator = model(case)
    powers = estimator.propagate(*edges(case), projection_matrix=projection(case))
    assert np.abs(torch.stack(powers).numpy() - case["powers"]).max() < 1e-9
    assert np.abs(estimator.merge(powers).numpy() - case["embedding"]).max() < 1e-9


@pytest.mark.parametrize("name", [name for name in SMALL if "concat" in arrays("embed", name)])
def test_concatenation_equals_the_authors(name):
    case = arrays("embed", name)
    estimator = model(case, weights=None, num_powers=len(case["weights"]), standardize=False)
    z = estimator.fit_transform(*edges(case), projection_matrix=projection(case))
    assert np.abs(z.numpy() - case["concat"]).max() < 1e-9


@pytest.mark.parametrize("name", [name for name in GOLDEN if "blogcatalog" in name])
def test_blogcatalog_equals_the_authors_code(name):
    case = arrays("embed", name)
    path = test_data_root("multilabel", "blogcatalog", "blogcatalog.mat")
    network = scipy.io.loadmat(str(path))["network"]
    z = model(case).fit_transform(network, projection_matrix=projection(case)).numpy()
    assert np.abs(z[case["rows"]] - case["embedding"]).max() < 1e-9
    # The authors' sums over 10,312 rows, and their row norms in single precision.
    assert np.allclose(np.abs(z).sum(0), case["embedding_col_l1"], rtol=1e-9)
    assert np.allclose(np.linalg.norm(z, axis=1), case["embedding_row_l2"], rtol=1e-5)


@pytest.mark.parametrize("name", GDS)
def test_equals_neo4j(name):
    case = arrays("embed", name)
    pairs = torch.from_numpy(case["edges_undirected"]).long().t()
    weight = torch.from_numpy(case["edge_weight"]).repeat(2) if "edge_weight" in case else None
    estimator = FastRP.neo4j(
        weights=case["iteration_weights"].tolist(),
        beta=float(case["normalization_strength"]),
        self_weight=float(case["node_self_influence"]),
    )
    z = estimator.fit_transform(
        torch.cat([pairs, pairs.flip(0)], 1),
        int(case["num_nodes"]),
        weight,
        projection_matrix=torch.from_numpy(case["initial"]),
    )
    assert np.abs(z.numpy() - case["embedding"]).max() < 1e-5


def test_neo4j_degrees_count_relationships():
    index, weight = torch.tensor([[0, 0, 1], [1, 1, 0]]), torch.tensor([1.0, 3.0, 2.0])
    start = torch.eye(2)
    estimator = FastRP.neo4j(weights=(1.0,), normalize=False)
    z = estimator.fit_transform(index, edge_weight=weight, projection_matrix=start)
    assert z.tolist() == [[0.0, 2.0], [2.0, 0.0]]  # 4 / 2 relationships, 2 / 1


# --- the definition -------------------------------------------------------------------------------


@pytest.mark.parametrize("projection", ["very_sparse", "achlioptas", "gaussian"])
def test_equals_dense_algebra(projection):
    index, nodes, weight = graph(60, 400)
    options = {"beta": 0.3, "projection": projection, "seed": 9, "dtype": torch.float64}
    z = fastrp(index, nodes, weight, dim=24, weights=(0.5, 0.0, -2.0), self_weight=0.7, **options)
    a = torch.zeros(nodes, nodes, dtype=torch.float64)
    a.index_put_((index[0], index[1]), weight.double(), accumulate=True)
    degree = a.sum(1)
    p = a / torch.where(degree > 0, degree, torch.ones_like(degree)).unsqueeze(1)
    options |= {"weights": (0.0,), "self_weight": 1.0, "normalize": False}
    state = fastrp(index, nodes, weight, dim=24, **options)  # the start alone
    want = torch.zeros(nodes, 24, dtype=torch.float64)
    for k, w in enumerate((0.7, 0.5, 0.0, -2.0)):
        state = p @ state if k else state
        want += w * torch.nn.functional.normalize(state, dim=1)
    assert float((z - want).abs().max()) < 1e-12


@pytest.mark.parametrize(
    ("options", "share", "scale"),
    [
        ({"projection": "achlioptas"}, 1 / 3, 3),
        ({"projection": "very_sparse"}, 1 / 20, 20),
        ({"projection": "very_sparse", "sparsity": 2.0}, 1 / 2, 2),
        ({"projection": "gaussian"}, 1.0, None),
    ],
)
def test_random_start_has_the_variance_and_sparsity_asked_for(options, share, scale):
    nodes, dim = 400, 256
    index = torch.arange(nodes).repeat(2, 1)
    estimator = FastRP(dim, (1.0,), 0.0, normalize=False, **options)
    r = estimator.fit_transform(index)  # every node averages itself: H_1 is R
    assert abs(float((r != 0).float().mean()) - share) < 0.01
    assert abs(float(r.var()) * dim - 1) < 0.05 and abs(float(r.mean())) < 1e-3
    if scale is not None:
        values = r[r != 0].abs()
        assert torch.allclose(values, torch.full_like(values, math.sqrt(scale / dim)))


def test_beta_zero_and_none_are_the_same():
    args = graph()
    assert torch.equal(fastrp(*args, beta=0.0), fastrp(*args, beta=None))


def test_adjacency_matrix_with_degree_factor():
    index, nodes, weight = graph(50, 300)
    options = {"weights": (1.0,), "beta": -0.5, "normalize": False, "dtype": torch.float64}
    adjacency = fastrp(index, nodes, weight, input_matrix="adjacency", **options)
    transition = fastrp(index, nodes, weight, **options)
    degree = torch.zeros(nodes, dtype=torch.float64).index_add_(0, index[0], weight.double())
    assert torch.allclose(adjacency, degree.unsqueeze(1) * transition, atol=1e-12)


def test_isolated_nodes_are_zero_until_standardised():
    args = graph()
    z = fastrp(*args)
    assert not z[-5:].any() and bool(z.isfinite().all())
    standard = fastrp(*args, standardize=True)
    assert bool((standard[-5:] == standard[-1]).all()) and bool(standard[-1].any())
    assert float(standard.mean(0).abs().max()) < 1e-6
    assert torch.allclose(standard.std(0, correction=0), torch.ones(128), atol=1e-5)


@pytest.mark.parametrize("rows", [1, 7, 1024, 1025, 3000])
def test_standardised_columns_are_those_of_float64_and_depend_on_no_other(rows):
    x = torch.randn(rows, 37, generator=torch.Generator().manual_seed(0)) * 3 + 50
    x[:, 4] = 0.1

    def standardised(part):
        model = FastRP(dim=part.size(1), weights=(1.0,), standardize=True, normalize=False)
        return model.merge([part], (1.0,))

    got = standardised(x)
    exact = x.double()
    off = exact - exact.mean(0)
    want = torch.where(off.square().mean(0) > 1e-20, off / off.square().mean(0).sqrt(), 0.0)
    torch.testing.assert_close(got.double(), want, rtol=1e-6, atol=1e-6)
    for columns in (slice(0, 1), slice(3, 5), slice(9, 36)):
        assert standardised(x[:, columns].clone()).equal(got[:, columns])


def test_constant_columns_standardise_to_zero():
    z = fastrp(torch.empty(2, 0, dtype=torch.long), 4, dim=3, standardize=True)
    assert z.tolist() == [[0.0] * 3] * 4


def test_duplicates_are_summed_and_zero_rows_stay_zero():
    index = torch.tensor([[0, 0, 1, 2], [1, 1, 0, 2]])
    weight = torch.tensor([1.0, 2.0, 1.0, 0.0])
    merged = (torch.tensor([[0, 1, 2], [1, 0, 2]]), 3, torch.tensor([3.0, 1.0, 0.0]))
    options = {"dim": 8, "sparsity": 1.0}
    z = fastrp(index, edge_weight=weight, **options)
    assert torch.equal(z, fastrp(*merged, **options)) and not z[2].any() and bool(z[0].any())


def test_directed_graphs_average_over_out_edges():
    options = {"dim": 8, "weights": (1.0,), "beta": 0.0, "sparsity": 1.0, "normalize": False}
    z = fastrp(torch.tensor([[0, 0], [1, 2]]), direction="out", **options)
    assert bool(z[0].any()) and not z[1:].any()


def test_features_fill_the_last_columns():
    index, nodes, weight = graph(40, 300)
    x = torch.randn(nodes, 7, generator=torch.Generator().manual_seed(1))
    options = {"dim": 40, "weights": (1.0,), "normalize": False, "beta": -1.0}
    z = fastrp(index, nodes, weight, x=x, property_ratio=0.3, **options)
    plain = fastrp(index, nodes, weight, **options)
    assert torch.equal(z[:, :28], plain[:, :28])
    double = fastrp(index, nodes, weight, x=2 * x, property_ratio=0.3, **options)
    assert torch.allclose(double[:, 28:], 2 * z[:, 28:], rtol=1e-5)
    assert torch.equal(double[:, :28], z[:, :28])


def test_every_kind_of_graph_is_read():
    index, nodes, weight = graph(30, 100)
    want = fastrp(index, nodes, weight, dim=8, direction="out")
    data = Data(edge_index=index, edge_weight=weight, num_nodes=nodes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its sparse tensors a beta feature
        size = (nodes, nodes)
        coo = torch.sparse_coo_tensor(index, weight.double(), size, check_invariants=True)
        csr = coo.coalesce().to_sparse_csr()
    matrix = sp.coo_matrix((weight.double().numpy(), index.numpy()), shape=(nodes, nodes))
    for other in (data, coo, csr, matrix, matrix.tocsc()):
        assert torch.equal(fastrp(other, dim=8, direction="out"), want)
    assert torch.equal(fastrp(index.int(), nodes, weight, dim=8, direction="out"), want)


def test_bfloat16_keeps_the_directions():
    args = graph()
    z = fastrp(*args, sparsity=2.0)
    half = fastrp(*args, sparsity=2.0, dtype=torch.bfloat16)
    assert half.dtype == torch.bfloat16
    cosine = torch.nn.functional.cosine_similarity(half.float(), z, dim=1)[:-5]
    assert float(cosine.min()) > 0.9999


def test_rows_of_bfloat16_are_drawn_in_blocks(monkeypatch):
    options = {"projection": "gaussian", "dtype": torch.bfloat16}
    whole = fastrp(*graph(), **options)
    monkeypatch.setattr(_start, "_ROWS", 7)
    assert torch.equal(fastrp(*graph(), **options), whole)


def test_a_graph_without_nodes_has_an_empty_embedding():
    none = torch.zeros(2, 0, dtype=torch.int64)
    assert fastrp(none, 0, dim=8, standardize=True).shape == (0, 8)


# --- the same bits --------------------------------------------------------------------------------

OPTIONS = [
    {},
    {"normalize": False},
    {"standardize": True, "self_weight": 0.5},
    {"projection": "gaussian", "dtype": torch.float64},
    {"projection": "achlioptas", "dtype": torch.bfloat16, "weights": (1.0, 1.0, 2.0)},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("width", [16, 48, 96])
def test_panels_do_not_change_the_bits(options, width):
    index, nodes, weight = graph()
    x = torch.randn(nodes, 9, generator=torch.Generator().manual_seed(1))
    estimator = FastRP(100, **options).fit(index, nodes, weight, x=x, property_ratio=0.4)
    assert torch.equal(estimator.transform(panel=width), estimator.transform())


@pytest.mark.parametrize("options", OPTIONS)
def test_columns_are_those_of_the_whole(options):
    estimator = FastRP(100, **options).fit(*graph())
    whole = estimator.transform()
    for lo, hi in ((0, 16), (5, 41), (99, 100), (0, 100)):
        assert torch.equal(estimator.columns(lo, hi), whole[:, lo:hi])


def test_result_in_a_file_is_the_result_in_memory(tmp_path):
    estimator = FastRP(40).fit(*graph())
    path = tmp_path / "new" / "z.npy"
    mapped = estimator.transform(panel=16, out=path)
    assert torch.equal(mapped, estimator.transform())
    assert np.array_equal(np.load(path), mapped.numpy())
    assert [p.name for p in path.parent.iterdir()] == ["z.npy"]


@pytest.mark.parametrize("options", OPTIONS)
def test_threads_do_not_change_the_bits(options):
    if library.active_kernel("propagate_merge", "cpu") == "pure":
        pytest.skip("a promise of the compiled kernels")
    args = graph(3000, 60_000)
    before = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            results.append(fastrp(*args, dim=40, **options))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])


def test_names_and_not_numbers_choose_the_random_row():
    index, nodes, weight = graph(50, 500)
    name = torch.randperm(10 * nodes, generator=torch.Generator().manual_seed(0))[:nodes]
    order = torch.randperm(nodes, generator=torch.Generator().manual_seed(1))
    position = torch.empty_like(order)
    position[order] = torch.arange(nodes)
    options = {"dim": 16, "sparsity": 2.0, "dtype": torch.float64}
    z = fastrp(index, nodes, weight, node_id=name, **options)
    again = fastrp(position[index], nodes, weight, node_id=name[order], **options)
    assert torch.allclose(again, z[order], atol=1e-12)
    assert not torch.allclose(fastrp(index, nodes, weight, **options), z)


def test_seeds_differ_and_repeat():
    args = graph()
    assert torch.equal(fastrp(*args, seed=2**64 - 1), fastrp(*args, seed=2**64 - 1))
    assert not torch.equal(fastrp(*args, seed=1), fastrp(*args, seed=2))


# --- merge and update -----------------------------------------------------------------------------


@pytest.mark.parametrize("options", OPTIONS[:4])
def test_merge_of_powers_is_the_transform(options):
    estimator = FastRP(32, **options).fit(*graph())
    whole = estimator.transform()
    assert torch.allclose(estimator.merge(estimator.propagate()), whole, atol=2e-5)
    other = FastRP(32, **(options | {"weights": (1.0, 2.0, 0.0, -1.0)})).fit(*graph())
    merged = estimator.merge(estimator.propagate(), (1.0, 2.0, 0.0, -1.0))
    assert torch.allclose(merged, other.transform(), atol=2e-5)


@pytest.mark.parametrize("beta", [0.0, -0.7])
@pytest.mark.parametrize("matrix", ["transition", "adjacency"])
def test_update_equals_a_fresh_run(beta, matrix):
    index, nodes, weight = graph(200, 300)
    options = {"dim": 20, "beta": beta, "input_matrix": matrix, "sparsity": 2.0}
    options["direction"] = "out"
    estimator = FastRP(**options).fit(index, nodes, weight)
    extra = torch.tensor([[3, 7, 199], [9, 7, 3]])
    extra_weight = torch.tensor([0.5, 1.0, 2.0])
    z = estimator.update(extra, extra_weight)
    fresh = FastRP(**options)
    both = torch.cat([index, extra], 1), nodes, torch.cat([weight, extra_weight])
    powers = fresh.propagate(*both)
    assert all(
        torch.allclose(a, b, atol=1e-7) for a, b in zip(estimator.propagate(), powers, strict=True)
    )
    assert torch.allclose(z, fresh.transform(), atol=1e-5)
    back = estimator.update(extra, -extra_weight)
    assert torch.allclose(back, fastrp(index, nodes, weight, **options), atol=1e-4)


def test_update_touches_only_what_the_change_reaches():
    path = torch.stack([torch.arange(99), torch.arange(1, 100)])
    index = torch.cat([path, path.flip(0)], 1)
    estimator = FastRP(8, (1.0, 1.0), 0.0, sparsity=1.0).fit(index, 100)
    before = estimator.propagate()
    estimator.update(torch.tensor([[0], [2]]))
    after = estimator.graph_.powers
    changed = [
        (a != b).any(1).nonzero().view(-1).tolist() for a, b in zip(before, after, strict=True)
    ]
    assert changed == [[0], [0, 1]]


@given(st.integers(0, 2**32), st.integers(2, 30), st.integers(0, 90), st.integers(1, 40))
def test_rows_of_one_power_are_unit_or_zero(seed, nodes, count, dim):
    generator = torch.Generator().manual_seed(seed)
    index = torch.randint(nodes, (2, count), generator=generator)
    options = {"dim": dim, "weights": (0.0, 1.0), "seed": seed, "direction": "out"}
    z = fastrp(index, nodes, sparsity=1.0, **options)
    norm = z.norm(dim=1)
    assert bool(((norm - 1).abs().lt(1e-5) | norm.eq(0)).all())
    # Rows that cancel to nothing have no direction: repeated edges are compared without norms.
    options |= {"normalize": False, "dtype": torch.float64}
    doubled = fastrp(index.repeat(1, 2), nodes, beta=0.0, **options)
    plain = fastrp(index, nodes, beta=0.0, **options)
    assert torch.allclose(doubled, plain, atol=1e-12)


# --- PyG ------------------------------------------------------------------------------------------


def test_transform_writes_replaces_or_appends():
    index, nodes, weight = graph(30, 90)
    x = torch.ones(nodes, 3)
    data = Data(edge_index=index, edge_weight=weight, num_nodes=nodes, x=x)
    options = {"dim": 6, "direction": "out"}
    z = fastrp(index, nodes, weight, **options)
    assert torch.equal(AddFastRP(**options)(data).x, z)
    assert torch.equal(AddFastRP(None, **options)(data).x, torch.cat([x, z], 1))
    named = AddFastRP("z", **options)(data)
    assert torch.equal(named.z, z) and torch.equal(named.x, x) and "z" not in data
    assert "AddFastRP" in repr(AddFastRP(dim=6))
    with pytest.raises(TypeError, match="attr_name must be"):
        AddFastRP(3)


# --- the border -----------------------------------------------------------------------------------

EDGE = torch.tensor([[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"dim": 0}, ValueError, "dim must be at least 1, got 0"),
        ({"dim": 2.0}, TypeError, "dim must be an int"),
        ({"weights": ()}, ValueError, "weights must hold a number other than 0"),
        ({"weights": (0.0, 0.0)}, ValueError, "weights must hold a number other than 0"),
        ({"weights": (1.0, math.nan)}, ValueError, r"weights\[1\] must be finite, got nan"),
        ({"weights": None}, ValueError, "num_powers must say how many"),
        ({"weights": (1.0,), "num_powers": 2}, ValueError, "num_powers must be 1"),
        ({"weights": None, "num_powers": 2, "standardize": True}, ValueError, "standardize=True"),
        ({"weights": None, "num_powers": 2, "self_weight": 1.0}, ValueError, "self_weight must"),
        ({"beta": math.inf}, ValueError, "beta must be finite, got inf"),
        ({"beta": "x"}, TypeError, "beta must be a real number"),
        ({"projection": "dense"}, ValueError, "projection must be one of"),
        ({"projection": "gaussian", "sparsity": 3.0}, ValueError, "sparsity must be None"),
        ({"sparsity": 0.5}, ValueError, "sparsity must be at least 1, got 0.5"),
        ({"input_matrix": "laplacian"}, ValueError, "input_matrix must be one of"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
        ({"dtype": torch.float16}, ValueError, "dtype must be one of"),
        ({"preset": "gds"}, ValueError, "preset must be None, got 'gds'"),
        ({"degree": "in"}, ValueError, "degree must be one of"),
    ],
)
def test_bad_options_are_refused_by_name(options, error, words):
    with pytest.raises(error, match=words):
        fastrp(EDGE, **options)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"edge_index": EDGE.float()}, TypeError, "edge_index must be int64 or int32"),
        ({"edge_index": EDGE[0]}, ValueError, r"edge_index must have shape \(2, E\)"),
        ({"edge_index": [[0], [1]]}, TypeError, "edge_index must be a torch.Tensor"),
        ({"num_nodes": torch.ones(2)}, TypeError, "num_nodes must be an int, got Tensor"),
        ({"num_nodes": 1}, IndexError, r"edge_index\[1, 0\] = 1 is outside \[0, 1\)"),
        ({"edge_index": -EDGE}, IndexError, "= -1 is outside"),
        ({"edge_weight": torch.tensor([1.0, math.nan])}, ValueError, "edge_weight must be finite"),
        ({"edge_weight": torch.tensor([1.0, math.inf])}, ValueError, "edge_weight must be finite"),
        ({"edge_weight": torch.tensor([1.0, -2.0])}, ValueError, r"edge_weight\[1\] = -2.0"),
        ({"edge_weight": torch.ones(3)}, ValueError, "edge_weight must have shape"),
        ({"property_ratio": 0.5}, ValueError, "property_ratio = 0.5 needs features x"),
        ({"property_ratio": 1.5}, ValueError, r"property_ratio must lie in \[0, 1\]"),
        ({"property_ratio": 0.5, "x": torch.ones(3, 2)}, ValueError, "x must have 2 rows"),
        ({"node_id": torch.tensor([0.0, 1.0])}, TypeError, "node_id must be int64"),
        ({"node_id": torch.tensor([1])}, ValueError, r"node_id must have shape \(2,\)"),
        ({"node_id": torch.tensor([1, 1])}, ValueError, "repeats a name"),
        ({"node_id": torch.tensor([-1, 1])}, ValueError, "node_id must not be negative"),
        ({"projection_matrix": torch.ones(3, 2)}, ValueError, "projection_matrix must have 2 rows"),
        ({"edge_index": sp.eye(2, 3)}, ValueError, "edge_index must be a square matrix"),
        ({"edge_index": sp.eye(2), "num_nodes": 3}, ValueError, "num_nodes must be 2"),
        ({"edge_index": sp.eye(2), "edge_weight": torch.ones(2)}, ValueError, "must be None where"),
    ],
)
def test_bad_graphs_are_refused_by_name(arguments, error, words):
    with pytest.raises(error, match=words):
        fastrp(**({"edge_index": EDGE} | arguments))


def test_misuse_is_refused():
    estimator = FastRP(8, (1.0, 2.0)).fit(EDGE)
    with pytest.raises(ValueError, match="panel must be a multiple of 16, got 20"):
        estimator.transform(panel=20)
    with pytest.raises(ValueError, match="panel must be at least 16"):
        estimator.transform(panel=0)
    with pytest.raises(ValueError, match="weights must have 2 entries, got 1"):
        estimator.merge(estimator.propagate(), (1.0,))
    with pytest.raises(ValueError, match="powers must be matrices of one shape"):
        estimator.merge([])
    with pytest.raises(ValueError, match="hi must be at most 8"):
        estimator.columns(0, 9)
    with pytest.raises(ValueError, match="out holds float32 or float64"):
        FastRP(8, dtype=torch.bfloat16).fit_transform(EDGE, out="never-written.npy")
    concatenated = FastRP(8, None, num_powers=2).fit(EDGE)
    assert concatenated.transform().shape == (2, 16)
    with pytest.raises(ValueError, match="weights=None keeps all powers"):
        concatenated.transform(panel=16)
    with pytest.raises(ValueError, match="columns needs weights"):
        concatenated.columns(0, 1)
    with pytest.raises(ValueError, match="update does not support degree"):
        FastRP.neo4j().fit(EDGE).update(EDGE)
    with pytest.raises(ValueError, match=r"must leave weights >= 0, but \(0, 1\) gets -1.0"):
        estimator.update(torch.tensor([[0], [1]]), torch.tensor([-2.0]))


def test_graphs_without_nodes_or_edges():
    empty = torch.empty(2, 0, dtype=torch.long)
    assert fastrp(empty, dim=4).shape == (0, 4)
    assert fastrp(empty, 3, dim=4).tolist() == [[0.0] * 4] * 3


PATH = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_constant_columns_become_zero(dtype):
    complete = torch.cartesian_prod(torch.arange(7), torch.arange(7)).t()
    model = FastRP(dim=8, weights=(1.0,), projection="gaussian", dtype=dtype, standardize=True)
    z = model.fit_transform(complete)
    assert bool((z == 0).all())
    assert bool((model.merge(model.propagate(complete)) == 0).all())


@pytest.mark.parametrize("unit", [1e-50, 1e-39, 1e-25, 1e25, 1e39, 1e50])
def test_units_of_the_weights_do_not_matter(unit):
    weight = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
    model = FastRP(dim=8, beta=0)
    near, far = model.fit_transform(PATH, 3, weight), model.fit_transform(PATH, 3, unit * weight)
    assert torch.allclose(near, far, rtol=1e-5)
    one_row = torch.where(PATH[0] == 1, unit * weight, weight)
    assert torch.allclose(near, model.fit_transform(PATH, 3, one_row), rtol=1e-5)


@pytest.mark.parametrize("power", [-100, -70, 70, 100])
def test_powers_of_two_change_no_bit(power):
    weight = torch.tensor([1.0, 2.0, 3.0, 5.0], dtype=torch.float64)
    model = FastRP(dim=8, beta=0)
    far = model.fit_transform(PATH, 3, weight * 2.0**power)
    assert torch.equal(far, model.fit_transform(PATH, 3, weight))


def test_what_single_precision_cannot_hold_is_refused():
    weight = torch.full((4,), 1e10, dtype=torch.float64)
    model = FastRP(dim=8, beta=0, weights=(1.0,) * 4, input_matrix="adjacency")
    with pytest.raises(ValueError, match=r"powers of the adjacency matrix exceed torch\.float32"):
        model.fit_transform(PATH, 3, weight)
    with pytest.raises(ValueError, match="powers of the adjacency matrix"):
        model.columns(0, 8)
    plain = FastRP(dim=8, beta=0, weights=(1.0,), input_matrix="adjacency", normalize=False)
    z = plain.fit_transform(PATH, 3, 1e28 * weight, projection_matrix=torch.ones(3, 8))
    assert z[:, 0].tolist() == pytest.approx([1e38, 2e38, 1e38])
    assert z.sum() == torch.inf
    with pytest.raises(ValueError, match=r"edge_weight up to 1e\+40 exceeds torch\.float32"):
        model.fit(PATH, 3, 1e30 * weight)
    with pytest.raises(ValueError, match=r"beta = -0\.64 takes the degree 1e-65 of node 0"):
        FastRP().fit(PATH, 3, 1e-75 * weight)
    for options in ({"dtype": torch.float64}, {"dtype": torch.float64, "beta": 0}):
        z = FastRP(**options).fit_transform(PATH, 3, 1e-75 * weight)
        assert bool(z.isfinite().all()) and bool(z.any())


def test_complex_matrices_are_refused():
    with pytest.raises(TypeError, match="edge_weight must be real"):
        fastrp(sp.csr_matrix(np.array([[0, 1j], [1, 0]])))


@pytest.mark.parametrize(
    "given",
    [
        {"projection_matrix": torch.ones(4, 3).cumsum(0).cumsum(1)},
        {"x": torch.eye(4, dtype=torch.float64), "property_ratio": 0.9},
        {"node_id": torch.tensor([5, 6, 7, 8])},
    ],
)
def test_what_was_given_may_change_afterwards(given):
    given = {k: v.clone() if isinstance(v, torch.Tensor) else v for k, v in given.items()}
    model = FastRP(3, projection="gaussian")
    model.fit(torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]]), **given)
    before = model.transform()
    for value in given.values():
        if isinstance(value, torch.Tensor):
            value.add_(1).square_()
    assert torch.equal(model.transform(), before)


def test_weights_that_are_no_sequence_are_refused():
    edges = graph(30, 60)[0]
    for weights in (1.0, "1"):
        with pytest.raises(TypeError, match="weights must be a sequence of numbers, one per power"):
            fastrp(edges, num_nodes=30, dim=4, weights=weights)
