"""The supervised method: scores at the published budgets, files, errors."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from graphlab._io import load_arrays, save_arrays
from graphlab.hyper import CliqueCover, HypergraphReconstructor, MaxCliqueBaseline, jaccard, project
from graphlab.hyper._classifiers import fit_classifier
from graphlab.hyper._models import from_arrays, to_arrays
from graphlab.hyper._selection import best_threshold
from tests._golden import document
from tests.hyper._cases import hypergraph, load, make, parts, random_hypergraph, sets_of

pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning"
)


def fitted(**options):
    options = {"classifier": "lr", "beta": 100, **options}
    return HypergraphReconstructor(**options).fit(hypergraph("crime", "train"))


def target(name="crime"):
    data = hypergraph(name, "test")
    return project(data), data._store["num_nodes"], data


@pytest.mark.parametrize(("name", "beta"), [("crime", 1000), ("directors", 800)])
def test_paper_preset_reaches_the_published_code(name, beta):
    bars = document("hyper", "accuracy_bars")
    bar = bars[name]["shyre_count"]["mean_jaccard"]
    edges, nodes, truth = target(name)
    model = HypergraphReconstructor(beta=beta, preset="paper").fit(hypergraph(name, "train"))
    assert jaccard(model.predict(edges, nodes), truth) >= bar - 0.01


def test_default_beats_the_paper_on_enron():
    edges, nodes, truth = target("enron")
    model = HypergraphReconstructor(beta=3780, classifier="hgb")
    assert jaccard(model.fit(hypergraph("enron", "train")).predict(edges, nodes), truth) > 0.19
    assert 0 < model.threshold_ < 0.5


@pytest.mark.parametrize("classifier", ["mlp", "hgb", "rf", "lr"])
@pytest.mark.parametrize("preset", [None, "paper"])
def test_saved_models_predict_the_same(tmp_path, classifier, preset):
    model = fitted(classifier=classifier, preset=preset, features="both")
    again = HypergraphReconstructor.load(model.save(tmp_path / "model"))
    edges, nodes, _ = target()
    for a, b in zip(
        model.predict_proba(edges, nodes), again.predict_proba(edges, nodes), strict=True
    ):
        assert torch.equal(a, b) if isinstance(a, torch.Tensor) else torch.equal(a.idx, b.idx)
    assert (again.beta_, again.threshold_) == (model.beta_, model.threshold_)


@pytest.mark.parametrize("classifier", ["mlp", "hgb", "rf", "lr"])
def test_arrays_are_the_estimator(classifier):
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.neural_network import MLPClassifier

    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 4))
    y = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    theirs = {
        "mlp": MLPClassifier(random_state=1, max_iter=2000),
        "hgb": HistGradientBoostingClassifier(random_state=1),
        "rf": RandomForestClassifier(random_state=1),
        "lr": LogisticRegression(random_state=1, max_iter=1000),
    }[classifier].fit(x, y)
    ours = fit_classifier(classifier, x, y, 1)
    fresh = rng.normal(size=(200, 4))
    np.testing.assert_allclose(
        ours.probability(fresh), theirs.predict_proba(fresh)[:, 1], atol=1e-12
    )
    again = from_arrays(to_arrays(ours, "m."), "m.")
    assert np.array_equal(again.probability(fresh), ours.probability(fresh))


def test_motif_columns_of_the_paper():
    model = fitted(features="motif", preset="paper")
    assert model.columns_.numel() == 19 and model.columns_[:9].tolist() == list(range(9))


def test_beta_is_chosen_on_the_source():
    model = fitted(beta=None)
    assert model.beta_ == max(model.beta_scores_, key=lambda b: (model.beta_scores_[b], -b))
    assert all(0 <= score <= 1 for score in model.beta_scores_.values())


def test_prediction_is_deterministic_distinct_and_scored():
    edges, nodes, _ = target()
    first, second = (fitted(seed=3, classifier="mlp").predict(edges, nodes) for _ in range(2))
    assert torch.equal(first.edge_index, second.edge_index)
    sets = sets_of(first)
    assert len(set(sets)) == len(sets) == first.hyperedge_score.numel()
    near = set(map(tuple, edges.t().tolist()))
    assert set(map(tuple, project(first).t().tolist())) <= near


def test_own_classifiers(tmp_path):
    edges, nodes, _ = target()
    module = torch.nn.Sequential(torch.nn.Linear(10, 1))
    before = module[0].weight.clone()
    model = fitted(classifier=module)
    assert torch.equal(module[0].weight, before)
    assert model.predict(edges, nodes).num_hyperedges > 0
    with pytest.raises(TypeError, match="by name"):
        model.save(tmp_path)
    estimator = fitted(classifier=LogisticRegression(max_iter=1000))
    assert estimator.predict(edges, nodes).num_hyperedges > 0


class Broken(LogisticRegression):
    """A classifier whose probabilities are none."""

    def predict_proba(self, x):
        return np.full((len(x), 2), np.nan)


def test_probabilities_that_are_no_numbers_are_refused():
    broken = HypergraphReconstructor(beta=50, classifier=Broken(), threshold=0.5)
    broken.fit(random_hypergraph(0))
    edges = project(random_hypergraph(1))
    with pytest.raises(ValueError, match="classifier must give finite probabilities, but that of"):
        broken.predict(edges, 12)


def test_label_mask_is_a_smaller_source():
    source = hypergraph("crime", "train")
    mask = torch.arange(243) % 2 == 0
    known = make([s for s, keep in zip(sets_of(source), mask.tolist(), strict=True) if keep], 467)
    edges, nodes, _ = target()
    a = HypergraphReconstructor(beta=50, classifier="lr").fit(source, label_mask=mask)
    b = HypergraphReconstructor(beta=50, classifier="lr").fit(known)
    assert torch.equal(a.predict_proba(edges, nodes)[1], b.predict_proba(edges, nodes)[1])
    with pytest.raises(ValueError, match="label_mask must have shape"):
        HypergraphReconstructor(beta=5).fit(source, label_mask=mask[:3])
    with pytest.raises(TypeError, match="bool"):
        HypergraphReconstructor(beta=5).fit(source, label_mask=mask.long())


def test_one_class_and_conformal_sources():
    source = make([(0, 1, 2), (3, 4)], 5)
    model = HypergraphReconstructor(beta=3, preset="paper").fit(source)
    edges = project(source)
    assert jaccard(model.predict(edges, 5), source) == 1.0


def test_best_threshold():
    y = np.array([1, 0, 1, 0])
    assert 0.3 < best_threshold(np.array([0.9, 0.3, 0.8, 0.1]), y, 2) < 0.8
    assert best_threshold(np.array([0.5, 0.5, 0.5, 0.5]), y, 2) < 0.5
    assert best_threshold(np.zeros(0), np.zeros(0, dtype=int), 2) == 0.5


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"features": "magic"}, ValueError, "features"),
        ({"beta": 0}, ValueError, "beta"),
        ({"beta": 1.5}, TypeError, "beta"),
        ({"classifier": "svm"}, ValueError, "classifier"),
        ({"classifier": 3}, TypeError, "classifier"),
        ({"threshold": 2.0}, ValueError, "threshold"),
        ({"preset": "magic", "beta": 1}, ValueError, "preset"),
        ({"preset": "paper"}, ValueError, "beta must be given"),
    ],
)
def test_bad_arguments(options, error, match):
    with pytest.raises(error, match=match):
        HypergraphReconstructor(**options).fit(make([(0, 1)], 2))


def test_errors():
    with pytest.raises(ValueError, match="fitted"):
        HypergraphReconstructor(beta=1).predict(torch.zeros(2, 0).long(), 3)
    with pytest.raises(ValueError, match="at least one hyperedge"):
        HypergraphReconstructor(beta=1).fit(make([], 3))
    edges, nodes, _ = target()
    with pytest.raises(ValueError, match="max_cliques = 3"):
        fitted().predict(edges, nodes, max_cliques=3)


@pytest.mark.parametrize("name", ["crime", "enron", "toy"])
def test_cover_is_a_cover(name):
    edges, nodes, truth = target(name)
    cover = CliqueCover().fit().predict(edges, nodes)
    assert torch.equal(project(cover), edges)
    assert len(set(sets_of(cover))) == cover.num_hyperedges
    bar = load(name)["test_ecc_prf_jaccard"][3]
    assert jaccard(cover, truth) >= bar - 0.03


def test_maximal_cliques_as_they_are():
    data = random_hypergraph(2)
    edges, nodes, cliques = parts(data)
    assert sets_of(MaxCliqueBaseline().fit().predict(edges, nodes)) == cliques.to_list()


def test_no_warnings_about_constant_columns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(features="motif", preset="paper")


@pytest.mark.parametrize(
    "options", [{"features": "both"}, {"features": "motif", "preset": "paper"}]
)
def test_importance_names_every_column(options):
    model = fitted(classifier="hgb", **options)
    falls = model.importance(hypergraph("crime", "train"), repeats=1)
    assert len(falls) == (19 if options.get("preset") else 9 + 54 + 1)
    assert all(-1 <= fall <= 1 for fall in falls.values())


def test_importance_of_a_column_that_matters():
    source = hypergraph("enron", "train")
    model = HypergraphReconstructor(beta=2000, classifier="hgb", threshold=0.5).fit(source)
    falls = model.importance(source, repeats=1)
    assert max(falls.values()) > 0.02


def random_source(seed=0, nodes=30, sizes=(2, 6)):
    generator = np.random.default_rng(seed)
    sets = [
        tuple(sorted(generator.choice(nodes, int(generator.integers(*sizes)), False).tolist()))
        for _ in range(40)
    ]
    return make(sets, nodes)


def ones(prediction):
    return sum(len(s) == 1 for s in sets_of(prediction))


@pytest.mark.parametrize("classifier", ["lr", "hgb", "rf"])
def test_isolated_nodes_are_hyperedges_only_where_the_source_has_such(tmp_path, classifier):
    source = random_source()
    edges = project(source)
    model = HypergraphReconstructor(beta=60, classifier=classifier).fit(source)
    assert not model.singletons_
    assert ones(model.predict(edges, 40)) == 0
    candidates, chance = model.predict_proba(edges, 40)
    assert bool((candidates.sizes == 1).any()) and float(chance[candidates.sizes == 1].max()) == 0
    assert ones(model.predict(edges, 40, singletons=True)) >= 10
    again = HypergraphReconstructor.load(model.save(tmp_path))
    assert not again.singletons_ and ones(again.predict(edges, 40)) == 0


def test_isolated_nodes_where_the_source_has_such():
    source = make([*sets_of(random_source()), *[(v,) for v in range(30, 40)]], 40)
    model = HypergraphReconstructor(beta=60, classifier="lr").fit(source)
    assert model.singletons_
    assert ones(model.predict(project(source), 40)) >= 10
    assert ones(model.predict(project(source), 40, singletons=False)) == 0


def test_files_of_earlier_versions(tmp_path):
    model = HypergraphReconstructor(beta=60, classifier="lr").fit(random_source())
    path = model.save(tmp_path) / "arrays.safetensors"
    arrays, record = load_arrays(path)
    # They do not say whether the source has hyperedges of one node, nor how budgets scored.
    arrays["numbers"] = arrays["numbers"][:3]
    del arrays["beta_scores"]
    save_arrays(path, arrays, record)
    again = HypergraphReconstructor.load(tmp_path)
    assert again.singletons_ and again.beta_scores_ == {}


def test_estimator_meets_no_nested_candidate():
    model = HypergraphReconstructor(beta=60, classifier=LogisticRegression()).fit(random_source())
    prediction = model.predict(torch.tensor([[0, 1], [1, 0]]), 2)
    assert sets_of(prediction) in ([], [(0, 1)])


def noisy_module():
    return torch.nn.Sequential(
        torch.nn.Linear(10, 8), torch.nn.ReLU(), torch.nn.Dropout(), torch.nn.Linear(8, 1)
    )


def test_module_with_dropout_depends_on_the_seed_alone():
    source, module, results = random_source(), noisy_module(), []
    for seed in (0, 1):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        model = HypergraphReconstructor(beta=60, classifier=module, threshold=0.5).fit(source)
        assert torch.equal(torch.get_rng_state(), before)
        results.append(model.predict_proba(project(source), 30)[1])
    assert torch.equal(*results)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_module_learns_where_gradients_are_off(mode):
    source, module = random_source(), noisy_module()
    options = {"beta": 60, "classifier": module, "threshold": 0.5}
    wanted = HypergraphReconstructor(**options).fit(source).predict_proba(project(source), 30)[1]
    with mode():
        model = HypergraphReconstructor(**options).fit(source)
        assert torch.equal(model.predict_proba(project(source), 30)[1], wanted)


def test_module_of_doubles():
    source, module = random_source(), torch.nn.Linear(10, 1).double()
    model = HypergraphReconstructor(beta=60, classifier=module, threshold=0.5).fit(source)
    assert model.predict(project(source), 30).num_hyperedges > 0


def test_count_of_source_cliques_under_its_earlier_name():
    model = fitted(classifier="lr")
    with pytest.warns(FutureWarning, match=r"source_cliques_ is .*recipe_\.source_cliques now"):
        assert model.source_cliques_ == model.recipe_.source_cliques


def test_a_class_is_no_classifier():
    model = HypergraphReconstructor(beta=5, classifier=LogisticRegression)
    with pytest.raises(TypeError, match=r"got the class LogisticRegression: write Logistic"):
        model.fit([{0, 1, 2}, {2, 3}])


@pytest.mark.parametrize("features", ["count", "motif", "both"])
def test_a_graph_without_nodes_has_no_hyperedges(features):
    model = HypergraphReconstructor(features, 5, "lr").fit([{0, 1, 2}, {2, 3}, {0, 1}])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = model.predict(torch.zeros(2, 0, dtype=torch.int64), 0)
    assert (found.num_nodes, found.num_hyperedges) == (0, 0)
