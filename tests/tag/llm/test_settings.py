"""Settings of a client: their checks, and the arguments that they replace."""

from __future__ import annotations

import pytest

from graphlab.tag import Limits, LLMClient, Price, Retry


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (Retry, "attempts", 0),
        (Retry, "timeout", 0),
        (Retry, "backoff", -1.0),
        (Retry, "max_backoff", float("nan")),
        (Retry, "repairs", -1),
        (Limits, "concurrency", 0),
        (Limits, "requests_per_minute", 0),
        (Limits, "tokens_per_minute", -5.0),
        (Limits, "budget", -0.01),
    ],
)
def test_bad_settings_name_their_field(kind, name, value):
    with pytest.raises(ValueError, match=name):
        kind(**{name: value})


@pytest.mark.parametrize(
    ("old", "value", "argument", "field"),
    [
        ("max_attempts", 3, "retry", "attempts"),
        ("timeout", 5.0, "retry", "timeout"),
        ("backoff", 0.25, "retry", "backoff"),
        ("max_backoff", 7.0, "retry", "max_backoff"),
        ("max_repairs", 0, "retry", "repairs"),
        ("concurrency", 2, "limits", "concurrency"),
        ("requests_per_minute", 60.0, "limits", "requests_per_minute"),
        ("tokens_per_minute", 900.0, "limits", "tokens_per_minute"),
        ("budget", 1.5, "limits", "budget"),
    ],
)
def test_old_arguments_work_and_name_the_new_form(old, value, argument, field):
    kind = {"retry": Retry, "limits": Limits}[argument]
    form = rf"LLMClient\({old}=...\) is LLMClient\({argument}={kind.__name__}\({field}=...\)\) now"
    money = {"price": Price(1.0, 1.0), "max_tokens": 5}
    with pytest.warns(FutureWarning, match=form) as caught:
        client = LLMClient("m", **money, **{old: value})
    assert caught[0].filename == __file__
    assert getattr(client, argument) == kind(**{field: value})
    client.close()


def test_old_arguments_change_their_field_alone():
    with pytest.warns(FutureWarning, match="concurrency"):
        client = LLMClient("m", limits=Limits(requests_per_minute=60.0), concurrency=2)
    assert client.limits == Limits(concurrency=2, requests_per_minute=60.0)
    client.close()


def test_unknown_arguments_are_refused():
    with pytest.raises(TypeError, match="unexpected keyword argument 'retries'"):
        LLMClient("m", retries=3)


@pytest.mark.parametrize(("name", "value"), [("retry", 3), ("limits", {"budget": 1.0})])
def test_settings_of_another_kind_are_refused(name, value):
    with pytest.raises(TypeError, match=f"{name} must be a {name.capitalize()}, got"):
        LLMClient("model", **{name: value})
