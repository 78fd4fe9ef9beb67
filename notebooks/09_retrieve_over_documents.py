# ---
# jupyter:
#   jupytext:
#     formats: py:percent,ipynb
# ---

# %% [markdown]
# # Retrieve over documents
#
# **Question.** Which documents answer this *together*, when only one of them resembles what is
# asked?
#
# A retriever that looks at one document at a time finds what resembles the question. The rest of
# the answer often lies one step on, in a document that shares a name with the first.
# `GraphRetriever` joins documents by the names they share and walks. Nothing is trained, and no
# language model reads the documents.

# %%
from graphlab import viz
from graphlab.datasets import python_stdlib
from graphlab.evaluate import compare_retrieval, retrieval_scores
from graphlab.tag import Document, GraphRetriever

# %% [markdown]
# ## A few sentences first
#
# The question names Curie. The country is in a document that does not.

# %%
small = GraphRetriever().index(
    {
        "curie": "Marie Curie was born in Warsaw.",
        "warsaw": "Warsaw is the capital of Poland.",
        "paris": "Paris is the capital of France.",
        "bananas": "Bananas are rich in potassium.",
    }
)
for hit in small.query("In which country was Curie born?", k=2, explain=True):
    print(f"{hit.id:8} BM25 {hit.lexical:.2f}, walk {hit.walk:.2f}, via {list(hit.via)}")

# %% [markdown]
# ## The standard library
#
# Every module of Python is a document. The question is the first paragraph of a module's
# documentation, which is taken out of the document. What answers it are that module and the modules
# that the rest of its documentation names.

# %%
library = python_stdlib()
known = set(library.name)
documents, questions, answers = [], [], []
for name, text in zip(library.name, library.text, strict=True):
    first, _, rest = text.partition("\n\n")
    documents.append(Document(name, rest.strip() or first, name))
    named = {word.strip("`.,():'\"") for word in rest.split()} & known
    named = {word for word in named if len(word) > 3} - {name}
    if named and rest.strip():
        questions.append(first)
        answers.append(sorted(named | {name}))
retriever = GraphRetriever().index(documents)
print(len(documents), "documents,", len(questions), "questions")
print(retriever.stats())

# %%
question, answer = next(pair for pair in zip(questions, answers, strict=True) if len(pair[1]) > 2)
print(question)
print("answer:", answer)
for hit in retriever.query(question, k=6, explain=True):
    print(f"  {hit.id:22} BM25 {hit.lexical:5.1f}  walk {hit.walk:.3f}  {hit.via[:3]}")

# %% [markdown]
# ## Is it any better than BM25?
#
# BM25 is what every hit carries as `lexical`. The interval of a difference comes from resampling
# the questions: with so few of them, a difference without one says little.

# %%
walk = retriever.query_many(questions, k=20).ids
by_words = []
for text in questions:
    hits = retriever.query(text, k=len(retriever))
    by_words.append([h.id for h in sorted(hits, key=lambda h: (-h.lexical, h.id))[:20]])
scores = {
    "BM25": retrieval_scores(by_words, answers),
    "walk": retrieval_scores(walk, answers),
}
for name, found in scores.items():
    low, high = found["recall@10_interval"]
    print(f"{name:5} recall@10 {found['recall@10']:.2f} ({low:.2f} to {high:.2f})")
difference = compare_retrieval(walk, by_words, answers, k=(10,))["recall@10"]
low, high = difference["interval"]
print(f"walk - BM25: {difference['difference']:+.2f} ({low:+.2f} to {high:+.2f})")

# %%
cuts = [1, 2, 5, 10, 20]
ax = viz.bars(
    [f"first {k}" for k in cuts],
    {name: [found[f"recall@{k}"] for k in cuts] for name, found in scores.items()},
)
ax.set_ylabel("share of the answer found")

# %% [markdown]
# The answers of this data are modules that a text *names*, which is what the walk follows: the
# gain is as large as it gets. On questions that people wrote it is smaller; the page on retrieval
# has the table.
#
# ## Documents come and go
#
# A change is exact: the answers are those of an index built anew, in whatever order documents came.
# With `allow`, a query sees some documents only, as if the others did not exist.

# %%
before = [hit.id for hit in retriever.query("hash functions for passwords", k=3)]
retriever.add([Document("passwords", "How to store passwords: use hashlib.scrypt and secrets.")])
after = [hit.id for hit in retriever.query("hash functions for passwords", k=3)]
retriever.remove(["passwords"])
again = [hit.id for hit in retriever.query("hash functions for passwords", k=3)]
allowed = retriever.query("hash functions for passwords", k=3, allow=["io", "json"])
print(before, after, again == before, [hit.id for hit in allowed], sep="\n")

# %% [markdown]
# **Answer.** Documents that share a name with what resembles the question, and the retriever tells
# which name. It costs no model and no key; an encoder (`GraphRetriever(TextEncoder(...))`) adds
# what other words for the same thing would hide.
