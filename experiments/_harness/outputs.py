"""What a command leaves: files first, so that nothing printed can cost them, then the table."""

from __future__ import annotations

import sys

from graphlab._io import check_writable

from .cli import Options
from .ranks import is_main
from .results import Results


def check_targets(options: Options) -> None:
    """Try whether everything can be written, before the first seed; leaves with 2 if not."""
    if not is_main():
        return
    try:
        check_writable(options.out, "--out", folder=True)
        for name in ("results", "report"):
            path = getattr(options, name)
            if path is not None:
                check_writable(path, f"--{name}")
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def write_outputs(results: Results, options: Options) -> None:
    """Write the results and the report, then print the table and where the files are."""
    if not is_main():
        return
    written = {"results": options.results or results.file, "report": options.report}
    for path in (results.file, options.results):
        if path is not None:
            results.write(path)
    if options.report is not None:
        from .report import results_report

        results_report(results).write(options.report)
    print(results.table())
    for name, path in written.items():
        if path is not None:
            print(f"{name}: {path}")
