"""Builds the kernels of graphlab as up to two shared libraries without version-specific symbols.

``_C.abi3.so`` (CPU) is always built. ``_C_cuda.abi3.so`` is built when ``nvcc`` is found and torch
is a CUDA build; it is a library of its own because a CPU build of torch cannot load it.

Environment:
    GRAPHLAB_BUILD_CUDA: 1 builds the CUDA library whatever torch is, 0 never builds it.
    GRAPHLAB_CUDA_ARCHS: compute capabilities, ``"80;90"`` by default.
    GRAPHLAB_SANITIZE: what ``-fsanitize=`` shall say for the CPU library, such as
        ``"address,undefined"``; none by default. For tests: slow, and needs its run times loaded.
    MAX_JOBS: parallel compilations, 2 by default.

``python setup.py check_cuda`` compiles every CUDA source, installs nothing, and fails where a
kernel spills, takes more than ``resources.json`` says, or has fewer loads in flight than
``loads.json`` says; ``--write`` writes these files anew. Then every source goes through the
compilers' front ends with the headers of other versions of torch.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from setuptools import Command, setup
from torch.utils.cpp_extension import BuildExtension, CppExtension, include_paths

os.environ.setdefault("MAX_JOBS", "2")

ROOT = Path(__file__).resolve().parent
PACKAGE = "graphlab_cuda_ops"
TARGET = "0x020a000000000000"  # the lowest torch: constraints-lowest.txt
DEFINES = [
    "-DTORCH_STABLE_ONLY",
    f"-DTORCH_TARGET_VERSION={TARGET}",
    "-DPy_LIMITED_API=0x030a0000",
]
# Kernels that need wider vectors choose them at run time, so that one wheel serves every machine.
# No -ffast-math: NaN and infinity keep their meaning.
CXX_FLAGS = [
    "-std=c++20",
    "-O3",
    "-g0",
    "-fvisibility=hidden",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
]
NVCC_FLAGS = [
    "-std=c++20",
    "-O3",
    "-DUSE_CUDA",
    "--expt-relaxed-constexpr",
    "-Xcompiler=-fPIC,-fvisibility=hidden",
    # Registers, spills and shared memory of every kernel; check_cuda reads them.
    "-Xptxas=-v",
]
PTXAS_LINE = re.compile(r"ptxas info|\s+\d+ bytes stack frame")


def sources(pattern: str) -> list[str]:
    """Source files that match, relative to this folder as setuptools wants them."""
    found = [path for path in ROOT.glob(pattern) if not path.name.startswith(".")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def version() -> str:
    """The version of graphlab, which both are released under; an archive brings its own along."""
    library, archive = ROOT.parent / "graphlab" / "__init__.py", ROOT / "PKG-INFO"
    path, line = (
        (library, r'__version__ = "(.+)"') if library.is_file() else (archive, r"Version: (.+)")
    )
    match = re.search(rf"^{line}$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    if match is None:
        raise RuntimeError(f"{path} does not tell the version")
    return match.group(1)


def schema_version() -> int:
    """The number in ``csrc/schema_version.h``."""
    text = (ROOT / "csrc" / "schema_version.h").read_text(encoding="utf-8")
    match = re.search(r"#define\s+GRAPHLAB_SCHEMA_VERSION\s+(\d+)", text)
    if match is None:
        raise RuntimeError("csrc/schema_version.h does not define GRAPHLAB_SCHEMA_VERSION")
    return int(match.group(1))


def path_flags() -> list[str]:
    """Flags that keep the paths of the building machine out of the texts of checks."""
    headers = Path(torch.__file__).resolve().parent / "include"
    return [f"-fmacro-prefix-map={headers}/=", f"-fmacro-prefix-map={ROOT}/=cuda_ops/"]


def sanitize_flags() -> list[str]:
    """Flags of compiler and linker for a build that watches itself; they follow ``CXX_FLAGS``."""
    kinds = os.environ.get("GRAPHLAB_SANITIZE", "")
    if not kinds:
        return []
    if not re.fullmatch(r"[a-z-]+(,[a-z-]+)*", kinds):
        raise ValueError(f"GRAPHLAB_SANITIZE must look like 'address,undefined', got {kinds!r}")
    return [f"-fsanitize={kinds}", "-O1", "-g1", "-fno-omit-frame-pointer"]


def first_line(command: list[str], pattern: str = ".+") -> str:
    """The first match of ``pattern`` in what a tool says about itself."""
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    match = re.search(pattern, text)
    return match.group(0).strip() if match else "unknown"


def find_nvcc() -> str | None:
    """The CUDA compiler on the path or in ``CUDA_HOME``."""
    found = shutil.which("nvcc")
    home = os.environ.get("CUDA_HOME")
    return found or (shutil.which("nvcc", path=f"{home}/bin") if home else None)


def cuda_archs() -> list[str]:
    """Compute capabilities to compile for, such as ``["80", "90"]``."""
    text = os.environ.get("GRAPHLAB_CUDA_ARCHS", "80;90")
    archs = [arch.strip().replace(".", "") for arch in re.split(r"[;, ]+", text) if arch.strip()]
    if not archs or not all(re.fullmatch(r"\d+[af]?", arch) for arch in archs):
        raise ValueError(f"GRAPHLAB_CUDA_ARCHS must look like '80;90', got {text!r}")
    return archs


def wants_cuda() -> bool:
    """Whether this build includes the CUDA library."""
    choice = os.environ.get("GRAPHLAB_BUILD_CUDA", "")
    if choice not in ("", "0", "1"):
        raise ValueError(f"GRAPHLAB_BUILD_CUDA must be 0 or 1, got {choice!r}")
    if choice == "0" or not sources("csrc/cuda/*.cu"):
        return False
    if choice == "1" and find_nvcc() is None:
        raise RuntimeError("GRAPHLAB_BUILD_CUDA=1, but nvcc is neither on PATH nor in CUDA_HOME")
    return find_nvcc() is not None and (choice == "1" or torch.version.cuda is not None)


def run(command: list[str]) -> str:
    """Runs a compiler and raises with its words if it fails; returns what it says of kernels."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = done.stdout.splitlines()
    for line in lines:
        if line.strip() and not PTXAS_LINE.match(line):
            print(line.rstrip())
    if done.returncode != 0:
        raise RuntimeError(
            f"nvcc failed with status {done.returncode}: {' '.join(command)}\n"
            "Set GRAPHLAB_BUILD_CUDA=0 to build the CPU kernels alone."
        )
    return "\n".join(line for line in lines if PTXAS_LINE.match(line))


def compile_cuda(folder: Path) -> list[Path]:
    """Compiles every CUDA source for every architecture; objects still fresh are kept."""
    nvcc = find_nvcc()
    if nvcc is None:
        raise RuntimeError("nvcc is neither on PATH nor in CUDA_HOME")
    archs = cuda_archs()
    codes = [f"-gencode=arch=compute_{arch},code=sm_{arch}" for arch in archs]
    # Devices newer than every architecture named compile the last one's PTX themselves.
    codes.append(f"-gencode=arch=compute_{archs[-1]},code=compute_{archs[-1]}")
    includes = [f"-I{ROOT / 'csrc'}", *(f"-isystem={path}" for path in include_paths())]
    folder = folder / f"sm_{'_'.join(archs)}-torch_{torch.__version__}"
    folder.mkdir(parents=True, exist_ok=True)
    shared = [ROOT / "setup.py", *(ROOT / "csrc").rglob("*.h"), *(ROOT / "csrc").rglob("*.cuh")]
    newest_header = max(path.stat().st_mtime for path in shared)

    def compile_one(source: str) -> Path:
        target = folder / f"{Path(source).stem}.o"
        report = target.with_suffix(".ptxas")
        newest = max(newest_header, (ROOT / source).stat().st_mtime)
        fresh = target.exists() and report.exists() and target.stat().st_mtime > newest
        if not fresh:
            # An interrupted compilation must not leave an object that looks fresh.
            partial = target.with_suffix(".partial.o")
            hidden = [f"-Xcompiler={flag}" for flag in path_flags()]
            flags = [*NVCC_FLAGS, *hidden, *DEFINES, *codes, *includes]
            text = run([nvcc, "-c", str(ROOT / source), "-o", str(partial), *flags])
            report.write_text(text + "\n", encoding="utf-8")
            partial.replace(target)
        return target

    with ThreadPoolExecutor(int(os.environ["MAX_JOBS"])) as pool:
        return list(pool.map(compile_one, sources("csrc/cuda/*.cu")))


def link_cuda(objects: list[Path], target: Path) -> None:
    """Links the CUDA library.

    It asks for libtorch, which brings libtorch_cuda along on machines that have it. The CUDA
    runtime is linked in, so that no libcudart of a fixed version is needed at run time.
    """
    lib = Path(torch.__file__).parent / "lib"
    wanted = ["-Xlinker=--no-as-needed", f"-L{lib}", "-ltorch", "-ltorch_cpu"]
    run([str(find_nvcc()), "-shared", *map(str, objects), "-o", str(target), *wanted])


class BuildKernels(BuildExtension):  # type: ignore[misc]
    """Builds the CPU library with torch's tools, the CUDA library with nvcc, and the note."""

    def run(self) -> None:
        """Builds everything into the folder the wheel is packed from."""
        if not self.extensions[0].sources:
            raise RuntimeError("there are no C++ sources in csrc/cpu/")
        super().run()
        package = ROOT / PACKAGE if self.inplace else Path(self.build_lib) / PACKAGE
        target = package / "_C_cuda.abi3.so"
        # build/ outlives a build: a library of an earlier one must not slip into this wheel.
        target.unlink(missing_ok=True)
        with_cuda = wants_cuda()
        if with_cuda:
            link_cuda(compile_cuda(ROOT / "build" / "cuda"), target)
        note = json.dumps(build_note(with_cuda), indent=2, sort_keys=True)
        (package / "_build_info.json").write_text(note + "\n", encoding="utf-8")


class CheckCuda(Command):
    """Compiles every CUDA source, links nothing, and checks what the kernels take."""

    description = "compile the CUDA sources when nvcc is found and check their resources"
    user_options: list[Any] = [  # noqa: RUF012 (the base class declares it this way)
        ("write", None, "write resources.json and loads.json instead of checking against them"),
        ("headers", None, "only compile against the headers of other versions of torch"),
    ]
    boolean_options: list[str] = ["write", "headers"]  # noqa: RUF012

    def initialize_options(self) -> None:
        """Checks everything by default."""
        self.write = self.headers = False

    def finalize_options(self) -> None:
        """Nothing follows from the options."""

    def run(self) -> None:
        """Compiles, or says why not."""
        found = sources("csrc/cuda/*.cu")
        if not found:
            print("check-cuda: there are no CUDA sources")
        elif self.headers:
            pass
        elif find_nvcc() is None:
            print(f"check-cuda: nvcc not found, {len(found)} CUDA sources were not compiled")
        else:
            objects = compile_cuda(ROOT / "build" / "cuda")
            names = " and ".join(f"sm_{arch}" for arch in cuda_archs())
            print(f"check-cuda: {len(found)} CUDA sources compile for {names}")
            check_resources(objects[0].parent, write=self.write)
            check_loads(objects[0].parent, write=self.write)
        check_headers()


def check_headers() -> None:
    """Compiles every source without optimisation against the headers of other torch versions."""
    # As in check_resources.
    import headers

    nvcc, cxx = find_nvcc(), headers.host_compiler()
    common = [*DEFINES, "-std=c++20", f"-I{ROOT / 'csrc'}"]
    cuda = [*NVCC_FLAGS[2:5], "-O0", "-Xcicc=-O0", "-Xptxas=-O0", f"-arch=sm_{cuda_archs()[-1]}"]
    compilers = {
        "CUDA": ("csrc/cuda/*.cu", nvcc and [nvcc, "-c", "-o", os.devnull, *cuda]),
        "C++": ("csrc/cpu/*.cpp", cxx and [*cxx, "-fsyntax-only"]),
    }
    for version in (headers.lowest(TARGET), headers.MIDDLE):
        folder, why = headers.fetch(version, ROOT / "build" / "headers")
        for language, (pattern, compiler) in compilers.items():
            found = sources(pattern)
            told = f"check-cuda: torch {version}: {len(found)} {language} sources"
            if folder is None or compiler is None:
                print(f"{told} were NOT compiled: {why or 'there is no compiler'}")
                continue
            front = [*compiler, *common]
            headers.compile_all(
                ROOT, folder, found, lambda s, h, front=front: [*front, "-isystem", str(h), s]
            )
            print(f"{told} compile")


def check_resources(folder: Path, *, write: bool) -> None:
    """Holds the compiler's reports against ``resources.json``, or writes that file from them."""
    # A script finds its neighbour; a build backend would not, and does not come here.
    import ptxas

    promise = ROOT / "resources.json"
    kernels = ptxas.read_reports(folder)
    if write:
        ptxas.write_table(kernels, promise)
    wrong = ptxas.problems(kernels, json.loads(promise.read_text(encoding="utf-8")))
    conclude(wrong, f"{len(kernels)} kernels neither spill nor take more than promised")


def check_loads(folder: Path, *, write: bool) -> None:
    """Holds the machine code against ``loads.json``, or writes that file from it."""
    # As in check_resources.
    import sass

    tool, promise = sass.find_disassembler(), ROOT / "loads.json"
    if tool is None:
        print("check-cuda: loads in flight were NOT counted: there is no cuobjdump")
        return
    found = sass.read_objects(tool, folder)
    if write:
        sass.write_table(found, promise)
    wrong = sass.problems(found, json.loads(promise.read_text(encoding="utf-8")))
    conclude(wrong, f"{len(found)} kernels have as many loads in flight as promised")


def conclude(wrong: list[str], held: str) -> None:
    """Says what holds, or ends the check with what does not."""
    if wrong:
        raise SystemExit("check-cuda: " + "\ncheck-cuda: ".join(wrong))
    print(f"check-cuda: {held}")


def build_note(with_cuda: bool) -> dict[str, Any]:
    """What goes into ``_build_info.json``; no date, so that equal inputs give equal wheels."""
    nvcc = find_nvcc()
    return {
        "schema_version": schema_version(),
        "torch": torch.__version__,
        "compiler": first_line([os.environ.get("CXX", "c++").split()[0], "--version"]),
        "nvcc": first_line([nvcc, "--version"], "release .+") if with_cuda and nvcc else None,
        "cuda_archs": cuda_archs() if with_cuda else [],
    }


setup(
    version=version(),
    ext_modules=[
        CppExtension(
            f"{PACKAGE}._C",
            sources("csrc/cpu/*.cpp"),
            include_dirs=[str(ROOT / "csrc")],
            extra_compile_args=CXX_FLAGS + path_flags() + sanitize_flags() + DEFINES,
            extra_link_args=sanitize_flags(),
            py_limited_api=True,
        )
    ],
    cmdclass={"build_ext": BuildKernels, "check_cuda": CheckCuda},
    options={"bdist_wheel": {"py_limited_api": "cp310"}},
)
