"""Calls to a chat model with the SDK and a semaphore: what people write first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

__all__ = ["bare_replies"]


def bare_replies(base_url: str, prompts: Sequence[str], concurrency: int) -> list[str]:
    """Ask all prompts at once, some at a time; no cache, no retry, no limits."""
    from openai import AsyncOpenAI

    async def run() -> list[str]:
        slots = asyncio.Semaphore(concurrency)
        async with AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0) as client:

            async def ask(prompt: str) -> str:
                async with slots:
                    reply = await client.chat.completions.create(
                        model="m", messages=[{"role": "user", "content": prompt}], temperature=0.0
                    )
                return reply.choices[0].message.content or ""

            return await asyncio.gather(*(ask(prompt) for prompt in prompts))

    return asyncio.run(run())
