"""The question, and reading ranked classes out of what models answer."""

from __future__ import annotations

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlab.tag import ExplanationPrompt

CORA = [
    "Case_Based",
    "Genetic_Algorithms",
    "Neural_Networks",
    "Probabilistic_Methods",
    "Reinforcement_Learning",
    "Rule_Learning",
    "Theory",
]
PROMPT = ExplanationPrompt(CORA, k=3)


@pytest.mark.parametrize(
    ("reply", "labels"),
    [
        # the list, then reasons that name other classes
        ("Theory, Rule Learning\n\nThe paper extends neural networks.", (6, 5)),
        ("Theory, Rule Learning. It is not about neural networks.", (6, 5)),
        ("Neural Networks. Genetic algorithms are only mentioned.", (2,)),
        # spellings
        ("case-based; RULE_LEARNING and theory", (0, 5, 6)),
        ("Casebased", (0,)),
        ("neural network / genetic algorithm", (2, 1)),
        ("**Neural Networks**, _Theory_", (2, 6)),
        ("(1) Theory (2) Neural Networks", (6, 2)),
        ("Theory (70%), Neural Networks (30%)", (6, 2)),
        ("Theory 0.7, Neural Networks 0.3", (6, 2)),
        ("Theory (formal analysis), Neural Networks (a model)", (6, 2)),
        # lists over lines
        ("1. Theory\n2. Neural Networks\n3. Rule Learning", (6, 2, 5)),
        ("1. Theory: proofs about neural networks\n2) Rule Learning - rules", (6, 5)),
        ("- **Theory** (most likely)\n- **Case Based**\n\nReasons: genetic algorithms", (6, 0)),
        ("Theory\nNeural Networks\nRule Learning", (6, 2, 5)),
        ("Theory\nNeural networks are not used here.", (6,)),
        ("Theory, Case Based\nNeural Networks", (6, 0)),
        ("Theory\n\nReasons:\n- Neural networks are absent\n- Rule learning is absent", (6,)),
        ("It is about neural networks.\n1. Theory\n2. Rule Learning", (6, 5)),
        # words before the list
        ("The most likely categories are: Neural Networks, Theory.", (2, 6)),
        ("It evolves neural networks.\n\nAnswer: Genetic Algorithms, Neural Networks", (1, 2)),
        ("Label(s): Theory", (6,)),
        ("Answer: it is no Theory. Label: Rule Learning", (5,)),
        ("Two of them fit:\n- first, Case Based\n- Theory\n- Rule Learning\n- none else", (6, 5)),
        # repeats and more than k
        ("Theory, Theory, Neural Networks", (6, 2)),
        ("Theory, Case Based, Rule Learning, Neural Networks", (6, 0, 5)),
        # structured
        ('{"labels": ["Theory", "Case_Based"], "explanation": "e"}', (6, 0)),
        ('Sure!\n```json\n{"labels": ["neural network"], "explanation": "theory"}\n```', (2,)),
        ('{"labels": "Theory, Rule Learning", "explanation": "e"}', (6, 5)),
        ('{"labels": ["Biology", "Theory"], "explanation": "e"}', (6,)),
        ('{"labels": [], "explanation": "Theory"}', ()),
        ('{"thought": "Case_Based"} {"labels": ["Theory"], "explanation": "e"}', (6,)),
        ('{"labels": ["Theory", "Rule', (6,)),
        # nothing
        ("Biology", ()),
        ("I cannot answer that.", ()),
        ("", ()),
    ],
)
def test_replies(reply, labels):
    found = PROMPT.parse(reply)
    assert found.labels == labels
    assert found.status == ("ok" if labels else "empty")


def test_the_longest_name_wins_and_aliases_count():
    names = ["Learning", "Machine Learning", "Deep Machine Learning"]
    prompt = ExplanationPrompt(names, aliases={"Machine Learning": ["cs.LG", "ML"]})
    assert prompt.parse("deep machine learning, machine learning, learning").labels == (2, 1, 0)
    assert prompt.parse("cs.LG").labels == (1,)
    assert prompt.parse("cs-lg, Learning").labels == (1, 0)
    assert "cs.LG" not in prompt.render("text")[1]["content"]


def test_explanation_is_the_text_or_its_part():
    assert PROMPT.parse("Theory.\nBecause.").explanation == "Theory.\nBecause."
    assert PROMPT.parse('{"labels": ["Theory"], "explanation": " e "}').explanation == "e"


@given(st.lists(st.sampled_from(range(7)), min_size=1, max_size=7, unique=True))
def test_a_plain_list_is_read_back(labels):
    text = ", ".join(CORA[label].replace("_", " ") for label in labels)
    found = ExplanationPrompt(CORA, k=7).parse(f"{text}\n\nIt mentions Theory and Case Based.")
    assert found.labels == tuple(labels)


@given(st.text(max_size=200))
def test_no_text_is_an_error(text):
    labels = PROMPT.parse(text).labels
    assert len(labels) <= 3 == PROMPT.k
    assert len(set(labels)) == len(labels)


def test_render():
    system, user = PROMPT.render("  A paper.  ")
    assert [system["role"], user["role"]] == ["system", "user"]
    content = user["content"]
    assert "\nA paper.\n" in content
    assert content.index("A paper.") < content.index("Task:")  # the text comes first
    assert "- Case_Based\n- Genetic_Algorithms" in content
    assert "at most 3 classes" in content
    # A fence that depends on the text cannot be closed by it.
    fences = {PROMPT.render(text)[1]["content"].split("\n")[0] for text in ("a", "b")}
    assert len(fences) == 2


def test_render_leaves_braces_alone():
    template = 'T={text} K={k} {"json": 1} {classes}{task}{fence}'
    prompt = ExplanationPrompt(["A b", "C d"], 5, template, task="Choose!")
    content = prompt.render("{k} {classes}")[1]["content"]
    assert content.startswith('T={k} {classes} K=2 {"json": 1} - A b\n- C dChoose!document-')


def test_long_texts_are_cut():
    prompt = ExplanationPrompt(CORA, max_chars=10, descriptions={"Theory": "proofs"})
    content = prompt.render("x" * 100)[1]["content"]
    assert content.count("x" * 10) == 1
    assert "- Theory: proofs" in content


def test_schema():
    form = PROMPT.schema()
    assert form(labels=["Theory"], explanation="e").labels == ["Theory"]
    bad = (["Biology"], [], ["Theory", "Case_Based", "Rule_Learning", "Neural_Networks"])
    for labels in bad:
        with pytest.raises(pydantic.ValidationError):
            form(labels=labels, explanation="e")


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((["one"],), {}, "classes must be at least two names"),
        (("one two",), {}, "classes must be at least two names"),
        ((["A b", "a-B"],), {}, "two classes are called 'a-B'"),
        ((["A", "--"],), {}, "classes must have names with words, got '--'"),
        ((["A", "B"], 0), {}, "k must be at least 1"),
        ((["A", "B"], 1, "no place"), {}, r"template must contain \{text\}"),
        ((["A", "B"],), {"aliases": {"C": ["c"]}}, r"aliases must be of classes, but \['C'\]"),
        ((["A", "B"],), {"descriptions": {"C": "c"}}, "descriptions must be of classes"),
        ((["A", "B"],), {"aliases": {"A": ["b"]}}, "two classes are called"),
    ],
)
def test_malformed_prompts(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        ExplanationPrompt(*arguments, **options)


def test_malformed_texts():
    with pytest.raises(ValueError, match="text must not be empty"):
        PROMPT.render("  ")
    with pytest.raises(TypeError, match="text must be a string, got NoneType"):
        PROMPT.render(None)


def test_marks_in_names_and_descriptions_stay_as_they_are():
    about = {"Cats": "the set {k} of {text}, {fence}"}
    prompt = ExplanationPrompt(["Cats", "Dogs"], descriptions=about, task="Sort {text}.")
    body = prompt.render("PURR")[1]["content"]
    assert body.count("PURR") == 1
    assert "- Cats: the set {k} of {text}, {fence}" in body
    assert "Task: Sort {text}." in body


def test_half_a_character_can_be_asked_about():
    assert "cut \ud83d" in PROMPT.render("cut \ud83d")[1]["content"]


@pytest.mark.parametrize("order", [(0, 0), (0,), (0, 2), (0, 1, 1)])
def test_an_order_that_is_no_permutation_is_refused(order):
    with pytest.raises(ValueError, match="order must hold each of 2 classes once, got"):
        ExplanationPrompt(["A", "B"]).render("text", order)
