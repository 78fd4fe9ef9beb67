"""The same model behind the server of transformers, which ignores the form of answers."""

from __future__ import annotations

import pytest

from graphlab.tag import ExplanationPrompt, Limits, LLMClient, Retry
from graphlab.tag.llm import LLMError
from graphlab.tag.tape import score_classes
from tests.tag.llm.real import _pipelines as pipelines
from tests.tag.llm.real._servers import transformers_serve

pytest.importorskip("openai", reason="needs the extra tag")
pytestmark = pytest.mark.slow

# ruff: noqa: SIM117


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with transformers_serve(tmp_path_factory.mktemp("weights")) as found:
        yield found


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache") / "c.db"


@pytest.fixture
def client(server, cache):
    url, model = server
    settings = {"retry": Retry(timeout=600.0), "limits": Limits(concurrency=1)}
    with LLMClient(model, base_url=url, max_tokens=40, cache=cache, **settings) as made:
        yield made


def test_explanations_after_the_format_has_stepped_down(client):
    with pytest.warns(RuntimeWarning, match="ignored it in"):
        table = pipelines.explanations(client)
    assert client.reply_format != "json_schema"
    assert sum(bool(row.ranked) for row in table) >= 3  # read out of words


def test_views(client):
    pipelines.views(client, 2)


def test_votes(client, recwarn):
    assert len(pipelines.votes(client, 3)) > 0


def test_summaries(client, recwarn):
    assert len(pipelines.summaries(client, 2)) == 2


def test_probabilities_are_not_told(client):
    prompt = ExplanationPrompt(pipelines.CLASSES, k=1)
    with pytest.raises(LLMError, match="tells no log-probabilities"):
        score_classes(client, prompt, pipelines.TEXTS[:2])


def test_a_refused_parameter_is_met_once(server):
    url, model = server
    with LLMClient(model, base_url=url, parameters={"bogus": 1}) as client:
        with pytest.raises(LLMError, match="Unexpected fields.*take it out of parameters"):
            client.complete_many(["a", "b", "c"])
