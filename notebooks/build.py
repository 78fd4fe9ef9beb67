"""Make the notebooks from their scripts: read, run in a fresh kernel, write with outputs.

A script holds the cells (``# %%``) and is what is edited; the ``.ipynb`` beside it is generated and
never edited. Only what a reader sees is kept of a run, so that making it again changes nothing but
measured times.

    python notebooks/build.py                       all of them
    python notebooks/build.py 03_embed_a_million_nodes
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).resolve().parent
SCRIPTS = sorted(FOLDER.glob("[0-9][0-9]_*.py"))
SECONDS = 300  # most that a single cell may take


def read(script: Path) -> NotebookNode:
    """Return the notebook of a script, without outputs."""
    notebook = jupytext.read(script, fmt="py:percent")
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "name": "python3"}}
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"  # nbformat would draw another one every time
        cell.metadata = {}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def execute(notebook: NotebookNode) -> NotebookNode:
    """Run all cells in a fresh kernel, in an empty folder; one that fails raises.

    Raises:
        nbclient.exceptions.CellExecutionError: If a cell raises.
    """
    paths = [str(FOLDER.parent), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "OMP_NUM_THREADS": "1",
        "GRAPHLAB_PROGRESS": "0",  # which would be kept, with the speed of this machine
        "PYTHONWARNINGS": "ignore:IProgress not found",  # tqdm's, without Jupyter's widgets
    }
    environment.pop("MPLBACKEND", None)  # the kernel's own puts pictures under their cells
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=SECONDS,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            record_timing=False,
        )
        return client.execute(env=environment)


def tidy(notebook: NotebookNode) -> NotebookNode:
    """Drop what a run leaves behind and no reader sees."""
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    for cell in notebook.cells:
        cell.metadata = {}
        for output in cell.get("outputs", []):
            if "data" in output:
                output.metadata = {}
                if "image/png" in output.data:
                    output.data.pop("text/plain", None)  # the size of the figure in pixels
    nbformat.validate(notebook)
    return notebook


def cpu_of_kernels() -> float:
    """Seconds of CPU time that the kernels used that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Make the notebooks that are named, or all."""
    wanted = sys.argv[1:] or [script.stem for script in SCRIPTS]
    for name in wanted:
        start = time.perf_counter(), cpu_of_kernels()
        notebook = tidy(execute(read(FOLDER / f"{name}.py")))
        nbformat.write(notebook, FOLDER / f"{name}.ipynb")
        wall, cpu = time.perf_counter() - start[0], cpu_of_kernels() - start[1]
        print(f"{name}: {wall:.0f} s, of the CPU {cpu:.0f} s", flush=True)


if __name__ == "__main__":
    main()
