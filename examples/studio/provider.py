"""A stand-in for an LLM provider: the same requests and answers, made-up words, and the moods of the real ones.

It knows nothing of Plainview; ``plainview run -- uvicorn studio.provider:app`` is all there is to it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import secrets
import time
from typing import Annotated, Any, Final, NamedTuple

from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel, Field

from studio import faults, prose

log = logging.getLogger("provider")
app = FastAPI(title="Stand-in LLM provider")


class Model(NamedTuple):
    """How fast a model is: median seconds to its first token, and tokens a second after that."""

    first_token: float
    tokens_per_second: float


MODELS: Final = {
    "quill-small": Model(0.09, 600),
    "quill-large": Model(0.18, 700),
    "palette-1": Model(0.5, 1e6),
    "aloud-1": Model(0.25, 1e6),
}
#: Shares of the calls that go wrong on an ordinary day.
_LIMITED, _BROKEN, _HANGING, _BABBLING = 0.015, 0.01, 0.006, 0.08
_HANG_SECONDS: Final = 8.0


class Message(BaseModel):
    """One turn of a conversation."""

    role: str
    content: str


class ChatRequest(BaseModel):
    """What OpenAI's chat completions take, as far as the studio uses it."""

    model: str
    messages: Annotated[list[Message], Field(min_length=1)]
    max_tokens: Annotated[int, Field(ge=1, le=4096)] = 120


class ImageRequest(BaseModel):
    """A picture to be made."""

    model: str
    prompt: str


class SpeechRequest(BaseModel):
    """A text to be read out."""

    model: str
    input: str


async def admit(authorization: Annotated[str, Header()] = "") -> None:
    """Let a caller in, or not."""
    if not authorization.startswith("Bearer sk-"):
        log.warning("call without a key")
        raise HTTPException(401, "missing API key")
    if faults.active("provider outage"):
        log.error("no capacity: %d of %d nodes are gone", 8, 8, extra={"region": "eu-north"})
        raise HTTPException(503, "no capacity")
    if random.random() < (0.8 if faults.active("rate limit") else _LIMITED):
        log.warning("rate limited", extra={"limit_per_minute": 600, "caller": authorization})
        raise HTTPException(429, "too many requests", headers={"Retry-After": "1"})
    sick = faults.active("sick nodes")
    if random.random() < (0.25 if sick else _BROKEN):
        _allocate(random.randint(40, 80))
    if random.random() < (0.15 if sick else _HANGING):
        log.warning("node does not answer", extra={"node": f"gpu-{random.randint(1, 8)}"})
        await asyncio.sleep(_HANG_SECONDS)


def _allocate(gigabytes: int) -> None:
    msg = f"out of memory: tried to allocate {gigabytes} GiB"
    raise MemoryError(msg)


Admitted = Depends(admit)


@app.get("/health")
async def health() -> dict[str, str]:
    """Always well, as status pages are."""
    return {"status": "healthy"}


@app.post("/v1/chat/completions", dependencies=[Admitted])
async def chat(request: ChatRequest) -> dict[str, Any]:
    """Answer a prompt."""
    prompt = request.messages[-1].content
    if prompt.startswith("Review as JSON") and random.random() > _BABBLING:
        words = json.dumps({"score": random.randint(3, 10), "remark": prose.sentence()})
    else:
        words = prose.paragraph(max(1, request.max_tokens // random.randint(11, 30)))
    usage = {"prompt_tokens": 8 + len(prompt) // 4, "completion_tokens": len(words) // 4}
    seconds = await _think(request.model, usage["completion_tokens"])
    log.info("completed %s: %d + %d tokens in %.2f s", request.model, *usage.values(), seconds, extra=usage)
    return {
        "id": f"chatcmpl-{secrets.token_hex(8)}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request.model,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": words}, "finish_reason": "stop"},
        ],
        "usage": {**usage, "total_tokens": sum(usage.values())},
    }


@app.post("/v1/images/generations", dependencies=[Admitted])
async def paint(request: ImageRequest) -> dict[str, Any]:
    """Make a picture."""
    seconds = await _think(request.model, 0)
    log.info("painted in %.2f s", seconds, extra={"prompt": request.prompt})
    return {"created": int(time.time()), "data": [{"url": f"https://images.invalid/{secrets.token_hex(8)}.png"}]}


@app.post("/v1/audio/speech", dependencies=[Admitted])
async def speak(request: SpeechRequest) -> dict[str, Any]:
    """Read a text out."""
    await _think(request.model, 0)
    return {"seconds": round(len(request.input) / 15, 1)}


async def _think(name: str, tokens: int) -> float:
    """Take as long as a model takes, log-normally spread, and say how long that was, seconds."""
    model = MODELS.get(name)
    if model is None:
        raise HTTPException(404, f"there is no model {name}")
    seconds = (model.first_token + tokens / model.tokens_per_second) * random.lognormvariate(0, 0.45)
    await asyncio.sleep(seconds)
    return seconds
