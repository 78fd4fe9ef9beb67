# ---
# jupyter:
#   jupytext:
#     formats: py:percent,ipynb
# ---

# %% [markdown]
# # Pretrain a graph foundation model
#
# **Question.** Can a model learn, without a single label, to name the class of a node from the
# name of the class alone?
#
# GraphCLIP trains a graph tower to match the surroundings of a node with a sentence about them.
# Afterwards a class is a sentence, too, and the nearest one wins. Everything here is tiny: the
# graph is Python's standard library, the text encoder counts words, and summaries are written by
# a template. It shows the way, in a minute, on one core, without a key.
#
# ## Graph and encoder
#
# Nodes are modules, their texts docstrings, edges imports. One encoder embeds nodes, summaries
# and classes: they must live in one space.

# %%
import tempfile
from pathlib import Path

import torch
from matplotlib import pyplot as plt

from graphlab import viz
from graphlab.datasets import python_stdlib
from graphlab.tag import (
    GraphCLIP,
    GraphTextPairs,
    HashingEncoder,
    PretrainConfig,
    SubgraphSampler,
    TemplateSummarizer,
    TextEncoder,
    TextGraph,
    ZeroShotClassifier,
    encode_nodes,
    pretrain,
)
from graphlab.tag.graphclip import GraphCLIPEncoder

torch.set_num_threads(1)
data = python_stdlib()
graph = TextGraph.from_data(data, data.text, label_names=data.label_names)
encoder = TextEncoder(HashingEncoder(128).fit(graph.text))
graph = encode_nodes(graph, encoder)
print(f"{graph.num_nodes} modules, {graph.num_edges // 2} imports, for example:")
i = data.name.index("heapq")
print(f"{data.name[i]}: {graph.text[i].splitlines()[0]}")
print("chapter:", graph.label_names[int(graph.y[i])])

# %% [markdown]
# ## Pairs of subgraph and summary
#
# Random walks with restart draw a neighbourhood of every node, and the template says what is in
# it. Neither is given a label. A language model writes better summaries; `LLMSummarizer(client)`
# takes the template's place.

# %%
parts = []
for seed in range(2):
    sampler = SubgraphSampler("rwr", walk_length=32, restart=0.5, seed=seed)
    store = sampler.sample(graph.edge_index, graph.num_nodes)
    summaries = TemplateSummarizer().summarize(graph.text, store)
    parts.append(GraphTextPairs(graph.x, store, encoder.encode(summaries)))
pairs = GraphTextPairs.join(parts)
print(len(pairs), "pairs; the first summary:\n")
print(summaries[0][:300], "...")

# %% [markdown]
# ## Pretraining
#
# A part of the pairs is held out. After every epoch their loss is measured; this needs no label,
# and the epoch of the smallest one is kept. The history also tells for how many of these subgraphs
# the own summary is the nearest one. That share is easier to read, but does not choose: of so few
# pairs, which epoch is best by one or two is chance.
#
# (With a node, all its subgraphs are held out, however often it was drawn.)
#
# We train two towers. One learns everything itself. The other adds the texts of the node and of
# its surroundings to its output (`residual="root+mean"`): training starts where the frozen
# encoder is, instead of at chance.


# %%
def new_tower(residual):
    """A small graph transformer, always with the same initial weights."""
    torch.manual_seed(0)
    return GraphCLIPEncoder(128, 64, num_layers=2, heads=4, out_channels=128, residual=residual)


kinds = {"from scratch": "none", "on top of the texts": "root+mean"}
models, curves = {}, {}
for name, residual in kinds.items():
    model = GraphCLIP(new_tower(residual), text_model="hashing")
    result = pretrain(model, pairs, PretrainConfig(epochs=30, batch_size=64, seed=0))
    models[name] = model
    curves[name] = [row["r1"] for row in result.history]
    nearest = curves[name][result.best_epoch]
    print(f"{name}: epoch {result.best_epoch} is kept, own summary nearest for {nearest:.0%}")

ax = viz.training_curves(curves)
_ = ax.set_ylabel("held-out retrieval")

# %% [markdown]
# ## Save it, load it
#
# A folder with the weights (safetensors) and a readable configuration. It knows the name of the
# text model that it was trained with.

# %%
folder = tempfile.TemporaryDirectory()
models["on top of the texts"].save_pretrained(folder.name)
for path in sorted(Path(folder.name).iterdir()):
    print(f"{path.name:20} {path.stat().st_size / 1024:6.1f} KB")
models["on top of the texts"] = GraphCLIP.from_pretrained(folder.name)

# %% [markdown]
# ## Classes as sentences
#
# The labels are the chapters of the library reference, some thirty. The classifier sees their
# titles and nothing else. `evaluate` puts beside it what needs no tower: the node's own text, the
# mean of the texts around it, both, the most frequent chapter, and chance.

# %%
fresh = SubgraphSampler("rwr", walk_length=32, restart=0.5, seed=9)
store = fresh.sample(graph.edge_index, graph.num_nodes)


def zero_shot(model):
    """Scores of a model, and of what needs none, by name."""
    classifier = ZeroShotClassifier(model, encoder, graph.label_names, ["{c}"])
    return classifier.evaluate(graph.x, store, graph.y)


accuracy = {}
for name, model in models.items():
    blank = GraphCLIP(new_tower(kinds[name]))
    accuracy[f"{name}, untrained"] = zero_shot(blank)["graphclip"]["acc"]
    scores = zero_shot(model)
    accuracy[f"{name}, trained"] = scores.pop("graphclip")["acc"]
accuracy |= {name: score["acc"] for name, score in scores.items()}

for name, value in accuracy.items():
    print(f"{name:32} {value:.3f}")

# %%
order = sorted(accuracy, key=accuracy.get)
figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
colors = ["#0072B2" if "trained" in name else "#8C8C8C" for name in order]
ax.barh(order, [accuracy[name] for name in order], color=colors)
_ = ax.set_xlabel(f"accuracy, {graph.num_label_names} chapters, no label seen")

# %% [markdown]
# ## What the numbers mean
#
# Blue are the towers, grey is what needs none. Compare the towers with `own text`, not with
# chance.
#
# * The tower from scratch did learn: it finds the summaries of held-out pairs, and its accuracy
#   rises above chance. It stays below the texts that it was given.
# * The tower on top of the texts starts as good as they are, in retrieval and in classes.
#   Training improves the one by a little and the other not at all.
#
# So on this graph: use `own text`, it costs nothing. A loss that falls and a retrieval that rises
# say nothing about the classes; only this picture does. It is why `evaluate` always puts the
# frozen texts beside the tower.
#
# Why so low? The encoder knows no meanings: a title like *Concurrent Execution* shares few words
# with the docstring of `queue`. There are five hundred pairs, where foundation models are trained
# on millions. And this is the graph of the pretraining, so it shows no transfer. With a sentence
# encoder (`TextEncoder("all-MiniLM-L6-v2")`) and more graphs the rest of the code stays as it is.
#
# The largest chapters in the embedding of the tower from scratch (t-SNE):

# %%
largest = torch.bincount(graph.y).topk(6).indices
chosen = torch.isin(graph.y, largest).nonzero()[:, 0]
with torch.no_grad():
    z = models["from scratch"].encode(graph.x, store, chosen)
names = [graph.label_names[c] for c in graph.y[chosen].tolist()]
ax = viz.embedding_map(z, names, method="tsne", seed=0)

# %%
folder.cleanup()

# %% [markdown]
# ## Read on
#
# * [The tutorial](../docs/tutorial_graphclip.md) is the long form: your own tables, a few labels
#   (`PromptTuner`), commands for the shell.
# * [GraphCLIP](../docs/graphclip.md): the method, differences from the authors' code, transfer to
#   graphs that were not seen.
# * The released weights load with `load_official_checkpoint`.
