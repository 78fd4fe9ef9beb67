"""Language models: a client with a cache and a budget, and what it takes and gives."""

from graphlab._namespace import listing
from graphlab.tag.llm._cache import Failure
from graphlab.tag.llm.batch import BatchImport
from graphlab.tag.llm.client import LLMClient
from graphlab.tag.llm.cost import CostEstimate, Price
from graphlab.tag.llm.limits import Limits
from graphlab.tag.llm.protocol import ChatClient, Reply
from graphlab.tag.llm.reply import LLMError, LLMReply
from graphlab.tag.llm.retry import Retry

__all__ = [
    "BatchImport",
    "ChatClient",
    "CostEstimate",
    "Failure",
    "LLMClient",
    "LLMError",
    "LLMReply",
    "Limits",
    "Price",
    "Reply",
    "Retry",
]

__dir__ = listing(__all__)
