"""Words and meaning of a server's errors, in the forms that servers give them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

__all__: list[str] = []

#: What an error is about: the words of one prompt, the form of the answer, or something unclear in
#: a request; for every call alike, the key, the account, the model, a parameter or the address; or
#: nothing that lasts.
Kind = Literal[
    "item", "form", "unclear", "key", "quota", "model", "parameter", "address", "passing"
]

_WORDS = ("message", "msg", "detail", "error", "errors", "error_description", "title", "reason")
_CODES = ("code", "type", "status", "param")
_TRANSIENT = frozenset({408, 409, 425, 429})  # and everything from 500 on

_STATUS = re.compile(r"[45][0-9]{2}")
_QUOTA = re.compile(
    r"insufficient[_ ](?:user_)?quota|insufficient (?:account )?(?:balance|funds|credits?)"
    r"|credit balance is too low|billing[_ ]hard[_ ]limit|billing[_ ]not[_ ]active|arrearage"
    r"|account (?:is )?(?:deactivated|suspended)|payment required",
    re.IGNORECASE,
)
_MODEL = re.compile(
    r"model_not_found|model_not_available|(?:unknown|invalid|no such|unrecogni[sz]ed) model\b"
    r"|\bmodel\b.{0,120}?(?:(?:was |is |has |been )*not (?:been )?(?:found|exist|available|loaded"
    r"|served)|does(?: not|n't) exist|is unknown|no longer)",
    re.IGNORECASE | re.DOTALL,
)
_PARAMETER = re.compile(
    r"(?:unsupported|unknown|invalid|unrecogni[sz]ed)[_ ](?:request )?"
    r"(?:parameter|argument|value\b)"
    r"|unexpected (?:field|keyword|parameter|argument|propert)|unknown (?:field|name)\b"
    r"|extra[_ ](?:inputs|fields)[^.]{0,20}not (?:permitted|allowed)|extra_forbidden"
    r"|additional propert\w+ (?:are|is) not allowed",
    re.IGNORECASE,
)
_FORM = re.compile(
    r"response_format|json_schema|json_object|json schema|json mode|grammar|guided[_ ]"
    r"|structured[_ ]output",
    re.IGNORECASE,
)
_ITEM = re.compile(
    r"context[_ ](?:length|size|window)|maximum context|exceed_context|too long|too many tokens"
    r"|content[_ ](?:filter|policy|management)|moderat|flagged|safety|responsibleai",
    re.IGNORECASE,
)


def error_words(body: Any) -> str:
    """What a body says about an error, from wherever servers put it; empty if it says nothing."""
    said = list(dict.fromkeys(_said(body, 0)))
    # A part that another one repeats is not said twice.
    return "; ".join(w for w in said if not any(w != other and w in other for other in said))


def _said(value: Any, depth: int) -> Iterator[str]:
    if depth > 4:
        return
    if isinstance(value, str):
        if value.strip():
            yield value.strip()
    elif isinstance(value, list):
        for item in value[:5]:
            yield from _said(item, depth + 1)
    elif isinstance(value, Mapping):
        place = value.get("loc")
        for name in _WORDS:
            for words in _said(value.get(name), depth + 1):
                where = isinstance(place, list) and name == "msg"
                yield f"{'.'.join(map(str, place or ()))}: {words}" if where else words
        # A router passes on what the provider behind it said.
        behind = value.get("metadata")
        if isinstance(behind, Mapping):
            yield from _said(behind.get("raw"), depth + 1)


def error_codes(body: Any) -> dict[str, Any]:
    """Codes of an error by name: ``code``, ``type``, ``status``, ``param``."""
    inner = body.get("error") if isinstance(body, Mapping) else None
    found: dict[str, Any] = {}
    for source in (inner, body):
        if isinstance(source, Mapping):
            for name in _CODES:
                if source.get(name) is not None:
                    found.setdefault(name, source[name])
    return found


def inner_status(body: Any) -> int | None:
    """HTTP status that a body names, where it came under another."""
    codes = error_codes(body)
    for name in ("code", "status"):
        text = str(codes.get(name, ""))
        if _STATUS.fullmatch(text):
            return int(text)
    return None


def error_kind(status: int, body: Any, request: Mapping[str, Any]) -> Kind:
    """What an error is about, so that a lasting one is met once and not once per prompt.

    Args:
        status (int): HTTP status.
        body (Any): Body, parsed if it is JSON.
        request (Mapping): Body of the call.

    Returns:
        str: See :data:`Kind`; ``"passing"`` if another attempt may succeed.
    """
    codes = error_codes(body)
    names = " ".join(str(codes[name]) for name in ("code", "type") if name in codes)
    text = f"{names} {error_words(body) if not isinstance(body, str) else body}"
    param = str(codes.get("param", "")).split(".")[0].split("[")[0]
    if status == 402 or _QUOTA.search(text):
        return "quota"
    refused = 400 <= status < 500 and status not in _TRANSIENT
    if refused and "response_format" in request and (
        param == "response_format" or _FORM.search(text)
    ):  # fmt: skip
        return "form"
    if refused and status not in (401, 404) and _ITEM.search(text):
        return "item"
    if status in (401, 403):
        return "key"
    if 300 <= status < 400:
        return "address"
    if status in (404, 405) or ((refused or status == 200) and _MODEL.search(text)):
        return "model"
    given = param in request and param != "messages"
    if refused and (given or _PARAMETER.search(text)):
        return "parameter"
    return "unclear" if refused or status == 501 else "passing"
