"""The text layer under load: calls per second, faults, kills, a million texts and pairs in shards.

python -m benchmarks.tag                     all parts; writes results/tag.json
python -m benchmarks.tag --only throughput   one part
python -m benchmarks.tag --scale 0.01        small, to try it out
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np

from benchmarks._harness.parts import part_parser, run_parts
from benchmarks._harness.timing import compare
from benchmarks._tag.processes import processes
from benchmarks._tag.store import store
from benchmarks.baselines.tag import bare_replies
from graphlab.tag import EmbeddingStore, Limits, LLMClient, LLMReply, Retry, TextEncoder

SEED = 0
HERE = Path(__file__).parent
CONCURRENCY = 32
LATENCY = 0.05  # seconds of the fault-free server
Row = dict[str, Any]


@dataclass(frozen=True)
class Sizes:
    """Amounts that the command line may lower together."""

    prompts: int = 2000
    timed_prompts: int = 640
    repeats: int = 7
    kills: int = 20
    texts: int = 1_000_000
    shard_size: int = 65_536

    @staticmethod
    def scaled(factor: float) -> Sizes:
        """The same, times a factor; shards stay several."""
        full = Sizes()
        return Sizes(
            prompts=max(40, round(full.prompts * factor)),
            timed_prompts=max(32, round(full.timed_prompts * factor)),
            repeats=max(1, round(full.repeats * factor)),
            kills=max(2, round(full.kills * factor)),
            texts=max(1000, round(full.texts * factor)),
            shard_size=max(64, round(full.shard_size * factor)),
        )


# --- the server and the client, each in a process of its own --------------------------------------


def environment() -> dict[str, str]:
    """Variables of a child: loopback without a proxy, one thread."""
    return {**os.environ, "no_proxy": "127.0.0.1", "OMP_NUM_THREADS": "1"}


@contextmanager
def server(*arguments: str) -> Iterator[str]:
    """Address of a chat server in another process."""
    command = [sys.executable, "-m", "benchmarks._harness.llm_server", *arguments]
    with subprocess.Popen(
        command, cwd=HERE.parent, env=environment(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("the server has no pipes")
        yield process.stdout.readline().strip()
        process.stdin.close()


def stats(url: str) -> dict[str, Any]:
    """Calls that a server has seen."""
    with urlopen(f"{url}/stats", timeout=30) as response:  # noqa: S310  (our own loopback server)
        seen: dict[str, Any] = json.loads(response.read())
    return seen


def start(function: str, *arguments: object) -> subprocess.Popen[str]:
    """Call a function of this module in another process."""
    words = ", ".join(repr(str(a)) if isinstance(a, Path) else repr(a) for a in arguments)
    code = f"from benchmarks.tag import {function}; {function}({words})"
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=HERE.parent, env=environment(), text=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip


def prompts(count: int, prefix: str = "node") -> list[str]:
    """Distinct prompts."""
    return [f"{prefix} {i}" for i in range(count)]


def client(url: str, cache: Path | None = None) -> LLMClient:
    """The client as the parts use it."""
    return LLMClient(
        "m",
        base_url=url,
        cache=cache,
        retry=Retry(attempts=12, timeout=2.0, backoff=0.01, max_backoff=0.1),
        limits=Limits(concurrency=CONCURRENCY),
    )


# --- throughput -----------------------------------------------------------------------------------


def throughput(sizes: Sizes) -> list[Row]:
    """A healthy server, 50 ms per answer: the client with and without a file, and the bare SDK."""
    with server("--delay", str(LATENCY)) as url, tempfile.TemporaryDirectory() as folder:
        turn = iter(range(10**6))

        def bare() -> None:
            bare_replies(url, prompts(sizes.timed_prompts, f"bare {next(turn)}"), CONCURRENCY)

        def ours(on_disk: bool) -> None:
            number = next(turn)
            path = Path(folder) / f"{number}.db" if on_disk else None
            with client(url, path) as asking:
                replies = asking.complete_many(prompts(sizes.timed_prompts, f"ours {number}"))
            require(all(reply.ok for reply in replies), "a reply is missing")

        runs: dict[str, Callable[[], None]] = {
            "openai SDK and a semaphore": bare,
            "LLMClient, cache in memory": lambda: ours(False),
            "LLMClient, cache on disk": lambda: ours(True),
        }
        timed = compare(runs, repeats=sizes.repeats, warmup=1)
        peak = stats(url)["peak"]
    case = f"{sizes.timed_prompts} prompts, concurrency {CONCURRENCY}, {1e3 * LATENCY:.0f} ms"
    least = -(-sizes.timed_prompts // CONCURRENCY) * LATENCY
    rows = []
    for row in timed.as_rows():
        row["times_the_bare_sdk"] = 1 / row["speedup"]
        row["calls_per_s"] = sizes.timed_prompts / row["median_s"]
        rows.append({"case": case, **row, "least_possible_s": least, "peak_concurrency": peak})
    return rows


# --- faults ---------------------------------------------------------------------------------------


def faults(sizes: Sizes) -> list[Row]:
    """A server with 429, 500, stalls, resets, truncated and malformed bodies."""
    asked = prompts(sizes.prompts)
    with server("--faults", str(SEED)) as url, tempfile.TemporaryDirectory() as folder:
        with client(url, Path(folder) / "c.db") as asking:
            begin = time.perf_counter()
            replies = asking.complete_many(asked)
            seconds = time.perf_counter() - begin
        seen = stats(url)
    attempts = sum(reply.attempts for reply in replies)
    check_rows(replies, asked)
    require(seen["peak"] <= CONCURRENCY, f"{seen['peak']} calls at a time")
    require(attempts == seen["calls"], f"{attempts} attempts, {seen['calls']} calls")
    row = {"rows": len(replies), "rows_ok": sum(reply.ok for reply in replies)}
    row |= {"calls": seen["calls"], "peak_concurrency": seen["peak"]}
    row["prompts_answered_twice"] = sum(times > 1 for times in seen["answered"].values())
    case = f"faults: {len(asked)} prompts, concurrency {CONCURRENCY}"
    return [{"case": case, "name": "LLMClient", **row, "seconds": seconds}]


def check_rows(replies: list[LLMReply], asked: list[str]) -> None:
    """Require one right record per prompt, in order."""
    require([reply.id for reply in replies] == list(range(len(asked))), "rows are lost")
    require(all(r.text == f"echo: {p}" for r, p in zip(replies, asked, strict=True)), "wrong row")


# --- kills ----------------------------------------------------------------------------------------


def ask(url: str, cache: str, count: int) -> None:
    """Ask everything; run in a process that gets killed."""
    with client(url, Path(cache)) as asking:
        replies = asking.complete_many(prompts(count))
    print(sum(reply.ok for reply in replies), flush=True)


def kills(sizes: Sizes) -> list[Row]:
    """SIGKILL at random moments; what was committed is never asked again."""
    draw = random.Random(SEED)  # noqa: S311
    asked = prompts(sizes.prompts)
    repeats: list[int] = []
    again = 0
    with server("--delay", "0.02") as url, tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "c.db"
        step = sizes.prompts // (sizes.kills + 1)
        committed: dict[str, int] = {}
        for _ in range(sizes.kills):
            before = stats(url)
            process = start("ask", url, cache, sizes.prompts)
            wait_for_calls(url, before["calls"] + draw.randint(1, step))
            process.kill()
            process.communicate()
            time.sleep(0.1)  # the server notices
            after = stats(url)["asked"]
            again += sum(after[prompt] > times for prompt, times in committed.items())
            done = cached(url, cache, asked)
            made = sum(after.values()) - before["calls"]
            repeats.append(made - (len(done) - len(committed)))
            committed = {prompt: after[prompt] for prompt in done}
        process = start("ask", url, cache, sizes.prompts)
        out, _ = process.communicate(timeout=600)
        seen = stats(url)
        again += sum(seen["asked"][prompt] > times for prompt, times in committed.items())
    require(int(out) == sizes.prompts, "the last run did not finish")
    require(again == 0, f"{again} committed replies were asked again")
    require(max(repeats) <= CONCURRENCY, f"{max(repeats)} calls lost by one kill")
    row = {"kills": sizes.kills, "calls": seen["calls"], "committed_asked_again": again}
    row |= {"most_calls_lost_by_a_kill": max(repeats), "calls_lost": sum(repeats)}
    case = f"kills: {sizes.prompts} prompts, concurrency {CONCURRENCY}"
    return [{"case": case, "name": "LLMClient", **row}]


def cached(url: str, cache: Path, asked: list[str]) -> list[str]:
    """Prompts whose answers are committed."""
    with client(url, cache) as looking:
        return [prompt for prompt in asked if looking.estimate([prompt]).cached]


def wait_for_calls(url: str, calls: int) -> None:
    """Wait until a server has been called so often."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if stats(url)["calls"] >= calls:
            return
        time.sleep(0.01)
    raise TimeoutError(f"the server got fewer than {calls} calls")


# --- a million texts ------------------------------------------------------------------------------


def sentences(count: int) -> Iterator[str]:
    """Short texts of made-up words with the frequencies of a language, one after the other."""
    draw = np.random.default_rng(SEED)
    words = np.array([f"w{i:x}" for i in range(50_000)])
    for start_ in range(0, count, 10_000):
        ranks = draw.zipf(1.3, size=(min(10_000, count - start_), 12)) % words.size
        for row in words[ranks]:
            yield " ".join(row)


def embed(folder: str, count: int, shard_size: int) -> None:
    """Embed texts into shards and print seconds and the most memory; may be killed."""
    from experiments._harness.environment import peak_rss_bytes

    begin = time.perf_counter()
    encoder = TextEncoder("hashing", batch_size=1024, normalize=True)
    store = encoder.encode_to(sentences(count), folder, shard_size=shard_size)
    require(store is not None and len(store) == count, "rows are missing")
    report = {"seconds": time.perf_counter() - begin, "peak_rss_bytes": peak_rss_bytes()}
    print(json.dumps(report), flush=True)


def million(sizes: Sizes) -> list[Row]:
    """Hashing encoder into shards: whole, and killed in the middle and resumed."""
    with tempfile.TemporaryDirectory() as name:
        whole, broken = Path(name) / "whole", Path(name) / "broken"
        uninterrupted = finished(start("embed", whole, sizes.texts, sizes.shard_size))
        process = start("embed", broken, sizes.texts, sizes.shard_size)
        shards = -(-sizes.texts // sizes.shard_size)
        while len(notes(broken)) < shards // 2:
            time.sleep(0.02)
        process.kill()
        process.communicate()
        kept = notes(broken)
        resumed = finished(start("embed", broken, sizes.texts, sizes.shard_size))
        remade = [
            path for path, changed in notes(broken).items() if kept.get(path, changed) != changed
        ]
        require(not remade, f"{remade} were made twice")
        require(sums(whole) == sums(broken), "the resumed rows differ")
        EmbeddingStore(broken).verify()
    case = f"{sizes.texts} texts of 12 words, d = 384, shards of {sizes.shard_size}"
    rate = {"texts_per_s": sizes.texts / uninterrupted["seconds"]}
    return [
        {"case": case, "name": "uninterrupted", **uninterrupted, **rate},
        {"case": case, "name": "resumed after kill -9", **resumed, "shards_kept": len(kept),
         "shards": shards},
    ]  # fmt: skip


def finished(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The report of a child that must end well."""
    out, _ = process.communicate()
    require(process.returncode == 0, f"a child ended with {process.returncode}")
    report: dict[str, Any] = json.loads(out)
    return report


def notes(folder: Path) -> dict[str, int]:
    """Shards that are whole, and when their files were written."""
    return {
        path.name: path.with_suffix(".npy").stat().st_mtime_ns
        for path in sorted(folder.glob("shard-*.json"))
    }


def sums(folder: Path) -> list[str]:
    """Checksums of all shards."""
    return [json.loads(p.read_text())["sha256"] for p in sorted(folder.glob("shard-*.json"))]


# --- frame ----------------------------------------------------------------------------------------


def require(condition: bool, complaint: str) -> None:
    """Stop a benchmark whose result is wrong: its figures would mean nothing."""
    if not condition:
        raise RuntimeError(complaint)


PARTS: dict[str, Callable[[Sizes], list[Row]]] = {
    "throughput": throughput,
    "faults": faults,
    "kills": kills,
    "million": million,
    "store": lambda sizes: store(sizes.texts) + processes(sizes.texts // 4),
}


def main() -> None:
    """Run the chosen parts and write their rows."""
    parser = part_parser(__doc__, PARTS)
    parser.add_argument("--scale", type=float, default=1.0, help="factor on all amounts")
    options = parser.parse_args()
    os.environ["no_proxy"] = "127.0.0.1"
    run_parts("tag", PARTS, options, Sizes.scaled(options.scale), seeds=[SEED])


if __name__ == "__main__":
    main()
