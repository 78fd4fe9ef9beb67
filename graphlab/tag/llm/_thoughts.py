"""Thoughts of a reasoning model, which are no part of its answer."""

from __future__ import annotations

import json
import re

__all__: list[str] = []

# How models mark them: DeepSeek, Qwen and most others with tags; Magistral, Kimi, Command, Gemma.
_NAMES = "think|thinking|thought|thoughts|reasoning|reflection|scratchpad"
_OPEN = (
    rf"<(?:seed:)?(?:{_NAMES})(?:\s[^<>]{{0,80}})?>",
    r"\[THINK\]",
    "\u25c1think\u25b7",
    r"<\|START_THINKING\|>",
    r"<\|begin_of_thought\|>",
    r"<\|channel>thought",
)
_CLOSE = (
    rf"</(?:seed:)?(?:{_NAMES})\s*>",
    r"\[/THINK\]",
    "\u25c1/think\u25b7",
    r"<\|END_THINKING\|>",
    r"<\|end_of_thought\|>",
    r"<channel\|>",
)
_MARK = re.compile(f"(?P<open>{'|'.join(_OPEN)})|(?P<close>{'|'.join(_CLOSE)})", re.IGNORECASE)
# The harmony format: every part names its channel, and only the final one is for the user.
_FINAL = re.compile(r"<\|channel\|>\s*final\b[^<]*<\|message\|>")
_CHANNEL = re.compile(r"<\|channel\|>\s*(?:analysis|commentary)\b")
_END = re.compile(r"<\|(?:return|end|call)\|>.*\Z", re.DOTALL)
_WRAPPED = re.compile(
    r"\s*(?:<(answer|response)>(.*)</\1>|<\|START_RESPONSE\|>(.*)<\|END_RESPONSE\|>)\s*\Z",
    re.DOTALL | re.IGNORECASE,
)
_NEAR = 200  # characters before a mark that mostly tell whether it begins its line
_BLANK = re.compile(r"\s*")
_FENCE = re.compile(r"\s*```[a-zA-Z]*\s*")


def split_thoughts(text: str) -> tuple[str, str]:
    """Answer and thoughts of what a model wrote.

    Thoughts are what stands between an opening and a closing mark; what stands before a closing
    mark alone (chat templates write the opening one themselves); and what follows an opening mark
    at the beginning of a line that is never closed. Marks inside a JSON answer are data.

    Args:
        text (str): Words of a model.

    Returns:
        tuple[str, str]: Answer, unchanged where there are no thoughts, and thoughts.
    """
    final = list(_FINAL.finditer(text))
    if final:
        return _END.sub("", text[final[-1].end() :]), text[: final[-1].start()].strip()
    if _CHANNEL.search(text):
        return "", text.strip()
    if _MARK.search(text) is None:
        return text, ""
    answer, thoughts = _cut(text)
    wrapped = _WRAPPED.match(answer)
    if wrapped:
        answer = wrapped[2] or wrapped[3] or ""
    return answer.strip(), "\n".join(part for part in map(str.strip, thoughts) if part)


def without_thoughts(text: str) -> str:
    """The answer in what a model wrote."""
    return split_thoughts(text)[0]


def _cut(text: str) -> tuple[str, list[str]]:
    kept: list[str] = []
    thoughts: list[str] = []
    position = depth = opened = 0
    # Whether all that is kept is blank. It is followed along, as a reply may hold a hundred
    # thousand marks, and reading what is kept again at each of them takes quadratic time.
    blank = True
    last = max((mark.start() for mark in _MARK.finditer(text) if mark["close"]), default=-1)
    while True:
        if depth == 0 and blank:
            data = _data_end(text, position)
            if data > position:
                kept.append(text[position:data])
                position, blank = data, False
        mark = _MARK.search(text, position if depth == 0 else max(position, opened))
        if mark is None:
            break
        if mark["open"]:
            if depth == 0:
                if last < mark.end() and not _begins_line(text, mark.start()):
                    # The mark stands within a sentence, which is about it.
                    kept.append(text[position : mark.end()])
                    position, blank = mark.end(), False
                    continue
                kept.append(text[position : mark.start()])
                position, blank = mark.end(), blank and not kept[-1].strip()
            depth += 1
            opened = mark.end()
        elif depth > 0:
            depth -= 1
            opened = mark.end()
            if depth == 0:
                thoughts.append(text[position : mark.start()])
                position = mark.end()
        else:
            thoughts.append("".join(kept) + text[position : mark.start()])
            kept, position, blank = [], mark.end(), True
    (thoughts if depth else kept).append(text[position:])
    return "".join(kept), thoughts


def _begins_line(text: str, position: int) -> bool:
    near = text[max(0, position - _NEAR) : position].rpartition("\n")
    if near[2].strip():
        return False
    if near[1]:
        return True
    return not text[text.rfind("\n", 0, position) + 1 : position].strip()


def _data_end(text: str, position: int) -> int:
    """End of the JSON value that begins here, maybe within a code fence; else the position."""
    fence = _FENCE.match(text, position)
    blank = _BLANK.match(text, position)
    start = fence.end() if fence else blank.end() if blank else position
    if text[start : start + 1] not in ("{", "["):
        return position
    try:
        return json.JSONDecoder().raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return position
