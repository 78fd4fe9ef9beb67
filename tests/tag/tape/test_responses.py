"""Stored completions, one file per node."""

from __future__ import annotations

import json

import pytest

from graphlab.tag import ExplanationPrompt
from graphlab.tag.tape import read_tape_responses
from tests._data import test_data_root
from tests.tag.llm._server import completion


def write(folder, *contents):
    for node, content in enumerate(contents):
        if content is not None:
            (folder / f"{node}.json").write_text(json.dumps(content), encoding="utf-8")


def test_both_forms(tmp_path):
    write(tmp_path, completion("first"), {"generation": {"role": "x", "content": "second"}})
    assert read_tape_responses(tmp_path, 2) == ["first", "second"]
    assert read_tape_responses(str(tmp_path), 1) == ["first"]


def test_missing_files_and_texts(tmp_path):
    write(tmp_path, completion("first"), None, completion(None), completion("  "))
    with pytest.raises(ValueError, match=r"lacks the files of 2 nodes: \[1, 4\]"):
        read_tape_responses(tmp_path, 5)
    assert read_tape_responses(tmp_path, 5, on_missing="empty") == ["first", "", "", "  ", ""]
    write(tmp_path, completion("first"), completion("second"))
    with pytest.raises(ValueError, match=r"has no text for 2 nodes: \[2, 3\]"):
        read_tape_responses(tmp_path, 4)
    with pytest.raises(FileNotFoundError, match="folder must exist"):
        read_tape_responses(tmp_path / "none", 1)
    with pytest.raises(ValueError, match="on_missing must be one of"):
        read_tape_responses(tmp_path, 1, on_missing="skip")


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"choices": []}, "not a chat completion: it lacks"),
        ({}, "lacks 'choices'"),
        ([1], "not a chat completion"),
        ({"generation": {"content": 3}}, "its content is"),
    ],
)
def test_other_files(tmp_path, record, message):
    write(tmp_path, record)
    with pytest.raises(ValueError, match=message):
        read_tape_responses(tmp_path, 1)
    (tmp_path / "0.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="is not valid JSON"):
        read_tape_responses(tmp_path, 1)


def test_real_completions(tmp_path):
    """Six answers of gpt-3.5-turbo about papers of Cora, and the classes it named."""
    root = test_data_root("llm_outputs", "cora_tape")
    papers = json.loads((root / "gpt35_full_responses_6.json").read_text(encoding="utf-8"))
    write(tmp_path, *[paper["llm_response"]["response_1_round"] for paper in papers])
    texts = read_tape_responses(tmp_path, 6)
    classes = json.loads((root / "classes.json").read_text(encoding="utf-8"))
    prompt = ExplanationPrompt(classes)
    named = [[classes[label] for label in prompt.parse(text).labels] for text in texts]
    assert named == [
        ["Reinforcement_Learning"], ["Reinforcement_Learning"], ["Rule_Learning"],
        ["Genetic_Algorithms"], ["Genetic_Algorithms"], ["Genetic_Algorithms"],
    ]  # fmt: skip
