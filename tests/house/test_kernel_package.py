"""The compiled kernels as they are installed, and their sources' number of the schemas."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from graphlab.ops import library
from tests._data import REPOSITORY
from tests.house._repository import run_python


def test_installed_kernels_are_active(kernels):
    pytest.importorskip("graphlab_cuda_ops", reason="needs the compiled kernels")
    disabled = os.environ.get("GRAPHLAB_DISABLE_KERNELS", "0") not in ("", "0")
    assert kernels.compiled is not disabled, kernels.reason


def test_schema_versions_agree():
    header = REPOSITORY / "cuda_ops" / "csrc" / "schema_version.h"
    text = header.read_text(encoding="utf-8")
    assert f"#define GRAPHLAB_SCHEMA_VERSION {library.SCHEMA_VERSION}\n" in text


@pytest.mark.parametrize("which", ["cpu_library", "cuda_library"])
def test_kernels_import_no_symbol_of_one_torch_version(which):
    kernels = pytest.importorskip("graphlab_cuda_ops", reason="needs the compiled kernels")
    compiled = getattr(kernels, which)()
    if compiled is None:
        pytest.skip(f"graphlab-cuda-ops was built without its {which.replace('_', ' ')}")
    if shutil.which("nm") is None:
        pytest.skip("needs nm to read the symbols of the library")
    command = ["nm", "-D", "--undefined-only", str(compiled)]
    symbols = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"_ZN\S*(?:3c10|2at|5torch)\S*", symbols) == []


def test_kernel_package_does_not_import_torch():
    pytest.importorskip("graphlab_cuda_ops", reason="needs the compiled kernels")
    assert run_python("import graphlab_cuda_ops, sys; print('torch' in sys.modules)") == "False"
