"""Explanations from a real HTTP server on loopback, in every state an answer can be in."""

from __future__ import annotations

import json

import numpy as np
import pytest

from graphlab.tag import ExplanationGenerator, ExplanationPrompt
from graphlab.tag.tape import ExplanationTable
from tests.tag.llm._client import client as quick_client
from tests.tag.llm._server import completion, serving

NAMES = ["Cats", "Dogs"]
PROMPT = ExplanationPrompt(NAMES, k=2)


def client(server, **options):
    return quick_client(server, model="model", **({"attempts": 3} | options))


def asked(body):
    """The text of the node that a call asks about; of a repair, that of its first question."""
    question = next(m["content"] for m in body["messages"] if m["role"] == "user")
    return question.split("\n")[1]


def answering(**answers):
    return lambda number, body: answers[asked(body)]


def structured(labels, explanation):
    return json.dumps({"labels": labels, "explanation": explanation})


def test_every_state_has_a_row(tmp_path):
    plan = answering(
        purr=structured(["Cats", "Dogs"], "It purrs."),
        woof="Dogs, Cats\n\nIt barks.",  # twice not the form, but readable
        moo="Neither.",
        quiet={"body": completion(None)},
        rude={"body": completion(None, refusal="I will not.")},
        broken={"status": 400, "body": "{}"},
        long={"body": completion(structured(["Cats"], "It")[:-4], finish="length")},
    )
    texts = ["purr", "woof", "moo", "quiet", "rude", "broken", "long"]
    with serving(plan) as server, client(server) as c:
        path = tmp_path / "out.jsonl"
        table = ExplanationGenerator(c, PROMPT).run(texts, ids=list("abcdefg"), out=path)
    states = {row.node: (row.status, row.ranked) for row in table}
    assert states == {
        "a": ("ok", (0, 1)),
        "b": ("ok", (1, 0)),
        "c": ("invalid", ()),
        "d": ("empty", ()),
        "e": ("refused", ()),
        "f": ("failed", ()),
        "g": ("ok", (0,)),
    }
    assert table.ranked_predictions().tolist() == [
        [1, 2], [2, 1], [0, 0], [0, 0], [0, 0], [0, 0], [1, 0],
    ]  # fmt: skip
    assert table[0].explanation == "It purrs."
    assert (table[0].prompt_tokens, table[0].completion_tokens) == (10, 5)
    assert table[5].error
    assert table.counts() == {"ok": 3, "invalid": 1, "empty": 1, "refused": 1, "failed": 1}
    assert ExplanationTable.read(path) == table
    filled = table.texts(fallback=texts)
    assert filled[0] == "Cats, Dogs\n\nIt purrs."
    assert filled[1] == "Dogs, Cats\n\nIt barks."
    assert filled[3] == "quiet"
    with pytest.raises(ValueError, match=r"nodes have no answer: \['d'.*give fallback texts"):
        table.texts()
    with pytest.raises(ValueError, match="fallback must have 7 texts, got 1"):
        table.texts(["x"])


def test_free_text_as_the_authors_ask():
    with serving(answering(purr="Cats. It is no dog.", moo="Neither.")) as server:
        with client(server) as c:
            table = ExplanationGenerator(c, PROMPT, structured=False).run(["purr", "moo"])
        assert all("response_format" not in body for body in server.bodies)
    assert [(row.node, row.status, row.ranked) for row in table] == [
        (0, "ok", (0,)),
        (1, "empty", ()),
    ]
    assert table.texts() == ["Cats. It is no dog.", "Neither."]


def test_classes_are_an_enumeration_and_equal_texts_one_call():
    with serving(answering(purr=structured(["Cats"], "x"))) as server, client(server) as c:
        generator = ExplanationGenerator(c, PROMPT)
        assert generator.estimate(["purr", "purr"]).calls == 1
        assert len(generator.run(["purr", "purr"])) == 2
        assert server.calls == 1
        text = json.dumps(server.bodies[0]["response_format"])
    assert '"enum": ["Cats", "Dogs"]' in text
    assert '"maxItems": 2' in text


def test_a_second_run_asks_nothing(tmp_path):
    with serving(answering(purr=structured(["Cats"], "x"))) as server:
        tables = []
        for _ in range(2):
            with client(server, cache=tmp_path / "cache.db") as c:
                tables.append(ExplanationGenerator(c, PROMPT).run(["purr"]))
        assert server.calls == 1
    assert tables[0].rows[0].ranked == tables[1].rows[0].ranked == (0,)


def test_malformed_texts_are_listed_before_a_call():
    with serving() as server, client(server) as c:
        generator = ExplanationGenerator(c, PROMPT)
        with pytest.raises(ValueError, match=r"those of 2 nodes are: \['y', 'z'\]"):
            generator.run(["a", None, " "], ids=["x", "y", "z"])
        with pytest.raises(ValueError, match=r"those of 1 nodes are: \[1\]"):
            generator.run(["a", ""])
        with pytest.raises(TypeError, match=r"those of nodes \[0\] are not"):
            generator.run([3])
        with pytest.raises(TypeError, match="got one text"):
            generator.run("text")
        with pytest.raises(ValueError, match="ids must have 1 entries, got 2"):
            generator.run(["a"], ids=[1, 2])
        assert server.calls == 0


def test_ids_that_a_file_cannot_hold(tmp_path):
    with serving(answering(purr=structured(["Cats"], "x"))) as server, client(server) as c:
        table = ExplanationGenerator(c, PROMPT).run(["purr"], ids=[("a", 1)])
    with pytest.raises(TypeError, match=r"strings or numbers to be written, got \('a', 1\)"):
        table.write(tmp_path / "out.jsonl")
    assert not list(tmp_path.iterdir())


def test_other_files_are_no_tables(tmp_path):
    path = tmp_path / "table.jsonl"
    for content in ("", "{}\n", '{"classes": ["A"], "k": 1}\n{"node": 1}\n', "nonsense"):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(ValueError, match="is not a table of explanations"):
            ExplanationTable.read(path)


def test_tables_whose_fields_are_something_else_are_told(tmp_path):
    path, whole = tmp_path / "table.jsonl", {"classes": ["A", "B"], "k": 1}
    row = {"node": 0, "ranked": [1], "status": "ok", "explanation": "e", "raw": "r", "error": "",
           "prompt_tokens": 1, "completion_tokens": 1}  # fmt: skip

    def read(head, line):
        path.write_text(f"{json.dumps(head)}\n{json.dumps(line)}\n", encoding="utf-8")
        return ExplanationTable.read(path)

    assert read(whole, row)[0].ranked == (1,)
    for head, line, words in (
        ({"classes": "AB"}, {}, "classes must be a list of names"),
        ({"classes": []}, {}, "classes must hold at least one name"),
        ({"k": 0}, {}, "k must be a positive integer, got 0"),
        ({"k": True}, {}, "k must be a positive integer, got True"),
        ({}, {"node": [0]}, r"node must be a name or number, got \[0\]"),
        ({}, {"status": None}, "status must be str, got None"),
        ({}, {"prompt_tokens": 1.5}, "prompt_tokens must be int, got 1.5"),
        ({}, {"ranked": [2]}, "ranked must hold numbers of 2 classes, got 2"),
    ):
        with pytest.raises(ValueError, match=f"{path} is not a table of explanations: {words}"):
            read(whole | head, row | line)


def test_a_client_without_estimates_gives_none():
    class Silent:
        def complete_many(self, prompts):
            return []

    with pytest.raises(TypeError, match="Silent has no method estimate"):
        ExplanationGenerator(Silent(), PROMPT).estimate(["a"])


def test_numbers_out_of_arrays_name_nodes(tmp_path):
    path, said = tmp_path / "out.jsonl", structured(["Cats"], "cut \ud83d")
    with serving(lambda number, body: said) as server, client(server) as c:
        table = ExplanationGenerator(c, PROMPT).run(["a", "b"], ids=np.array([5, 7]), out=path)
    assert [row.node for row in table] == [5, 7]
    assert ExplanationTable.read(path) == table
    assert table[0].explanation == "cut \ufffd"


def test_ids_that_cannot_be_written_are_refused_before_anything_is_asked(tmp_path):
    with serving() as server, client(server) as c:
        generator = ExplanationGenerator(c, PROMPT)
        with pytest.raises(TypeError, match="must be strings or numbers"):
            generator.run(["a"], ids=[(1, 2)], out=tmp_path / "out.jsonl")
    assert server.calls == 0


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"n1": "text"}, "texts must be a list, got dict"),
        ({"text"}, "texts must be a list, got set"),
        ("text", "texts must be a list of texts, got one text"),
        (5, "texts must be a list of texts, got int"),
    ],
)
def test_what_is_no_list_of_texts_is_not_asked_about(texts, words):
    class Client:
        def complete_many(self, prompts, *, schema=None):
            raise AssertionError(prompts)

        estimate = complete_many

    generator = ExplanationGenerator(Client(), PROMPT)
    for ask in (generator.run, generator.estimate):
        with pytest.raises(TypeError, match=words):
            ask(texts)
    with pytest.raises(TypeError, match="ids must be a list of names, got str"):
        generator.run(["a cat", "a dog"], ids="ab")
