"""What no file of the repository may say."""

from __future__ import annotations

import re

from tests._data import REPOSITORY
from tests.house._repository import tracked_files

# Written in pieces, so that this file obeys its own rule.
ABSOLUTE = re.compile(
    r"(?<![\w.:$}~-])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", "ho" + "me"]) + r")/\w"
)
REGISTRIES = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "download.py" + "torch.org",
    "conda.ana" + "conda.org",
]


def test_no_file_names_a_machine():
    offenders = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if ABSOLUTE.search(line) or any(host in line for host in REGISTRIES):
                offenders.append(f"{path.relative_to(REPOSITORY)}:{number}")
    assert offenders == []
