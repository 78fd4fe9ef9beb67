"""Formulas as MathML, made when the site is built: they are readable offline and without scripts.

docutils does the translation. It is stricter than TeX; what authors write all the same is spelt out
for it first, and a formula that it cannot read is a warning with its place.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

_SPACE = '<mspace width="0.17em"></mspace>'
_APPLY = "<mo>(?:&ApplyFunction;|\u2061)</mo>"
_SPELT_OUT = (
    (r"\\dots(?![a-z])|\.\.\.", r"\\ldots "),
    (r"\\textstyle(?![a-z])", ""),  # makes a sum small, which changes no meaning
    (r"\\(big|Big|bigg|Bigg)(?=\s*[(\[])", r"\\\1l"),
    (r"\\(big|Big|bigg|Bigg)(?=\s*[)\]])", r"\\\1r"),
    (r"(\\text\{[^{}]*)\\_", r"\1_"),
    (":=", r"\\coloneqq "),
    # An index goes beside an accented letter, not below it: the empty group keeps docutils from
    # taking the two for one.
    (r"\\(bar|hat|tilde|overline|underline) ?(\w)(?=[_^])", r"{\\\1{\2}{}}"),
)
# Browsers put no space around the name of a function, stretch angles to the height of the whole
# line, and take bars for signs between two operands.
_MENDED = (
    (rf"(</m(?:i|n|sub|sup|subsup|frac)>\s*)(<mi[^>]*>\w\w+</mi>\s*{_APPLY})", rf"\1{_SPACE}\2"),
    (rf"{_APPLY}(?=\s*<(?:mi|mn|ms|mfrac)\w*[ >])", _SPACE),
    (rf"{_APPLY}\s*", ""),
    (
        r"<mo(?: stretchy=\"false\")?>([\u27e8\u27e9\u230a\u230b])</mo>",
        r'<mo stretchy="false">\1</mo>',
    ),
    (r"<mo[^>]*>([|\u2016\u2225])</mo>", r'<mo stretchy="false" lspace="0" rspace="0">\1</mo>'),
)


def mathml(tex: str, display: bool = False) -> str:
    """Translate a formula.

    Args:
        tex (str): LaTeX of the formula, without dollars.
        display (bool): Whether it stands on lines of its own.

    Returns:
        str: A ``<math>`` element.

    Raises:
        MathError: If a command is unknown.
    """
    for pattern, text in _SPELT_OUT:
        tex = re.sub(pattern, text, tex)
    found = str(tex2mathml(" ".join(tex.split()), as_block=display))
    for pattern, text in _MENDED:
        found = re.sub(pattern, text, found)
    return found


def _write(writer: Any, node: nodes.Element, display: bool) -> None:
    tex = node.astext()
    try:
        found = mathml(tex, display)
    except MathError as error:
        logging.getLogger(__name__).warning("formula %r: %s", tex, error, location=node)
        found = f"<code>{writer.encode(tex)}</code>"
    tag = "div" if display else "span"
    writer.body.append(f"{writer.starttag(node, tag, '', CLASS='math')}{found}</{tag}>")
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Register the renderer; ``html_math_renderer = "mathml"`` chooses it."""
    app.add_html_math_renderer(
        "mathml",
        inline_renderers=(lambda writer, node: _write(writer, node, False), None),
        block_renderers=(lambda writer, node: _write(writer, node, True), None),
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
