"""Standard streams of a command: encodings, readers that leave, interrupts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from graphlab import _console
from tests._data import REPOSITORY

ENCODINGS = ("ascii", "cp866", "cp1252", "latin-1", "utf-8")


def start(
    code: str, folder: Path, *options: str, reader: bool = True, **variables: str
) -> tuple[int, str, str]:
    """Status, output and errors of a program; without a reader its pipe is closed at once."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": ""} | variables
    process = subprocess.Popen(
        [sys.executable, *options, "-c", code],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    if not reader:
        process.stdout.close()
        with process.stderr as stream:
            errors = stream.read().decode()
        return process.wait(timeout=60), "", errors
    out, errors = process.communicate(timeout=60)
    encoding = variables.get("PYTHONIOENCODING", "utf-8")
    return process.returncode, out.decode(encoding), errors.decode(encoding)


OPEN = "from graphlab._console import open_console; open_console(); import sys; "


@pytest.mark.parametrize("options", [(), ("-u",)])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_character_goes_to_every_console(encoding, options, tmp_path):
    code = OPEN + "print('0.5 ± 0.1 ж 日 ok'); print('≤ ё', file=sys.stderr)"
    status, out, errors = start(code, tmp_path, *options, PYTHONIOENCODING=encoding)
    assert status == 0
    assert out.startswith("0.5 ") and out.rstrip().endswith("ok")
    assert ("±" if encoding in ("cp1252", "latin-1", "utf-8") else "+-") in out
    assert errors.strip()


def test_the_language_of_the_machine_does_not_matter(tmp_path):
    variables = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    status, out, _ = start(OPEN + r"print('\xb1')", tmp_path, **variables)
    assert (status, out.strip()) == (0, "+-")


@pytest.mark.parametrize("options", [(), ("-u",)])
@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_reader_that_leaves_stops_nothing(size, options, tmp_path):
    code = OPEN + f"print('x' * {size}); sys.stdout.flush(); print('more'); open('done', 'w')"
    status, _, errors = start(code, tmp_path, *options, reader=False)
    assert (status, errors) == (0, "")
    assert (tmp_path / "done").exists()


def test_opening_twice_and_streams_of_others_change_nothing(tmp_path, capsys):
    before = sys.stdout
    _console.open_console()
    assert sys.stdout is before  # the stream of the test
    print("±")
    assert capsys.readouterr().out == "±\n"
    code = OPEN + (
        "a = sys.stdout; open_console(); assert a is sys.stdout; print(a.isatty(), a.fileno())"
    )
    assert start(code, tmp_path)[1].strip() == "False 1"


@pytest.mark.parametrize(
    ("text", "spelled"),
    [("±", "+-"), ("é", "e"), ("→", "->"), ("╭─╮", "+-+"), ("日", "?"), ("plain", "plain")],
)
def test_signs_are_spelled(text, spelled):
    assert _console.plain(text) == spelled


def test_what_is_read_is_not_spelled():
    _console.open_console()
    assert "± x".encode("ascii", "graphlab.plain") == b"+- x"
    with pytest.raises(UnicodeDecodeError, match="can't decode byte 0xb1 in position 0"):
        b"\xb1 x".decode("ascii", "graphlab.plain")


@pytest.mark.parametrize("where", ["import", "call"])
def test_an_interrupt_is_one_line_and_status_130(where, tmp_path):
    body = "raise KeyboardInterrupt" if where == "import" else "def main(): raise KeyboardInterrupt"
    (tmp_path / "script.py").write_text(body, encoding="utf-8")
    code = "import sys; sys.path.insert(0, '.')\nfrom graphlab._console import command\n"
    assert start(code + "command('script')", tmp_path) == (130, "", "interrupted\n")


def test_the_status_of_a_command_is_kept(tmp_path):
    (tmp_path / "script.py").write_text("def main(): return 3", encoding="utf-8")
    code = "import sys; sys.path.insert(0, '.')\nfrom graphlab._console import command\n"
    assert start(code + "command('script')", tmp_path)[0] == 3
