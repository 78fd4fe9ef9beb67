"""Texts of users inside prompts, so that they stay data whatever they say."""

from __future__ import annotations

import re

from graphlab.tag._unicode import sha256

__all__: list[str] = []

# Marks of chat templates. Servers turn them into control tokens also where they stand in a text,
# which would end the message of the user and begin another.
_CONTROL = re.compile(
    r"<\|[^<>\s]{1,64}>|<[^<>\s|]{1,64}\|>|<\uff5c[^<>]{1,64}\uff5c>"
    r"|</?(?:s|bos|eos|pad|unk|think|start_of_turn|end_of_turn|start_of_image)>|<</?SYS>>"
    r"|\[/?(?:INST|THINK|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|IMG)\]"
    "|\u25c1/?think\u25b7",
    re.IGNORECASE,
)


def break_marks(text: str) -> str:
    """Text whose marks of chat templates are broken by a space; any other text is unchanged."""
    return _CONTROL.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)


def fence_name(content: str, prefix: str, digits: int = 16) -> str:
    """Name of the lines around a content, which the content does not hold."""
    name = f"{prefix}-{sha256(content)[:digits]}"
    while name in content:
        name = f"{prefix}-{sha256(name + content)[:digits]}"
    return name


def fenced(content: str, prefix: str = "data") -> str:
    """Content between two lines that it cannot close."""
    fence = fence_name(content, prefix)
    return f"<{fence}>\n{content}\n</{fence}>"
