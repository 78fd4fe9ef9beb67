"""Look into the built wheels, then use them as a stranger would: in an environment of their own.

    python .ci/check_wheels.py dist                            look inside
    python .ci/check_wheels.py dist --torch 2.10.0 --venv DIR  and install beside that torch
    python .ci/check_wheels.py dist --lowest                   or beside the lowest versions allowed

The environment is made anew, gets torch, the wheels of library and kernels and nothing else, and
runs ``core_only.py``, reads a model of the third wheel, then runs ``wheel_smoke.py`` with the
kernels, with ``GRAPHLAB_DISABLE_KERNELS=1``, and with the kernel wheel taken away. ``--lowest``
pins ``constraints-lowest.txt`` and then runs the fast tests of :data:`TESTS` against the installed
wheels. Needs a package index for torch and the other core dependencies.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from email.parser import Parser
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
#: Symbols that exist in one version of torch only.
FRAGILE = re.compile(r"_ZN\S*(?:3c10|2at|5torch)\S*")
LOWEST = ROOT / "constraints-lowest.txt"
#: Python whose wheels the lowest versions do not have any more.
LOWEST_ENDS = (3, 12)
#: What runs the tests; at the versions of constraints.txt, for the lowest set says nothing of them.
TOOLS = ("pytest", "pytest-xdist", "hypothesis")
#: Tests that call the numerical dependencies.
TESTS = ("ops", "embed", "contrastive", "hyper", "evaluate", "test_io.py")


def version(package: str = "graphlab") -> str:
    """The one place the version stands in; that of the models is their own."""
    folder = ROOT / "models" if package == "graphlab_models" else ROOT
    name = "graphlab_models" if package == "graphlab_models" else "graphlab"
    text = (folder / name / "__init__.py").read_text(encoding="utf-8")
    match = re.search(r'^__version__ = "(.+)"', text, flags=re.MULTILINE)
    if match is None:
        raise SystemExit(f"{name}/__init__.py does not tell the version")
    return match.group(1)


def find_wheels(folder: Path) -> tuple[Path, ...]:
    """The wheels of the library, the kernels and the models; one of each, with the right tags."""
    patterns = (
        f"graphlab-{version()}-py3-none-any.whl",
        f"graphlab_cuda_ops-{version()}-cp310-abi3-*.whl",
        f"graphlab_models-{version('graphlab_models')}-py3-none-any.whl",
    )
    found = [sorted(folder.glob(pattern)) for pattern in patterns]
    others = {path.name for path in folder.glob("*.whl")} - {p.name for f in found for p in f}
    if [len(paths) for paths in found] != [1, 1, 1] or others:
        raise SystemExit(f"{folder} must hold one {' and one '.join(patterns)}, has {others}")
    return tuple(paths[0] for paths in found)


def data_files() -> set[str]:
    """Files of the library that are no code."""
    files = {path for path in (ROOT / "graphlab").rglob("*") if path.is_file()}
    plain = {path for path in files if path.suffix != ".py" and "__pycache__" not in path.parts}
    return {path.relative_to(ROOT).as_posix() for path in plain}


def model_files() -> set[str]:
    """Files of the models that are no code."""
    files = {path for path in (ROOT / "models" / "graphlab_models").rglob("*") if path.is_file()}
    plain = {path for path in files if path.suffix != ".py" and "__pycache__" not in path.parts}
    return {path.relative_to(ROOT / "models").as_posix() for path in plain}


def script_files() -> set[str]:
    """Files of the scripts and their results, by the names they are installed under."""
    files = [path for path in (ROOT / "experiments").rglob("*") if path.suffix in (".py", ".json")]
    return {f"graphlab/{path.relative_to(ROOT).as_posix()}" for path in files}


def problems(wheel: Path) -> list[str]:
    """What is wrong with the content of a wheel."""
    package = wheel.name.partition("-")[0]
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        with tempfile.TemporaryDirectory() as folder:
            libraries = [archive.extract(n, folder) for n in sorted(names) if n.endswith(".so")]
            fragile = [name for library in libraries for name in fragile_symbols(library)]
            told = [Path(path).name for path in libraries if names_a_machine(path)]
        info = f"{package}-{version(package)}.dist-info"
        missing = {f"{info}/METADATA", f"{info}/licenses/LICENSE", f"{package}/py.typed"}
        if package == "graphlab":
            missing |= data_files() | script_files() | {f"{info}/entry_points.txt"}
        elif package == "graphlab_models":
            missing |= model_files()
        else:
            missing |= {f"{package}/_C.abi3.so", f"{package}/_build_info.json"}
        wrong = [f"lacks {name}" for name in sorted(missing - names)]
        tops = {name.partition("/")[0] for name in names} - {package, info}
        wrong += [f"holds {name} beside the package" for name in sorted(tops)]
        if f"{info}/METADATA" in names:
            wrong += metadata_problems(archive.read(f"{info}/METADATA").decode(), package)
    if libraries and package != "graphlab_cuda_ops":
        wrong.append("holds a compiled library")
    wrong += [f"{name} holds the path of its building" for name in told]
    return wrong + [f"needs {name} of one torch version" for name in fragile]


def metadata_problems(text: str, package: str) -> list[str]:
    """What is wrong with the metadata."""
    fields = Parser().parsestr(text)
    wanted = {"Name": package.replace("_", "-"), "Version": version(package)}
    wanted |= {"License-Expression": "MIT"}
    wrong = [f"{k} is {fields[k]!r}, not {v!r}" for k, v in wanted.items() if fields[k] != v]
    if package != "graphlab_models" and "torch>=2.10" not in fields.get_all("Requires-Dist", []):
        wrong.append("does not require torch>=2.10")
    if fields["Requires-Python"] != ">=3.10":
        wrong.append(f"Requires-Python is {fields['Requires-Python']!r}")
    return wrong


def fragile_symbols(library: str) -> list[str]:
    """Symbols a library wants that only one version of torch has."""
    command = ["nm", "-D", "--undefined-only", library]
    symbols = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return FRAGILE.findall(symbols)


def names_a_machine(library: str) -> bool:
    """Whether a library quotes where its sources or the headers of torch stood."""
    content = Path(library).read_bytes()
    return any(str(path).encode() in content for path in (ROOT, sys.prefix))


def install(venv: Path, wheels: tuple[Path, ...], *wanted: str) -> Path:
    """Make the environment; returns its interpreter."""
    shutil.rmtree(venv, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    python = venv / "bin" / "python"
    subprocess.run([*pip(python), "install", "-q", *wanted, *map(str, wheels)], check=True)
    return python


def pip(python: Path) -> list[str]:
    """The installer of an environment."""
    return [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input"]


def smoke(python: Path, wanted: str, **variables: str) -> None:
    """Run the first steps of a user outside the repository."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(HERE / "core_only.py", folder)  # which the other imports from
        script = shutil.copy(HERE / "wheel_smoke.py", folder)
        print(run([str(python), script, wanted], folder, **variables), end="")
        report = run([str(python.with_name("graphlab")), "info"], folder, **variables)
        listed = run([str(python.with_name("graphlab")), "run"], folder, **variables)
    if "versions" not in report:
        raise SystemExit(f"graphlab info says only:\n{report}")
    if "graphlab run pamc" not in listed:
        raise SystemExit(f"graphlab run lists only:\n{listed}")


def surroundings(**variables: str) -> dict[str, str]:
    """Variables of the environment, without what would lead back to the repository."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | variables


def core_only(python: Path) -> None:
    """See what works without any extra, outside the repository."""
    with tempfile.TemporaryDirectory() as folder:
        script = shutil.copy(HERE / "core_only.py", folder)
        surface = shutil.copy(ROOT / "tests" / "house" / "surface.json", folder)
        print(run([str(python), script, surface], folder), end="")


def packaged(python: Path, wheel: Path) -> None:
    """Install the models and read one by its name, outside the repository."""
    subprocess.run([*pip(python), "install", "-q", "--no-index", "--no-deps", wheel], check=True)
    code = "from graphlab.tag import GraphCLIP\n"
    code += "print(GraphCLIP.from_pretrained('graphlab/tiny').text_model, 'is the encoder of tiny')"
    with tempfile.TemporaryDirectory() as folder:
        print(run([str(python), "-c", code], folder), end="")


def run(command: list[str], folder: str, **variables: str) -> str:
    """Run in a folder; returns what it prints."""
    environment = surroundings(**variables)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command[1:])} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def fast_tests(python: Path) -> None:
    """Run the fast tests beside the installed wheels: in a folder that has no library."""
    tools = [line for line in constraints() if re.match(rf"({'|'.join(TOOLS)})==", line)]
    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder, "tools.txt")
        pinned.write_text("\n".join(tools), encoding="utf-8")
        pins = ["-c", str(pinned), "-c", str(LOWEST)]
        subprocess.run([*pip(python), "install", "-q", *pins, *TOOLS], check=True)
        for name in ("tests", "benchmarks"):  # whose baselines are references of tests
            shutil.copytree(ROOT / name, Path(folder, name))
        shutil.copy(ROOT / "pyproject.toml", folder)
        command = [str(python), "-m", "pytest", "-q", "-n", "2", "-m", "not slow"]
        command += ["-p", "no:cacheprovider", *(f"tests/{name}" for name in TESTS)]
        environment = surroundings(OMP_NUM_THREADS="1")
        done = subprocess.run(command, cwd=folder, env=environment)
    if done.returncode != 0:
        raise SystemExit("tests fail beside the lowest versions")


def constraints() -> list[str]:
    """Lines of the tested set."""
    return (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()


def main() -> None:
    """Check, or leave with what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dist", type=Path, help="folder of the wheels")
    beside = parser.add_mutually_exclusive_group()
    beside.add_argument("--torch", help="version of torch to install them beside")
    beside.add_argument("--lowest", action="store_true", help=f"install them beside {LOWEST.name}")
    parser.add_argument("--venv", type=Path, default=ROOT / "build" / "wheel_venv")
    options = parser.parse_args()
    wheels = find_wheels(options.dist)
    wrong = [f"{wheel.name} {problem}" for wheel in wheels for problem in problems(wheel)]
    if wrong:
        raise SystemExit("\n".join(wrong))
    print(f"{', '.join(wheel.name for wheel in wheels)}: tags, content, metadata, symbols")
    if options.torch is None and not options.lowest:
        return
    if options.lowest and sys.version_info >= LOWEST_ENDS:
        raise SystemExit(f"{LOWEST.name} needs Python before {'.'.join(map(str, LOWEST_ENDS))}")
    wanted = ("-c", str(LOWEST)) if options.lowest else (f"torch=={options.torch}",)
    library, kernels, models = wheels
    python = install(options.venv, (library, kernels), *wanted)
    core_only(python)
    packaged(python, models)
    smoke(python, "compiled")
    smoke(python, "pure", GRAPHLAB_DISABLE_KERNELS="1")
    if options.lowest:
        fast_tests(python)
    subprocess.run([*pip(python), "uninstall", "-q", "-y", "graphlab-cuda-ops"], check=True)
    smoke(python, "pure")
    shutil.rmtree(options.venv)


if __name__ == "__main__":
    main()
