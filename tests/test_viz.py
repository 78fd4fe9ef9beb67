"""Pictures: what is drawn, where, and that nothing else changes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch

matplotlib = pytest.importorskip("matplotlib", reason="needs the extra 'viz'")
matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402
from matplotlib.colors import to_hex, to_rgb  # noqa: E402
from torch_geometric.data.hypergraph_data import HyperGraphData  # noqa: E402

from graphlab import viz  # noqa: E402


@pytest.fixture(autouse=True)
def _clean_up() -> Iterator[None]:
    """No picture is shown, no global setting moves, no figure stays."""
    pyplot.close("all")  # those that tests of other files left
    before = dict(matplotlib.rcParams)
    yield
    assert dict(matplotlib.rcParams) == before
    pyplot.close("all")


def blobs(num_nodes: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    labels = torch.arange(num_nodes) % 3
    noise = torch.randn(num_nodes, 5, generator=torch.Generator().manual_seed(0))
    return 4.0 * torch.eye(3, 5)[labels] + 0.1 * noise, labels


SMALL = torch.tensor([[0, 1, 2, 2, 3, 4], [0, 0, 0, 1, 1, 2]])  # sizes 3, 2 and 1

DRAW = {
    "embedding_map": lambda ax=None: viz.embedding_map(*blobs(), ax=ax),
    "training_curves": lambda ax=None: viz.training_curves({"a": [3, 2, 1], "b": [1, 2]}, ax=ax),
    "scaling_curves": lambda ax=None: viz.scaling_curves([1, 2], {"a": [1, 2], "b": [1, 4]}, ax=ax),
    "bars": lambda ax=None: viz.bars(["p", "q"], {"a": [1, 2], "b": [2, 1]}, ax=ax),
    "compactness_distribution": lambda ax=None: viz.compactness_distribution(
        {"host": [-0.2, 0.1, 0.4], "POT": [0.1, 0.2, 0.3]}, ax=ax
    ),
    "concentration_performance": lambda ax=None: viz.concentration_performance(
        [0.0, 0.5, 1.0], {"GCN": [0.1, 0.2, 0.4], "SAGE": [0.3, 0.2, 0.1]}, ax=ax
    ),
    "hypergraph_drawing": lambda ax=None: viz.hypergraph_drawing(SMALL, 5, ax=ax),
}


def legend_texts(ax) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.mark.parametrize("name", sorted(DRAW))
def test_new_figure_is_transparent_and_can_be_saved(name, tmp_path, monkeypatch):
    monkeypatch.setattr(pyplot, "show", lambda *a, **k: pytest.fail("show() was called"))
    ax = DRAW[name]()
    assert ax.figure.patch.get_alpha() == ax.patch.get_alpha() == 0.0
    assert (ax.get_legend() is not None) == (name != "hypergraph_drawing")
    ax.figure.savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 1000


@pytest.mark.parametrize("name", sorted(DRAW))
def test_given_axes_are_used_and_keep_their_look(name):
    figure, ax = pyplot.subplots(facecolor="black")
    ax.set_facecolor("black")
    assert DRAW[name](ax) is ax
    assert pyplot.get_fignums() == [figure.number]
    assert ax.get_facecolor() == figure.get_facecolor() == (0.0, 0.0, 0.0, 1.0)


def luminance(color: str) -> float:
    channels = np.array(to_rgb(color))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("page", ["#ffffff", "#0d1117"])
def test_text_stands_out_from_light_and_dark_pages(page):
    ax = DRAW["bars"]()
    texts = [ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_legend().get_texts()]
    for text in texts:
        pair = sorted((luminance(to_hex(text.get_color())), luminance(page)))
        assert (pair[1] + 0.05) / (pair[0] + 0.05) > 4.0


def test_embedding_map_takes_any_projection():
    z, labels = blobs()
    ax = viz.embedding_map(z, labels, lambda points: points[:, :2])
    drawn = np.concatenate([np.asarray(c.get_offsets()) for c in ax.collections])
    want = np.asarray(z)[:, :2]
    np.testing.assert_allclose(drawn[np.lexsort(drawn.T)], want[np.lexsort(want.T)], rtol=1e-6)
    with pytest.raises(ValueError, match=r"method must return shape \(\d+, 2\), got"):
        viz.embedding_map(z, labels, lambda points: points)
    with pytest.raises(ValueError, match="method must be one of"):
        viz.embedding_map(z, labels, "umap")


def test_embedding_map_draws_every_point_in_its_group():
    z, labels = blobs()
    ax = viz.embedding_map(z, labels)
    assert [len(group.get_offsets()) for group in ax.collections] == [20, 20, 20]
    assert legend_texts(ax) == ["0", "1", "2"]
    assert "of variance" in ax.get_xlabel()
    plain = viz.embedding_map(z.requires_grad_())
    assert plain.get_legend() is None
    assert len(plain.collections[0].get_offsets()) == 60


def test_pca_keeps_distances_in_the_plane():
    z = torch.randn(30, 2, generator=torch.Generator().manual_seed(1))
    drawn = viz.embedding_map(z).collections[0].get_offsets()
    assert np.allclose(np.linalg.norm(drawn[0] - drawn[1:], axis=1), (z[0] - z[1:]).norm(dim=1))
    again = viz.embedding_map(z.bfloat16().double()).collections[0].get_offsets()
    assert again.shape == drawn.shape


@pytest.mark.parametrize("z", [torch.arange(5.0).view(5, 1), torch.zeros(4, 3)])
@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_flat_embeddings(z, method):
    offsets = viz.embedding_map(z, method=method).collections[0].get_offsets()
    assert np.isfinite(offsets).all()


def test_tsne_is_seeded_and_separates():
    z, labels = blobs()
    first = viz.embedding_map(z, labels, method="tsne", seed=3)
    second = viz.embedding_map(z, labels, method="tsne", seed=3)
    for a, b in zip(first.collections, second.collections, strict=True):
        assert np.array_equal(a.get_offsets(), b.get_offsets())
    centers = [np.mean(group.get_offsets(), axis=0) for group in first.collections]
    spread = max(np.std(group.get_offsets(), axis=0).max() for group in first.collections)
    assert np.linalg.norm(centers[0] - centers[1]) > 2 * spread


def test_many_points_are_thinned_the_same_way():
    z, labels = blobs(300)
    ax = viz.embedding_map(z, labels, max_points=90, seed=1)
    again = viz.embedding_map(z, labels, max_points=90, seed=1)
    assert sum(len(group.get_offsets()) for group in ax.collections) == 90
    for a, b in zip(ax.collections, again.collections, strict=True):
        assert np.array_equal(a.get_offsets(), b.get_offsets())


def test_many_labels_differ_in_colour_or_marker():
    z = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    ax = viz.embedding_map(z, torch.arange(200) % 10)
    looks = {
        (to_hex(g.get_facecolor()[0][:3]), g.get_paths()[0].vertices.tobytes())
        for g in ax.collections
    }
    assert len(looks) == 10
    assert len(legend_texts(ax)) == 10
    assert [text.get_text() for text in ax.texts] == [str(i) for i in range(10)]
    assert viz.embedding_map(z, torch.arange(200) % 50).get_legend() is None


def test_training_curves_show_the_values():
    ax = viz.training_curves({"loss": [3.0, float("nan"), 1.0], "acc": [0.5]}, xlabel="step")
    assert [list(line.get_xdata()) for line in ax.lines] == [[0, 1, 2], [0]]
    assert ax.lines[0].get_ydata()[2] == 1.0
    assert (legend_texts(ax), ax.get_xlabel()) == (["loss", "acc"], "step")
    assert ax.lines[1].get_marker() == "o"


def test_curves_differ_in_colour_or_dashes():
    ax = viz.training_curves({str(i): [i, i] for i in range(16)})
    assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines}) == 16


def test_scaling_curves_report_slopes():
    sizes = [10, 100, 1000]
    series = {
        "linear": [1, 10, 100],
        "quadratic": [1.0, 100.0, 10000.0],
        "gap": [2.0, float("nan"), 20.0],
        "one": [float("nan"), 3.0, float("nan")],
    }
    ax = viz.scaling_curves(sizes, series, ylabel="ms")
    assert legend_texts(ax) == [
        "linear (slope 1.00)",
        "quadratic (slope 2.00)",
        "gap (slope 0.50)",
        "one",
    ]
    assert (ax.get_xscale(), ax.get_yscale(), ax.get_ylabel()) == ("log", "log", "ms")


def test_bars_and_errors():
    ax = viz.bars(
        ["x", "y"],
        {"a": [1.0, 2.0], "b": [3.0, float("nan")]},
        errors={"a": [0.1, 0.2]},
        value_format=".1f",
        ylabel="accuracy",
    )
    assert [bar.get_height() for bar in ax.patches[:3]] == [1.0, 2.0, 3.0]
    assert [text.get_text() for text in ax.texts] == ["1.0", "2.0", "3.0"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["x", "y"]
    assert len(ax.containers) == 3
    assert viz.bars(["x"], {"a": [1.0]}).get_legend() is None


def test_horizontal_bars_have_readable_labels_from_the_top():
    ax = viz.bars(
        ["a long label", "y"],
        {"a": [1.0, 2.0], "b": [3.0, float("nan")]},
        errors={"a": [0.1, 0.2]},
        value_format=".1f",
        ylabel="accuracy",
        horizontal=True,
    )
    assert [bar.get_width() for bar in ax.patches[:3]] == [1.0, 2.0, 3.0]
    assert [text.get_text() for text in ax.texts] == ["1.0", "2.0", "3.0"]
    assert [text.xy[0] for text in ax.texts] == [1.1, 2.2, 3.0]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a long label", "y"]
    assert ax.yaxis_inverted()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("accuracy", "")


def test_compactness_distribution_counts_every_node_and_says_what_is_certified():
    values = torch.linspace(-1, 1, 201)
    ax = viz.compactness_distribution({"host": values, "POT": values + 2}, num_bins=8)
    assert legend_texts(ax) == ["host (50 % certified)", "POT (100 % certified)"]
    for steps in ax.patches:
        assert steps.get_data().values.sum() == pytest.approx(1.0)
        assert len(steps.get_data().edges) == 9
    constant = viz.compactness_distribution({"a": [0.0, 0.0]}, num_bins=1)
    assert legend_texts(constant) == ["a (0 % certified)"]


def test_concentration_performance_averages_in_bins_and_correlates_over_nodes():
    x = torch.arange(40.0) / 40
    noisy = x + 0.1 * torch.randn(40, generator=torch.Generator().manual_seed(0))
    ax = viz.concentration_performance(x, {"GCN": noisy, "flat": torch.ones(40)}, num_bins=4)
    line = ax.lines[0]
    assert np.allclose(line.get_xdata(), x.view(4, 10).mean(1))
    assert np.allclose(line.get_ydata(), noisy.view(4, 10).mean(1))
    r = np.corrcoef(x, noisy)[0, 1]
    # Matplotlib lists lines with error bars in the order they were drawn.
    assert legend_texts(ax) == [f"GCN (r = {r:+.2f})", "flat"]


def test_concentration_performance_leaves_out_nodes_without_a_metric():
    ax = viz.concentration_performance([0.0, 0.0, 1.0], {"a": [NAN, 0.5, 0.25]}, num_bins=5)
    assert list(ax.lines[0].get_xdata()) == [0.0, 1.0]
    assert list(ax.lines[0].get_ydata()) == [0.5, 0.25]


def test_hypergraph_drawing_surrounds_its_members():
    pos = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [3.0, 3.0]])
    ax = viz.hypergraph_drawing(SMALL, 5, pos, labels=list("abcde"))
    assert (len(ax.patches), len(ax.lines)) == (2, 1)  # three nodes and a ring; a pair
    region = ax.patches[0].get_path()
    assert [bool(region.contains_point(p)) for p in pos] == [True, True, True, False, False]
    assert ax.patches[1].get_path().contains_point(pos[4])
    assert ax.lines[0].get_xydata().tolist() == [[0.0, 1.0], [1.0, 1.0]]
    assert [text.get_text() for text in ax.texts] == list("abcde")
    again = [viz.hypergraph_drawing(SMALL, 5, seed=3).collections[0].get_offsets() for _ in "ab"]
    assert np.array_equal(*again)
    empty = viz.hypergraph_drawing(torch.empty(2, 0, dtype=torch.long), 3)
    assert not empty.patches and len(empty.collections[0].get_offsets()) == 3


NAN = float("nan")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: viz.embedding_map(torch.zeros(4)), ValueError, "z must be 2-D"),
        (lambda: viz.embedding_map(torch.zeros(2, 2)), ValueError, "at least 3 rows"),
        (lambda: viz.embedding_map(torch.full((4, 2), NAN)), ValueError, "z must be finite"),
        (lambda: viz.embedding_map([["a", "b"]] * 3), TypeError, "z must hold numbers"),
        (lambda: viz.embedding_map(torch.zeros(4, 2), [1]), ValueError, r"labels must have shape"),
        (lambda: viz.embedding_map(torch.zeros(4, 2), method="umap"), ValueError, "method must be"),
        (lambda: viz.embedding_map(torch.zeros(4, 2), max_points=1), ValueError, "max_points"),
        (lambda: viz.training_curves({}), ValueError, "at least one curve"),
        (lambda: viz.training_curves([1.0, 0.5]), TypeError, r"history\[0\] is 1.0"),
        (lambda: viz.training_curves({"a": []}), ValueError, r"history\['a'\] must be 1-D"),
        (lambda: viz.scaling_curves([1, 2], {}), ValueError, "at least one curve"),
        (lambda: viz.scaling_curves([1, 2], {"a": [1]}), ValueError, "must have 2 values, got 1"),
        (lambda: viz.scaling_curves([0, 2], {"a": [1, 2]}), ValueError, "x must be positive"),
        (lambda: viz.scaling_curves([1, 2], {"a": [1, -2]}), ValueError, r"series\['a'\] must be"),
        (lambda: viz.compactness_distribution({}), ValueError, "at least one method"),
        (
            lambda: viz.compactness_distribution({"a": [NAN]}),
            ValueError,
            r"bounds\['a'\] must be",
        ),
        (lambda: viz.compactness_distribution({"a": [0]}, num_bins=0), ValueError, "num_bins"),
        (lambda: viz.concentration_performance([1], {}), ValueError, "at least one method"),
        (lambda: viz.concentration_performance([NAN], {"a": [1]}), ValueError, "must be finite"),
        (lambda: viz.concentration_performance([1], {"a": [1, 2]}), ValueError, "1 values, got 2"),
        (lambda: viz.concentration_performance([1], {"a": [NAN]}), ValueError, "a finite value"),
        (lambda: viz.hypergraph_drawing(SMALL, 4), IndexError, r"hyperedge_index\[0\]"),
        (lambda: viz.hypergraph_drawing(SMALL.t(), 5), ValueError, "transpose it"),
        (lambda: viz.hypergraph_drawing(SMALL, 5, [[0, 0]]), ValueError, r"of shape \(5, 2\)"),
        (lambda: viz.hypergraph_drawing(SMALL, 5, labels="ab"), ValueError, "5 entries"),
        (lambda: viz.hypergraph_drawing(SMALL, 5, labels=set("abcde")), TypeError, "no order"),
        (lambda: viz.hypergraph_drawing(SMALL, 5, padding=0), ValueError, "padding must be"),
        (lambda: viz.hypergraph_drawing(SMALL, 5, padding="a"), TypeError, "padding must be"),
        (lambda: viz.bars(["p"], {"a": [1]}, [0.1]), TypeError, "errors must be a mapping"),
        (lambda: viz.bars([], {"a": []}), ValueError, r"series\['a'\]"),
        (lambda: viz.bars(["p"], {}), ValueError, "at least one entry"),
        (lambda: viz.bars(["p"], {"a": [1, 2]}), ValueError, "must have 1 values, one per label"),
        (lambda: viz.bars(["p"], {"a": [1]}, {"b": [1]}), ValueError, "no series of that name"),
        (lambda: viz.bars(["p"], {"a": [1]}, {"a": [-1]}), ValueError, "must be non-negative"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
    assert pyplot.get_fignums() == []


def test_missing_matplotlib_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'graphlab\[viz\]'"):
        viz.training_curves({"a": [1.0]})


def test_training_curves_draw_the_history_of_an_estimator():
    rows = [{"epoch": 0, "member": "X", "loss": 3.0}, {"epoch": 1, "loss": 1.0, "val": 0.5}]
    loss, val = viz.training_curves(rows).lines
    assert (loss.get_label(), val.get_label()) == ("loss", "val")
    np.testing.assert_array_equal(loss.get_ydata(), [3.0, 1.0])
    np.testing.assert_array_equal(val.get_ydata(), [np.nan, 0.5])
    with pytest.raises(ValueError, match="at least one curve"):
        viz.training_curves([])


@pytest.mark.parametrize(
    ("labels", "turned"),
    [
        (["most frequent chapter", "stand-in's first choice", "GCN on E", "GCN on all"], True),
        (["a", "b", "GCN on TA"], False),
        ([f"{i}" for i in range(12)], False),
    ],
)
def test_labels_of_bars_do_not_run_into_each_other(labels, turned):
    ax = viz.bars(labels, {"accuracy": [0.5] * len(labels)})
    ax.figure.canvas.draw()
    ticks = ax.get_xticklabels()
    assert {tick.get_rotation() for tick in ticks} == {30.0 if turned else 0.0}
    assert {tick.get_ha() for tick in ticks} == {"right" if turned else "center"}
    if not turned:
        boxes = [tick.get_window_extent() for tick in ticks]
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


@pytest.mark.parametrize(
    "labels",
    [
        [0.0, float("nan"), 1.0] * 20,
        ["a", None, "b"] * 20,
        ["a", "", "b"] * 20,
        [0, -1, 1] * 20,
        np.array([0, None, 1] * 20, dtype=object),
        torch.tensor([0.0, float("nan"), 1.0] * 20),
    ],
    ids=repr,
)
def test_points_without_a_label_are_drawn(labels):
    ax = viz.embedding_map(blobs()[0], labels)
    assert [len(group.get_offsets()) for group in ax.collections] == [20, 20, 20]
    names = ["a", "b"] if isinstance(labels[0], str) else ["0", "1"]
    assert legend_texts(ax) == ["no label", *names]


def test_all_labels_missing_or_one_class_left():
    z = blobs()[0]
    ax = viz.embedding_map(z, [None] * 60)
    assert len(ax.collections[0].get_offsets()) == 60
    ax = viz.embedding_map(z, [3] * 30 + [-1] * 30)
    assert legend_texts(ax) == ["no label", "3"]


def test_numbers_of_classes_are_in_their_order():
    ax = viz.embedding_map(blobs()[0], [float(i % 12) for i in range(60)])
    assert legend_texts(ax) == [str(i) for i in range(12)]


# --- layouts of hypergraphs -----------------------------------------------------------------------


def drawn_nodes(ax):
    return np.asarray(ax.collections[-1].get_offsets())


def nearest(points):
    distance = np.linalg.norm(points[:, None] - points, axis=2) + np.eye(len(points)) * 1e9
    return distance.min(axis=1)


def chain(count):
    """A chain of hyperedges of three to five nodes, a part of two nodes, and ten isolated ones."""
    sets = [range(i, i + 3 + i % 3) for i in range(0, count - 5, 2)] + [[count, count + 1]]
    pairs = [(v, e) for e, s in enumerate(sets) for v in s]
    return torch.tensor(pairs).t(), count + 12


def test_eighty_nodes_fill_the_picture():
    incidence, count = chain(80)
    ax = viz.hypergraph_drawing(incidence, count)
    points = drawn_nodes(ax)
    width, height = np.ptp(points, axis=0)
    assert len(points) == count and nearest(points).min() > 0.015 * max(width, height)
    # The middle half of the picture in either direction holds a share of the nodes.
    share = (points - points.min(axis=0)) / (width, height)
    middle = (np.abs(share[:80] - 0.5) < 0.25).mean(axis=0)
    assert (middle > 0.15).all() and 0.3 < width / height < 3.5
    # Isolated nodes are below, and parts do not overlap.
    used = incidence[0].unique().numpy()
    alone = np.setdiff1d(np.arange(count), used)
    assert len(alone) >= 10 and points[alone, 1].max() < points[used, 1].min()
    again = drawn_nodes(viz.hypergraph_drawing(incidence, count))
    assert np.array_equal(points, again)


def test_hypergraphs_of_pyg_state_their_size():
    incidence, count = chain(20)
    data = HyperGraphData(edge_index=incidence, num_nodes=count)
    assert len(drawn_nodes(viz.hypergraph_drawing(data))) == count
    assert (
        len(drawn_nodes(viz.hypergraph_drawing(data, labels=[f"n{i}" for i in range(count)])))
        == count
    )
    # As many hyperedges as nodes: PyG takes the isolated one away.
    same = HyperGraphData(edge_index=torch.tensor([[0, 1, 0], [0, 1, 2]]), num_nodes=3)
    assert len(drawn_nodes(viz.hypergraph_drawing(same))) == 3
    with pytest.raises(ValueError, match="num_nodes must be given with a tensor"):
        viz.hypergraph_drawing(incidence)
    with pytest.raises(TypeError, match="got list: graphlab.hyper.from_hyperedges makes"):
        viz.hypergraph_drawing([{"a", "b"}, {"b", "c"}])
    empty = HyperGraphData(edge_index=torch.zeros(2, 0, dtype=torch.int64), num_nodes=4)
    assert nearest(drawn_nodes(viz.hypergraph_drawing(empty))).min() > 0.5


@pytest.mark.parametrize(
    ("values", "means"),
    [
        ([0.0] * 9 + [1.0], [0.0, 1.0]),  # most nodes have the lowest value
        ([0.0] + [1.0] * 9, [0.0, 1.0]),
        ([0.0] * 6 + [1.0, 1.0, 2.0, 2.0], [0.0, 1.0, 2.0]),
        ([3.0] * 10, [3.0]),
    ],
)
def test_nodes_of_the_lowest_value_are_not_joined_with_others(values, means):
    ax = viz.concentration_performance(values, {"a": values})
    assert ax.lines[0].get_xdata().tolist() == means
    assert ax.lines[0].get_ydata().tolist() == means


def test_names_may_be_numbers():
    assert legend_texts(viz.scaling_curves([1, 2], {64: [1, 2]})) == ["64 (slope 1.00)"]
    assert legend_texts(viz.concentration_performance([0, 1], {64: [1, 2]})) == ["64 (r = +1.00)"]


@pytest.mark.parametrize("kind", [np.float32, np.int64, torch.tensor])
def test_training_curves_draw_numbers_of_numpy_and_torch(kind):
    ax = viz.training_curves([{"loss": kind(3), "name": "a"}, {"loss": kind(1)}, {}])
    (line,) = ax.lines
    assert line.get_label() == "loss"
    assert line.get_ydata().tolist()[:2] == [3.0, 1.0] and np.isnan(line.get_ydata()[2])


@pytest.mark.parametrize("horizontal", [False, True])
def test_heights_are_written_beyond_the_ends_of_negative_bars(horizontal):
    heights, errors = {"a": [2.0, -2.0]}, {"a": [0.5, 0.5]}
    ax = viz.bars(["p", "q"], heights, errors, value_format=".0f", horizontal=horizontal)
    along = 0 if horizontal else 1
    assert [text.xy[along] for text in ax.texts] == [2.5, -2.5]
    offsets = [text.get_position()[along] for text in ax.texts]
    assert offsets[0] > 0 > offsets[1]


@pytest.mark.parametrize("place", [0.0, 1e6])
def test_a_hypergraph_whose_nodes_share_a_place_is_drawn(place):
    ax = viz.hypergraph_drawing(SMALL, 5, torch.full((5, 2), place, dtype=torch.float64))
    assert (len(ax.patches), len(ax.lines)) == (2, 1)
    for region in ax.patches:
        assert region.get_path().contains_point((place, place))
