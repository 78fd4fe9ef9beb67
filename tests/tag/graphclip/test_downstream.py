"""Zero-shot classification, prompt tuning and link prediction."""

from __future__ import annotations

import pytest
import torch
from sklearn.base import clone
from torch.nn.functional import normalize

from graphlab.tag import LinkPredictor, PromptTuner, SubgraphSampler, ZeroShotClassifier
from graphlab.tag.graphclip import class_probabilities
from tests._golden import load
from tests._saving import cut_save
from tests.tag.graphclip._toy import TOPICS, HashEncoder, toy_graph, toy_model, toy_pairs

NAMES = [topic.split()[0] for topic in TOPICS]
DESCRIPTIONS = dict(zip(NAMES, TOPICS, strict=True))


def classifier(**options):
    arguments = {"class_names": NAMES, "templates": ["about {c}"], "descriptions": DESCRIPTIONS}
    model = options.pop("model", None) or toy_model(residual="mean")
    encoder = options.pop("encoder", None) or HashEncoder()
    return ZeroShotClassifier(model, encoder, **(arguments | options))


def test_golden_scores():
    case = load("graphclip", "zero_shot")
    got = class_probabilities(case["graph_emb"], case["class_emb"])
    torch.testing.assert_close(got, case["prob"], rtol=1e-4, atol=1e-6)
    assert torch.equal(got.argmax(1), case["pred"])


def test_masked_mean_pooling_and_golden_case_agree():
    """What a text encoder has to do for the released tower, written out."""
    case = load("graphclip", "mean_pooling")
    mask = case["mask"].unsqueeze(2).float()
    got = (case["hidden"] * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
    torch.testing.assert_close(got, case["out"], rtol=1e-5, atol=1e-6)


def test_templates_are_averaged_and_descriptions_follow():
    encoder = HashEncoder()
    options = {"templates": ["a {c}", "the {c} thing"], "join": " - "}
    embeddings = classifier(encoder=encoder, **options).class_embeddings
    assert encoder.seen[0] == f"a {NAMES[0]} - {TOPICS[0]}"
    first = normalize(encoder.encode([f"a {n} - {DESCRIPTIONS[n]}" for n in NAMES]))
    second = normalize(encoder.encode([f"the {n} thing - {DESCRIPTIONS[n]}" for n in NAMES]))
    torch.testing.assert_close(embeddings, normalize(first + second))


def test_class_sentences_are_embedded_once_and_anew_for_other_parameters():
    pairs, encoder = toy_pairs(), HashEncoder()
    model = classifier(encoder=encoder)
    assert encoder.seen == []
    first = model.scores(pairs.x, pairs.store)
    model.predict(pairs.x, pairs.store)
    assert len(encoder.seen) == 3
    assert torch.equal(model.class_embeddings, model.class_embeddings_)
    other = model.set_params(templates=["{c}"], descriptions=None).scores(pairs.x, pairs.store)
    assert len(encoder.seen) == 6 and not torch.equal(first, other)


def test_other_parameters_are_checked():
    pairs = toy_pairs()
    with pytest.raises(ValueError, match="Invalid parameter 'prompts'|prompts"):
        classifier().set_params(prompts=3)
    for name, wrong in (("templates", "no place"), ("templates", 3), ("join", 3)):
        model = classifier().set_params(**{name: wrong})
        with pytest.raises((TypeError, ValueError), match=name):
            model.scores(pairs.x, pairs.store)


def test_evaluation_shows_the_baselines():
    pairs, (_, _, y) = toy_pairs(), toy_graph()
    rows = classifier().evaluate(pairs.x, pairs.store, y)
    names = {"graphclip", "chance", "majority", "own text", "subgraph mean", "own + mean"}
    assert set(rows) == names
    assert rows["chance"]["acc"] == pytest.approx(1 / 3)
    assert rows["majority"]["acc"] == pytest.approx(20 / 60)
    assert rows["own text"]["acc"] > 0.9
    # An untrained tower with a residual is the mean over the subgraph.
    assert rows["graphclip"] == rows["subgraph mean"]
    mixed = classifier(model=toy_model(), mix="own+mean").evaluate(pairs.x, pairs.store, y)
    assert mixed["graphclip + own+mean"]["acc"] > 0.6


def test_scores_of_a_part():
    pairs, (_, _, y) = toy_pairs(), toy_graph()
    mask = y != 2
    rows = classifier().evaluate(pairs.x, pairs.store, y, mask)
    predicted = classifier().predict(pairs.x, pairs.store)
    chances = classifier().predict_proba(pairs.x, pairs.store)
    assert torch.equal(chances.argmax(1), predicted)
    assert rows["graphclip"]["acc"] == pytest.approx(float((predicted == y)[mask].double().mean()))
    assert rows["majority"]["acc"] == pytest.approx(0.5)


def test_macro_f1_is_that_of_scikit_learn():
    from sklearn.metrics import f1_score

    from graphlab.tag.graphclip.zeroshot.scores import score

    y, p = torch.tensor([0, 0, 1, 3, 3, 3]), torch.tensor([0, 1, 1, 3, 2, 3])
    want = f1_score(y, p, average="macro", labels=[0, 1, 3])
    assert score(y, p, 4)["f1"] == pytest.approx(want)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"class_names": ["one"]}, ValueError, "at least two"),
        ({"class_names": ["a", "a"], "descriptions": None}, ValueError, "must be different"),
        ({"class_names": ["a", " "]}, ValueError, r"class_names must not be empty"),
        ({"templates": ["no place"]}, ValueError, "must contain {c}"),
        ({"templates": "{c}"}, TypeError, "must be a list"),
        ({"templates": []}, TypeError, "must be a list"),
        ({"descriptions": {NAMES[0]: "x"}}, ValueError, "lack"),
        ({"descriptions": dict.fromkeys(NAMES, 3)}, TypeError, "descriptions must be str, but"),
        ({"mix": "all"}, ValueError, "mix must be one of"),
        ({"encoder": HashEncoder(7)}, ValueError, "encoder must give 24 columns"),
    ],
)
def test_bad_classes_are_refused(options, error, words):
    pairs, model = toy_pairs(), classifier(**options)
    with pytest.raises(error, match=words):
        model.predict(pairs.x, pairs.store)


def test_bad_labels_are_refused():
    pairs, (_, _, y) = toy_pairs(), toy_graph()
    with pytest.raises(IndexError, match=r"y\[0\] = 3"):
        classifier().evaluate(pairs.x, pairs.store, y + 3)
    with pytest.raises(ValueError, match="mask must be bool"):
        classifier().evaluate(pairs.x, pairs.store, y, y > 5)


# --- prompts --------------------------------------------------------------------------------------


def confused():
    """Classes under the wrong names: only labels can tell."""
    zero_shot = classifier()
    return zero_shot.model, zero_shot.class_embeddings[[1, 2, 0]]


SIDES = [
    {"num_prompts": 4, "class_pull": None},
    {"num_prompts": 0, "class_pull": 0.01},
    {"num_prompts": 2, "class_pull": 0.01},
]


@pytest.mark.parametrize("side", SIDES, ids=["nodes", "classes", "both"])
def test_prompts_start_at_the_zero_shot_classifier_and_learn(side):
    pairs, (_, _, y) = toy_pairs(), toy_graph()
    model, classes = confused()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    tuner = PromptTuner(model, classes, epochs=60, lr=0.05, **side)
    start = tuner.predict(pairs.x, pairs.store)
    want = normalize(model.encode(pairs.x, pairs.store)) @ classes.t()
    assert torch.equal(start, want.argmax(1))
    shots = torch.arange(15)
    tuner.fit(pairs.x, pairs.store.select(shots), y[shots])
    rest = torch.arange(15, 60)
    after = tuner.predict(pairs.x, pairs.store)
    chances = tuner.predict_proba(pairs.x, pairs.store)
    assert torch.equal(chances.argmax(1), after)
    torch.testing.assert_close(chances.sum(1), torch.ones(len(after)))
    assert (after[rest] == y[rest]).double().mean() > (start[rest] == y[rest]).double().mean() + 0.3
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert any(p.requires_grad for p in model.graph_model.parameters())
    assert {n for n, _ in tuner.named_parameters()} == {"prompts", "keys", "class_prompts"}


def test_prompts_of_classes_are_the_minimum_of_their_loss():
    pairs, (_, _, y) = toy_pairs(), toy_graph()
    model, classes = confused()
    tuner = PromptTuner(model, classes, class_pull=0.3, scale=5.0).fit(pairs.x, pairs.store, y)
    graph = normalize(model.encode(pairs.x, pairs.store))
    shift = tuner.class_prompts.detach().double().requires_grad_()
    logits = 5.0 * graph.double() @ (tuner.class_embeddings.double() + shift).t()
    loss = torch.nn.functional.cross_entropy(logits, y) + 0.3 * shift.square().sum()
    (slope,) = torch.autograd.grad(loss, shift)
    assert float(slope.abs().max()) < 1e-4


def test_a_strong_pull_keeps_the_zero_shot_classifier():
    pairs, (_, _, y) = toy_pairs(), toy_graph()
    model, classes = confused()
    tuner = PromptTuner(model, classes, class_pull=1e6)
    start = tuner.predict(pairs.x, pairs.store)
    assert torch.equal(tuner.fit(pairs.x, pairs.store, y).predict(pairs.x, pairs.store), start)


def test_no_gradient_reaches_what_the_classes_were_made_of():
    pairs, (_, _, y) = toy_pairs(), toy_graph()
    model, classes = confused()
    want = PromptTuner(model, classes).fit(pairs.x, pairs.store, y)
    learned = classes.clone().requires_grad_()
    found = PromptTuner(model, learned).fit(pairs.x, pairs.store, y)
    assert not found.class_embeddings.requires_grad and learned.grad is None
    assert torch.equal(found.class_prompts, want.class_prompts)


def test_the_tower_stays_where_only_the_prompts_move():
    model, classes = confused()
    tuner = PromptTuner(model, classes, num_prompts=1)
    tuner.to_empty(device="meta", recurse=False)
    assert tuner.prompts.is_meta and not any(p.is_meta for p in model.parameters())
    tuner.to_empty(device="cpu")
    tuner.double()
    assert {p.dtype for p in model.parameters()} == {torch.float64}


def test_one_prompt_is_the_same_for_all_nodes():
    model, classes = confused()
    tuner = PromptTuner(model, classes, num_prompts=1)
    torch.nn.init.normal_(tuner.prompts, generator=torch.Generator().manual_seed(0))
    x = torch.rand(5, 24)
    torch.testing.assert_close(tuner(x) - x, tuner.prompts.expand(5, -1))


def test_bad_shots_are_refused():
    pairs, (_, _, y) = toy_pairs(), toy_graph()
    model, classes = confused()
    with pytest.raises(ValueError, match="y must have 60 entries"):
        PromptTuner(model, classes).fit(pairs.x, pairs.store, y[:5])
    with pytest.raises(IndexError, match=r"y\[2\] = 2"):
        PromptTuner(model, classes[:2]).fit(pairs.x, pairs.store, y)
    for bad, words in (
        ({"class_pull": 0}, "class_pull must be positive and finite, got 0"),
        ({"scale": 0}, "scale must be positive"),
        ({"supcon_weight": -1}, "supcon_weight must"),
        ({"weight_decay": -1}, "weight_decay must"),
        ({"lr": 0}, "lr must be positive"),
        ({"epochs": 0}, "epochs must be at least 1"),
    ):
        with pytest.raises(ValueError, match=words):
            PromptTuner(model, classes, **bad).fit(pairs.x, pairs.store, y)
    with pytest.raises(ValueError, match="at least two labelled subgraphs, got 1"):
        PromptTuner(model, classes).fit(pairs.x, pairs.store.select([0]), y[:1])
    with pytest.raises(ValueError, match="num_prompts must be at least 0"):
        PromptTuner(model, classes, num_prompts=-1)
    with pytest.raises(FloatingPointError, match="of the prompts of nodes is nan in epoch 1"):
        options = {"num_prompts": 1, "supcon_weight": 0.0, "lr": 1e30}
        PromptTuner(model, classes, **options).fit(pairs.x, pairs.store, y)
    with pytest.raises(ValueError, match="x must have 24 columns"):
        PromptTuner(model, classes).fit(pairs.x[:, :5], pairs.store, y)
    with pytest.raises(ValueError, match="class_embeddings must have 24 columns"):
        PromptTuner(model, classes[:, :5])


# --- links ----------------------------------------------------------------------------------------


def test_links_are_scored_by_cosines_of_nodes():
    pairs, (_, edges, _) = toy_pairs(), toy_graph()
    model, sampler = toy_model(residual="mean"), SubgraphSampler(walk_length=12)
    ends = torch.tensor([[0, 3, 0], [1, 0, 0]])
    got = LinkPredictor(model, sampler).predict(pairs.x, edges, ends)
    nodes = normalize(model.encode(pairs.x, sampler.sample(edges, 60)))
    torch.testing.assert_close(got, (nodes[ends[0]] * nodes[ends[1]]).sum(1))
    assert float(got[2]) == pytest.approx(1.0, abs=1e-5)


class Spy(SubgraphSampler):
    def sample(self, edge_index, num_nodes, nodes=None, *, stream=0):
        self.seen = edge_index
        return super().sample(edge_index, num_nodes, nodes, stream=stream)


def test_asked_edges_are_hidden_in_both_directions():
    pairs, (_, edges, y) = toy_pairs(), toy_graph()
    spy = Spy(walk_length=12)
    positive = edges[:, :20]
    generator = torch.Generator().manual_seed(0)
    negative = torch.randint(60, (2, 40), generator=generator)
    negative = negative[:, y[negative[0]] != y[negative[1]]]
    both = torch.cat([edges, edges.flip(0)], 1)
    model = toy_model(residual="mean")
    rows = LinkPredictor(model, spy).evaluate(pairs.x, both, positive, negative)
    hidden = {frozenset(e) for e in positive.t().tolist()}
    assert not hidden & {frozenset(e) for e in spy.seen.t().tolist()}
    assert rows["graphclip"]["auc"] > 0.8
    assert rows["chance"]["auc"] == pytest.approx(0.5)
    with pytest.raises(ValueError, match="at least one pair"):
        LinkPredictor(model, spy).evaluate(pairs.x, both, positive[:, :0], negative)


def test_masks_leave_out_what_has_no_class():
    pairs, (_, _, y) = toy_pairs(), toy_graph()
    mask = y != 2
    want = classifier().evaluate(pairs.x, pairs.store, y, mask)
    partly = torch.where(mask, y, -1)
    assert classifier().evaluate(pairs.x, pairs.store, partly, mask) == want
    assert classifier().evaluate(pairs.x, pairs.store, partly) == want
    with pytest.raises(IndexError, match=r"y\[2\] = -1"):
        classifier().evaluate(pairs.x, pairs.store, partly, torch.ones_like(mask))


def test_features_of_another_width_are_no_baseline():
    pairs, (_, _, y) = toy_pairs(), toy_graph()
    model = toy_model(out_channels=12, residual="none")
    options = {"model": model, "encoder": HashEncoder(12)}
    rows = classifier(**options).evaluate(pairs.x, pairs.store, y)
    assert list(rows) == ["graphclip", "majority", "chance"]
    with pytest.raises(ValueError, match="mix='own' needs features of 12 columns"):
        classifier(**options, mix="own").fit()


@pytest.mark.parametrize("count", [0, 2])
def test_prompts_work_in_double_precision_and_without_gradients(count):
    pairs, (_, _, y) = toy_pairs(), toy_graph()
    found = []
    for change in (lambda tuner: tuner, lambda tuner: tuner.double()):
        model = toy_model()
        tuner = change(PromptTuner(model, classifier().class_embeddings, num_prompts=count))
        with torch.no_grad():
            tuner.fit(pairs.x, pairs.store.select(range(12)), y[:12])
        found.append(tuner.predict(pairs.x, pairs.store))
    assert float((found[0] == found[1]).double().mean()) > 0.9


@pytest.mark.parametrize("count", [0, 2])
def test_prompts_are_tuned_in_inference_mode(count):
    pairs, (_, _, y) = toy_pairs(), toy_graph()
    model, names = toy_model(), classifier().class_embeddings
    shots = pairs.store.select(range(12))
    want = PromptTuner(model, names, num_prompts=count, epochs=3).fit(pairs.x, shots, y[:12])
    with torch.inference_mode():
        got = PromptTuner(model, names.clone(), num_prompts=count, epochs=3)
        got.fit(pairs.x.clone(), shots, y[:12].clone())
    for name, value in want.state_dict().items():
        assert (
            torch.equal(got.state_dict()[name], value) and not got.state_dict()[name].is_inference()
        )
    with torch.inference_mode():
        fixed = toy_model()
    with pytest.raises(ValueError, match=r"model was made in torch\.inference_mode\(\)"):
        PromptTuner(fixed, names)


def test_modes_of_parts_are_as_before():
    pairs, (_, _, y) = toy_pairs(), toy_graph()
    model = toy_model().train()
    model.graph_model.pe_norm.eval()
    modes = [part.training for part in model.modules()]
    model.encode(pairs.x, pairs.store)
    tuner = PromptTuner(model, classifier().class_embeddings, num_prompts=1, epochs=1)
    tuner.fit(pairs.x, pairs.store.select(range(6)), y[:6])
    assert [part.training for part in model.modules()] == modes


def test_parts_of_a_link_predictor_are_checked():
    pairs, (_, edges, _) = toy_pairs(), toy_graph()
    for model, sampler, words in (
        (toy_model(), "rwr", "sampler must be a SubgraphSampler, got str"),
        (toy_model().graph_model, SubgraphSampler(), "must be a GraphCLIP"),
    ):
        with pytest.raises(TypeError, match=words):
            LinkPredictor(model, sampler).predict(pairs.x, edges, edges[:, :2])


def test_no_pairs_no_scores():
    pairs, (_, edges, _) = toy_pairs(), toy_graph()
    predictor = LinkPredictor(toy_model(), SubgraphSampler(walk_length=4))
    assert predictor.predict(pairs.x, edges, edges[:, :0]).shape == (0,)


# --- estimators -----------------------------------------------------------------------------------


def tuned(**options):
    pairs, (_, _, y) = toy_pairs(), toy_graph()
    model, classes = confused()
    tuner = PromptTuner(model, classes, num_prompts=2, epochs=3, **options)
    return tuner.fit(pairs.x, pairs.store.select(range(12)), y[:12])


def logits(tuner):
    """What a prediction is the largest of."""
    pairs = toy_pairs()
    return [tuner(pairs.x), tuner.class_prompts, tuner.predict(pairs.x, pairs.store)]


def equal(one, two):
    return all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_a_tuner_gives_rows_and_starts_anew():
    pairs, (_, _, y) = toy_pairs(), toy_graph()
    rows, tuner = [], tuned()
    want, history = logits(tuner), tuner.history_
    assert [(row["part"], row["epoch"]) for row in history] == [
        ("nodes", 0), ("nodes", 1), ("nodes", 2), ("classes", 0),
    ]  # fmt: skip
    tuner.fit(pairs.x, pairs.store.select(range(12)), y[:12], callback=rows.append)
    assert rows == tuner.history_ == history and equal(logits(tuner), want)
    wider = tuner.set_params(num_prompts=3).fit(pairs.x, pairs.store, y)
    assert wider.prompts.shape == (3, 24)


def test_a_tuner_keeps_its_parameters_and_is_cloned():
    tuner = tuned(lr=0.05)
    model, classes = tuner.model, tuner.class_embeddings
    assert tuner.get_params()["class_embeddings"] is classes and tuner.get_params()["scale"] is None
    assert repr(tuner).startswith("PromptTuner(model=GraphCLIP(), class_embeddings=Tensor(3, 24), ")
    copy = clone(tuner)
    assert not copy.prompts.any() and not hasattr(copy, "history_")
    assert copy.model is not model and copy.lr == 0.05
    assert {name for name, _ in copy.named_parameters()} == {"prompts", "keys", "class_prompts"}


@pytest.mark.parametrize("double", [False, True])
def test_a_tuner_is_saved_and_loaded(double, tmp_path):
    tuner = tuned()
    tuner = tuner.double() if double else tuner
    again = PromptTuner.load(tuner.save(tmp_path), model=tuner.model)
    assert equal(again.state_dict().values(), tuner.state_dict().values())
    pairs = toy_pairs()
    want = tuner.predict(pairs.x, pairs.store)
    assert torch.equal(again.predict(pairs.x, pairs.store), want)
    assert again.history_ == tuner.history_
    with pytest.raises(TypeError, match=r"takes the objects \['model'\]"):
        PromptTuner.load(tmp_path)


def test_a_save_of_a_tuner_that_is_cut_keeps_the_older(tmp_path):
    old, new = tuned(), tuned(seed=1)
    old.save(tmp_path)
    cut_save(new, tmp_path)
    again = PromptTuner.load(tmp_path, model=old.model)
    assert equal(again.state_dict().values(), old.state_dict().values())


def test_a_classifier_is_cloned_saved_and_loaded_without_its_encoder(tmp_path):
    pairs = toy_pairs()
    model = classifier(mix="own")
    want = model.scores(pairs.x, pairs.store)
    again = ZeroShotClassifier.load(model.save(tmp_path), model=model.model)
    assert torch.equal(again.scores(pairs.x, pairs.store), want)
    same = {"encoder": None, "templates": ("about {c}",)}
    assert again.get_params() == model.get_params() | same
    with pytest.raises(ValueError, match="encoder must be given"):
        again.fit()
    copy = clone(model)
    assert torch.equal(copy.scores(pairs.x, pairs.store), want)
    assert "mix='own'" in repr(model) and "join" not in repr(model)


def test_a_link_predictor_is_cloned_saved_and_loaded(tmp_path):
    pairs, (_, edges, _) = toy_pairs(), toy_graph()
    model = LinkPredictor(toy_model(), SubgraphSampler(walk_length=12))
    assert model.__sklearn_is_fitted__()  # there is nothing to fit
    want = model.predict(pairs.x, edges, edges[:, :9])
    assert torch.equal(clone(model).predict(pairs.x, edges, edges[:, :9]), want)
    again = LinkPredictor.load(model.save(tmp_path), model=model.model, sampler=model.sampler)
    assert torch.equal(again.predict(pairs.x, edges, edges[:, :9]), want)


def test_a_fit_that_is_interrupted_leaves_the_prompts_of_before():
    pairs, (_, _, y) = toy_pairs(), toy_graph()
    model, classes = confused()
    tuner = PromptTuner(model, classes, num_prompts=2, epochs=3).fit(pairs.x, pairs.store, y)
    before, history = tuner.predict_proba(pairs.x, pairs.store), tuner.history_

    def stop(row):
        if row["epoch"] == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tuner.fit(pairs.x, pairs.store, y.flip(0), callback=stop)
    assert torch.equal(tuner.predict_proba(pairs.x, pairs.store), before)
    assert tuner.history_ is history
    assert {n for n, _ in tuner.named_parameters()} == {"prompts", "keys", "class_prompts"}
