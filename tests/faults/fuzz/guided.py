"""The same hunt guided by the branches that a file reaches; needs the package atheris.

    python -m tests.faults.fuzz.guided HIF -max_total_time=600 -rss_limit_mb=4096

Options behind the name are those of libFuzzer; a find ends the run and is written by it. A file of
libFuzzer is the number of the damaged file (one byte) and its content.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Hunt until libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["graphlab"]):
        from tests.faults.fuzz.hunt import attempt, whole_files
        from tests.faults.fuzz.readers import READERS

    name, *options = sys.argv[1:]
    reader = READERS[name]
    folder = Path(tempfile.mkdtemp()) / "case"
    folder.mkdir()
    whole = whole_files(reader, folder)
    known = [file for file in whole if file not in reader.skip]
    others = list(whole.values())
    corpus = Path(tempfile.mkdtemp())
    for number, file in enumerate(known):
        (corpus / file).write_bytes(bytes([number]) + whole[file])

    def test_one(data: bytes) -> None:
        if data:
            file = known[data[0] % len(known)]
            find = attempt(reader, folder, whole | {file: data[1:]})
            if find is not None and find.problem != "refused":
                raise RuntimeError(f"{find.problem}\n{find.trace}")

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        draw = random.Random(seed)
        if not data or draw.random() < 0.5:
            return atheris.Mutate(data, most)  # type: ignore[no-any-return]
        return (data[:1] + reader.mutate(data[1:], draw, others))[:most]

    arguments = [sys.argv[0], "-max_len=1000000", *options, str(corpus)]
    atheris.Setup(arguments, test_one, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
