# ---
# jupyter:
#   jupytext:
#     formats: py:percent,ipynb
# ---

# %% [markdown]
# # Embed a million nodes
#
# **Question.** There are a million nodes, five million edges and one CPU core. How long does an
# embedding take, how much memory, and is it any good?
#
# FastRP averages a very sparse random matrix over the neighbourhoods, four times, and adds the
# results. Nothing is trained. What it needs is a few passes over the edges.

# %%
import resource
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import coo_array
from sklearn.metrics import roc_auc_score

from graphlab import viz
from graphlab.embed import FastRP

torch.set_num_threads(1)


def memory():
    """Return the most memory that this process has used so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


@contextmanager
def measured(what):
    """Print how long a block takes, and the most memory used so far."""
    start = time.perf_counter()
    yield
    print(f"{what}: {time.perf_counter() - start:.1f} s, at most {memory():.1f} GB in all so far")


# %% [markdown]
# ## A graph that knows the answer
#
# A million people live in ten thousand villages. Everyone picks five friends: half of the picks
# are from the same village, the other half anybody in the country. The village is what the
# embedding should show. It is never told.

# %%
PICKS, VILLAGE = 5, 100


def country(people, seed):
    """Return the village of everyone, and all friendships in both directions."""
    draw = torch.Generator().manual_seed(seed)
    village = torch.randperm(people, generator=draw) // VILLAGE
    order = village.argsort()  # the people of a village, one after the other
    person = torch.arange(people).repeat_interleave(PICKS)
    place = torch.randint(VILLAGE, person.shape, generator=draw)
    villager = order[village[person] * VILLAGE + place]
    anybody = torch.randint(people, person.shape, generator=draw)
    friend = torch.where(torch.rand(person.numel(), generator=draw) < 0.5, villager, anybody)
    pairs = torch.stack([person, friend])[:, person != friend]
    return village, torch.cat([pairs, pairs.flip(0)], dim=1)


N = 1_000_000
village, edge_index = country(N, seed=0)
print(f"{N:,} nodes, {edge_index.size(1) // 2:,} edges, {memory():.1f} GB before we begin")

# %% [markdown]
# ## Embed it

# %%
model = FastRP(dim=32, seed=0)
with measured("read the graph"):
    model.fit(edge_index, num_nodes=N)
with measured("embed it"):
    z = model.transform()
print(tuple(z.shape), z.dtype)

# %% [markdown]
# ## Is it any good?
#
# Take twenty thousand pairs of people from one village and as many from anywhere. Leave out those
# who are friends: that is no secret. Which pairs are villagers? We rank them by the cosine of
# their rows. AUC is the chance that a pair of villagers is ranked above a pair of strangers;
# guessing has 0.5. A number needs a neighbour, so the oldest method there is stands beside it:
# count the friends that both have.

# %%
draw = torch.Generator().manual_seed(1)
order = village.argsort()
one = torch.randint(N, (40_000,), generator=draw)
place = torch.randint(VILLAGE, (20_000,), generator=draw)
other = torch.cat(
    [order[village[one[:20_000]] * VILLAGE + place], torch.randint(N, (20_000,), generator=draw)]
)
acquainted = torch.isin(one * N + other, edge_index[0] * N + edge_index[1])
secret = ~acquainted & (one != other)
one, other = one[secret], other[secret]

ones = np.ones(edge_index.size(1), dtype=np.float32)
friends = coo_array((ones, edge_index.numpy()), shape=(N, N)).tocsr()
common = friends[one.tolist()].multiply(friends[other.tolist()]).sum(axis=1)
cosine = torch.cosine_similarity(z[one], z[other])
truth = village[one] == village[other]
auc = {
    "guessing": 0.5,
    "common friends": roc_auc_score(truth, common),
    "FastRP": roc_auc_score(truth, cosine),
}
ax = viz.bars(list(auc), {"AUC": list(auc.values())}, value_format=".2f")
_ = ax.set_ylabel("AUC: villagers before strangers")

# %% [markdown]
# Many villagers have no friend in common, and counting says nothing about these. The embedding
# looks further. That is what you buy with it; where neighbours nearly always have friends in
# common, count them first, it may be all you need.
#
# The people of eight villages (t-SNE: distances between far groups mean nothing):

# %%
some = torch.cat([(village == v).nonzero()[:, 0] for v in range(8)])
names = [f"village {v}" for v in village[some].tolist()]
ax = viz.embedding_map(z[some], names, method="tsne", seed=0)

# %% [markdown]
# ## Less memory than the result takes
#
# Every entry of the random matrix is a function of the seed, the node and the column. So the
# columns can be made in parts, and the parts are those of the whole, bit for bit. `panel`
# computes 16 columns at a time, and `out` puts the result into a file that is mapped into memory.

# %%
folder = tempfile.TemporaryDirectory()
path = Path(folder.name, "z.npy")
with measured("sixteen columns at a time, into a file"):
    mapped = model.transform(panel=16, out=path)
print(f"the file has {path.stat().st_size / 2**20:.0f} MB")
print("same bits:", torch.equal(torch.from_numpy(np.load(path)), z))

# %% [markdown]
# It takes longer, because rows are normalised by the length of *whole* rows: every panel is
# computed once for the lengths and once for the result. `columns(lo, hi)` gives some columns
# alone, for a scheduler of your own, and `distributed=True` shares them among processes.
#
# ## Somebody moves in
#
# A node that comes later needs no new run. Leave room: nodes without edges have zero rows. When
# the newcomer makes friends, `update` computes the rows that the new edges reach, and no others.
# We do it in a smaller country with wider rows, and check it against a run from the beginning.

# %%
M = 100_000
small_village, small = country(M, seed=1)
newcomer = M
model = FastRP(dim=128, seed=0)
before = model.fit_transform(small, num_nodes=M + 1)
print(f"before: the row has length {float(before[newcomer].norm()):.1f}")

hosts = (small_village == 7).nonzero()[:5, 0]
new = torch.stack([torch.full((5,), newcomer), hosts])
new = torch.cat([new, new.flip(0)], dim=1)
with measured("update"):
    after = model.update(new)
with measured("a run from the beginning"):
    again = FastRP(dim=128, seed=0).fit_transform(torch.cat([small, new], dim=1), num_nodes=M + 1)
print("equal:", torch.allclose(after, again, atol=1e-5))
print(f"rows that changed: {int((after != before).any(1).sum()):,} of {M + 1:,}")

# %% [markdown]
# Here `update` saves nothing: with ten friends each it is a small world, and after four steps the
# news of the newcomer is everywhere. It pays where four steps stay local, as on roads and meshes.
#
# All five friends live in village 7. Does the newcomer's row say so? Here is where the ten
# nearest people live when these five are left out:

# %%
cosine = torch.cosine_similarity(after[newcomer], after[:M])
cosine[hosts] = -1
print("villages of the nearest:", small_village[cosine.topk(10).indices].tolist())

# %% [markdown]
# ## Read on
#
# * [FastRP](../docs/fastrp.md): the method, how to choose weights without looking at test nodes,
#   scores on real graphs, and speed and memory beside other libraries.
# * `FastRP(...).propagate()` returns the four averages by themselves: try many weights with
#   `merge`, and pay for one propagation.
# * `node_id=` gives nodes names, so that they keep their random rows when the graph is
#   renumbered.

# %%
folder.cleanup()
