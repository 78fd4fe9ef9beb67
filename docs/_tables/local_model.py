"""Figures of a small language model on this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from _tables.common import ROOT, markdown, present, read
from _tables.tape import SMALL

FILES = ("local_model", "local_model_tape", "local_model_votes", "local_model_summaries")


def measured() -> list[dict[str, Any]]:
    """Measured rows, of all parts or of those that were run alone; none before the first run."""
    paths = [f"benchmarks/results/{name}.json" for name in FILES]
    return [row for path in paths if (ROOT / path).exists() for row in read(path)["rows"]]


def classes() -> str:
    """Accuracy, time, and how many answers name each class."""
    rows = [
        [row["name"], f"{100 * row['accuracy']:.0f} %",
         ", ".join(map(str, row["named"])) if row.get("named") else "",
         f"{row['seconds_per_text']:.1f} s" if row.get("seconds_per_text") else ""]
        for row in measured() if "accuracy" in row
    ]  # fmt: skip
    case = next((row["case"] for row in measured() if "accuracy" in row), "not measured yet")
    return markdown([case, "right", "answers by class", "time per text"], rows)


def checks() -> str:
    """What the checks of answers found."""
    share = "{:.0%}".format
    rows = [
        [f"{row['case']}, {row['name']}", str(row["count"]), share(row["agreement"]),
         share(row["chance"]), share(row["empty_agreement"]), share(row["first_place"]),
         "yes" if row["informative"] else "no"]
        for row in measured() if "informative" in row
    ]  # fmt: skip
    for table in list(present("tape", {name: name for name in SMALL}).values())[:1]:
        row = {key: score["mean"] for key, score in table["rows"]["LLM top-1"].items()}
        shares = ("same in another order", "same if unrelated", "same as without text",
                  "first in the list")  # fmt: skip
        rows.append(
            ["classes of WebKB Texas, C=5, words", f"{row['checked']:.0f}",
             *(share(row[key]) for key in shares), "yes" if row["informative"] else "no"]
        )  # fmt: skip
    header = ["check", "answers", "same in another order", "if unrelated", "same as without text",
              "first in the list", "informative"]  # fmt: skip
    return markdown(header, rows)


def summaries() -> str:
    """Summaries of subgraphs that the model wrote, and those that fell back to the template."""
    rows = [
        [row["case"], str(row["by_template"]), f"{row['seconds_per_text']:.1f} s"]
        for row in measured() if "by_template" in row
    ]  # fmt: skip
    if not rows:
        return markdown(["not measured yet"], [])
    return markdown(["summaries", "by the template, as none was had", "time per text"], rows)


TABLES: dict[str, Callable[[], str]] = {
    "local_model_classes": classes,
    "local_model_checks": checks,
    "local_model_summaries": summaries,
}
