# ---
# jupyter:
#   jupytext:
#     formats: py:percent,ipynb
# ---

# %% [markdown]
# # Complete a knowledge graph
#
# **Question.** Which facts are missing, and how would I know that the score is honest?
#
# A knowledge graph is a list of facts (head, relation, tail), and never complete. A model is shown
# some of the facts, ranks the others among everything that could stand in their place, and is
# judged by the ranks. Below: one training, the same ranks under three rules for ties, what leaving
# out a filter does, and a broken model that other code would praise.

# %%
import torch

from graphlab import viz
from graphlab.datasets import python_classes
from graphlab.embed import KGEmbedding, KGETrainConfig
from graphlab.evaluate import filtered_ranks, rank_metrics

# %% [markdown]
# ## Facts that every machine has
#
# Classes of Python: what they inherit from, where they are defined, which methods they have. A
# quarter of the facts is hidden, half of it to choose the epoch and half to be judged by.

# %%
data, names = python_classes()
number, count = data.num_edges, len(names.relations)
order = torch.randperm(number, generator=torch.Generator().manual_seed(0))
parts = order.split([number - 2 * (number // 8), number // 8, number // 8])
train, valid, test = ((data.edge_index[:, part], data.edge_type[part]) for part in parts)
print(data.num_nodes, "entities,", number, "facts:", names.relations)
for head, tail, kind in zip(*data.edge_index[:, ::500], data.edge_type[::500], strict=True):
    print("  ", names.entities[head], "|", names.relations[kind], "|", names.entities[tail])


# %% [markdown]
# ## One training
#
# ComplEx with the softmax over all entities. `valid` chooses the epoch; the test facts are read
# once, at the end.

# %%
config = KGETrainConfig("softmax", epochs=30, batch_size=128, lr=2e-2)
model = KGEmbedding(data.num_nodes, count, 32, train_config=config)
model.fit(*train, valid=valid)
print("best epoch", model.best_epoch_)
viz.training_curves({"validation MRR": [row["mrr"] for row in model.history_]})

# %%
ranks = model.rank(*test)
for name, value in rank_metrics(ranks).items():
    print(f"{name:8} {value:.3f}")

# %% [markdown]
# ## What does a table without any entity reach?
#
# Count how often each entity is the tail of a relation, and rank by the counts: the same product of
# two matrices as every model, a query being the unit vector of its relation. (Heads likewise, as
# tails of the reverse relation.)


# %%
def both(triples):
    (head, tail), kind = triples
    return torch.cat([head, tail]), torch.cat([kind, kind + count]), torch.cat([tail, head])


_, kind, tail = both(train)
table = torch.zeros(data.num_nodes, 2 * count)
table.index_put_((tail, kind), torch.ones(len(tail)), accumulate=True)

everything = [both(part) for part in (train, valid, test)]
answers: dict = {}
for facts in everything:
    for h, r, t in zip(*(column.tolist() for column in facts), strict=True):
        answers.setdefault((h, r), []).append(t)
head, kind, tail = everything[2]
lists = [answers[query] for query in zip(head.tolist(), kind.tolist(), strict=True)]
ptr = torch.tensor([0, *(len(entry) for entry in lists)]).cumsum(0)
known = ptr, torch.tensor([t for entry in lists for t in entry])
query = torch.nn.functional.one_hot(kind, 2 * count).float()
by_counts = filtered_ranks(query, table, tail, known)

# %% [markdown]
# ## Three rules for ties
#
# Many counts are equal. Is an answer before the others of its score, behind them, or in the middle?
# Published programs do all three. From two counts a query, all of them follow.

# %%
TIES = ("pessimistic", "realistic", "optimistic")
rows = {"counts": by_counts, "ComplEx": ranks}
for name, found in rows.items():
    values = [rank_metrics(found, tie=tie)["mrr"] for tie in TIES]
    share = rank_metrics(found)["ties"]
    print(
        f"{name:8}",
        *(f"{t} {v:.3f}" for t, v in zip(TIES, values, strict=True)),
        f"ties {share:.0%}",
    )
series = {
    name: [rank_metrics(found, tie=tie)["mrr"] for tie in TIES] for name, found in rows.items()
}
ax = viz.bars(list(TIES), series)
ax.set_ylabel("MRR of the hidden facts")

# %% [markdown]
# ## Without the filter
#
# `bool` has several superclasses. Asked for one of them, a model that names another one is not
# wrong. Other true answers are left out; what is true must be said, all of it.

# %%
for name, true in {
    "no filter": (),
    "test facts only": test,
    "all but validation": [train, test],
    "everything": [train, valid, test],
}.items():
    print(f"{name:20} MRR {rank_metrics(model.rank(*test, known=true))['mrr']:.3f}")

# %% [markdown]
# ## A model that diverged
#
# With NaN in a row, every comparison is false: nothing scores above the answer, which is then
# first. A program that counts `score > score[answer]` calls that perfect. Here nothing is ranked.

# %%
broken = KGEmbedding(data.num_nodes, count, 8)
with torch.no_grad():
    broken.node_emb.weight.fill_(float("nan"))
score = broken.query(*test[0][:1], test[1]) @ broken.entities().T
naive = (score > score.gather(1, test[0][1:].T)).sum(1) + 1
print("naive MRR of a broken model:", float(naive.reciprocal().mean()))
try:
    broken.rank(*test, known=())
except ValueError as error:
    print("here:", error)

# %% [markdown]
# ## Which facts are missing?
#
# The best answers that are not known yet. Some are hidden facts, some are true and nobody listed
# them, some are wrong: a rank tells which facts are found, not which are false.

# %%
hidden = {
    (h, r, t) for f in everything[1:] for h, r, t in zip(*(c.tolist() for c in f), strict=True)
}
subclass = names.relations.index("subclass of")
for name in ("builtins.frozenset", "collections.OrderedDict", "collections.UserList"):
    h = names.entities.index(name)
    _, found = model.topk(torch.tensor([h]), torch.tensor([subclass]), k=4, exclude=train)
    marked = [
        names.entities[t] + (" (hidden)" if (h, subclass, t) in hidden else "")
        for t in found[0].tolist()
    ]
    print(name, "->", ", ".join(marked))

# %% [markdown]
# **Answer.** The facts at the top of `topk`. The score is honest if it says how ties are counted,
# which facts were filtered, what counts alone reach, and if a model without finite scores has none.
