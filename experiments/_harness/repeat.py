"""Committed result files, and the commands that repeat them."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphlab._io import read_json

from .._data.text_graphs import DOCUMENTS
from .._data.text_sets import EMBEDDED
from .comparison import Line, changed_settings, compare
from .scripts import PACKAGE, script_name

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).resolve().parents[1] / "results"
#: Whether this is a checkout, with models and documents beside the scripts.
CHECKOUT = PACKAGE == "experiments"

#: Graphs that come with a package; their scripts need no folder.
PACKAGED = ("digits", "davis", "karate", "les_miserables")
#: Where the scripts find their files in a folder with all data.
SOURCES = {
    "pamc": "sdcn",
    "fastrp": "multilabel",
    "hypergraph": "hypergraph/shyre",
    "concentration": "",
    "knowledge_graph": "kge",
    "link_prediction": "",
    "pot": "",
    "tape": "llm_outputs",
}
ANIMALS = ("vole", "reptile")
#: The script whose models others read.
PRETRAINING = "graphclip_pretrain"

#: Errors of a seed that mean: something is not here. Everything else is a failure.
MISSING = (
    "FileNotFoundError",
    "ImportError",
    "ModuleNotFoundError",
    "DownloadError",
    "URLError",
    "HTTPError",
    "ConnectionError",
    "ClientConnectorError",
    "ClientConnectorDNSError",
)

Runner = Callable[[str, Sequence[str], Path], None]
"""Runs a module with arguments and writes what it says to a file."""


@dataclass(frozen=True)
class Recorded:
    """A committed result file.

    Attributes:
        name (str): The file without its ending.
        content (dict[str, Any]): What it holds.
    """

    name: str
    content: dict[str, Any]

    @property
    def seconds(self) -> float:
        """Wall time of all seeds."""
        return float(sum(cost["seconds"] for cost in self.content["cost"]))

    @property
    def module(self) -> str:
        """The module that the recorded command runs.

        Raises:
            ValueError: If the command runs no module, or one of another script.
        """
        return self._words()[2]

    def needs(self, others: Sequence[Recorded]) -> list[Recorded]:
        """The pretrainings among ``others`` that write the models which the command reads."""
        config = self.content["config"]
        if "model" not in config or self.content["script"] == PRETRAINING:
            return []
        return [
            other
            for other in others
            if other.content["script"] == PRETRAINING
            and other.content["config"]["model"] == config["model"]
        ]

    def _words(self) -> list[str]:
        script = self.content["script"]
        try:
            words = shlex.split(self.content["command"])
        except ValueError as error:
            raise ValueError(f"{self.name}: the command cannot be read: {error}") from error
        if len(words) < 3 or words[:2] != ["python", "-m"] or script_name(words[2]) != script:
            raise ValueError(f"{self.name}: the command must run the script {script!s:.80}")
        return words

    def obstacle(self) -> str | None:
        """Reason why this machine cannot repeat it, as far as is known without trying."""
        recorded = self.content["versions"]["python"].rpartition(".")[0]
        here = platform.python_version().rpartition(".")[0]
        if EMBEDDED in str(self.content["config"]) and recorded != here:
            return f"its graph is the library of Python {recorded}, this is Python {here}"
        return None

    def arguments(self, out: Path, data: Path | None) -> list[str]:
        """Arguments of the recorded command, with files in ``out`` and data from ``data``.

        Args:
            out (Path): Folder of the runs, models and results.
            data (Path, optional): Folder with all data sets; None takes the recorded paths.

        Returns:
            list[str]: Arguments for the script.
        """
        given = self._words()
        paths = {"out": out / "runs", "results": self.results(out)}
        try:
            paths |= self._models(out) | ({} if data is None else self._data(data))
        except (KeyError, TypeError) as error:
            raise ValueError(f"{self.name}: config is that of no script: {error!r}") from error
        kept = _without([*paths, "report", "tensorboard", "tracker"], given[3:])
        return [*kept, *(word for key, path in paths.items() for word in (f"--{key}", str(path)))]

    def results(self, out: Path) -> Path:
        """Path of the repeated run's results."""
        return out / "results" / f"{self.name}.json"

    def _models(self, out: Path) -> dict[str, Path]:
        # Pretraining writes where the scripts that use the models read.
        if not self.content["script"].startswith("graphclip_"):
            return {}
        recorded = Path(self.content["config"]["model"])
        fresh = out / "models" / recorded
        # A selection without pretraining takes the models of the checkout, if it has some.
        wanted = self.content["script"] != PRETRAINING and not fresh.parent.is_dir()
        return {"model": ROOT / recorded if wanted and (ROOT / recorded).parent.is_dir() else fresh}

    def _data(self, data: Path) -> dict[str, Path]:
        script, config = self.content["script"], self.content["config"]
        texts = data / "text_graphs"
        folders: dict[str, Path] = {}
        if script in SOURCES and config["dataset"] not in PACKAGED:
            below = "linkpred/animal" if config["dataset"] in ANIMALS else SOURCES[script]
            folders["source"] = data / below
            if config["dataset"] == DOCUMENTS:
                folders["source"] = texts / Path(config["source"]).name
        elif script == "gaugllm":
            folders["data"] = data / "llm_outputs"
        elif script == PRETRAINING:
            folders["data"] = texts
        elif script.startswith("graphclip_"):
            keys = [key for key in ("graph", "tune_on") if config.get(key, "none") != "none"]
            folders |= {key: texts / Path(config[key]).name for key in keys}
        if config.get("embeddings"):
            folders["embeddings"] = texts / Path(config["embeddings"]).name
        # What is not there is left as recorded: the script then says what it misses.
        return {key: path for key, path in folders.items() if path.is_dir()}


def _without(names: Sequence[str], arguments: Sequence[str]) -> list[str]:
    """Arguments less some options and what follows them up to the next option."""
    kept, dropping = [], False
    for word in arguments:
        if word.startswith("--"):
            dropping = word[2:].partition("=")[0] in names
        if not dropping:
            kept.append(word)
    return kept


def committed(folder: Path = RESULTS) -> list[Recorded]:
    """All committed files by name, pretraining before what needs its models."""
    files = [Recorded(path.stem, _content(path)) for path in folder.glob("*.json")]
    return sorted(files, key=lambda r: (r.content["script"] != PRETRAINING, r.name))


#: Fields of a result file that repeating it needs, and their types.
_FIELDS: dict[str, type] = {
    "script": str, "preset": str, "config": dict, "seeds": list, "rows": dict, "cost": list,
    "command": str, "versions": dict,
}  # fmt: skip


def _content(path: Path) -> dict[str, Any]:
    content = read_json(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold the results of a script")
    wrong = [name for name, kind in _FIELDS.items() if not isinstance(content.get(name), kind)]
    if not wrong and not isinstance(content["versions"].get("python"), str):
        wrong = ["versions.python"]
    if wrong:
        raise ValueError(f"{path} is no result file of a script: it lacks {', '.join(wrong)}")
    return content


@dataclass(frozen=True)
class Outcome:
    """Outcome of repeating a file.

    Attributes:
        recorded (Recorded): The committed file.
        status (str): ``"repeated"``, ``"not run"`` (something is not here) or ``"failed"``.
        reason (str): Why it was not repeated, or which settings have changed.
        lines (list[Line]): The comparison.
    """

    recorded: Recorded
    status: str
    reason: str = ""
    lines: list[Line] = field(default_factory=list)

    @property
    def outside(self) -> list[Line]:
        """Figures that were not reproduced."""
        return [line for line in self.lines if not line.within]

    @property
    def good(self) -> bool:
        """True if every figure was reproduced, by the settings of the committed file."""
        return self.status == "repeated" and not self.outside and not self.reason

    def __str__(self) -> str:
        if self.status != "repeated":
            return f"{self.status}: {self.reason}"
        equal = sum(line.equal for line in self.lines)
        count = len(self.lines)
        text = f"{count - len(self.outside)} of {count} figures within, {equal} equal"
        return f"{text}; settings have changed: {self.reason}" if self.reason else text


def repeat(recorded: Recorded, out: Path, data: Path | None, run: Runner) -> Outcome:
    """Repeat one file's command and compare; finished seeds in ``out`` are kept.

    Args:
        recorded (Recorded): The committed file.
        out (Path): Folder of the runs.
        data (Path, optional): Folder with all data sets, or None.
        run (Runner): Runs the script.

    Returns:
        Outcome: The outcome; nothing is raised for a run that fails.
    """
    obstacle = recorded.obstacle()
    if obstacle is not None:
        return Outcome(recorded, "not run", obstacle)
    target, log = recorded.results(out), out / "logs" / f"{recorded.name}.txt"
    target.unlink(missing_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    run(recorded.module, recorded.arguments(out, data), log)
    if not target.exists():
        last = (log.read_text(encoding="utf-8").strip().splitlines() or ["no output"])[-1]
        return Outcome(recorded, "not run" if _is_missing(last) else "failed", last)
    repeated = read_json(target)
    if repeated["errors"]:
        reasons = list(dict.fromkeys(repeated["errors"].values()))
        status = "not run" if all(map(_is_missing, reasons)) else "failed"
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        return Outcome(recorded, status, reasons[0] + more)
    changed = "; ".join(changed_settings(recorded.content, repeated))
    return Outcome(recorded, "repeated", changed, compare(recorded.content, repeated))


def _is_missing(message: str) -> bool:
    return message.partition(":")[0].rpartition(".")[2] in MISSING


def by_subprocess(module: str, arguments: Sequence[str], log: Path) -> None:
    """Run a script in a process of its own, which may run out of memory without ending this one."""
    module = PACKAGE + module.removeprefix("experiments")
    command = [sys.executable, "-m", module, *arguments]
    # Recorded paths are relative to the checkout, or to where a user of an installed copy works.
    folder = ROOT if CHECKOUT else Path.cwd()
    with log.open("w", encoding="utf-8") as file:
        subprocess.run(
            command, cwd=folder, env=_environment(), stdout=file, stderr=file, check=False
        )


def _environment() -> dict[str, str]:
    # One thread repeats the order of sums of the committed runs, unless the user wants otherwise.
    return {"OMP_NUM_THREADS": "1", **os.environ}
