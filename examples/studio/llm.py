"""The studio's client of the LLM provider: one call, told apart by how it fails, with a breaker for when it is down."""

from __future__ import annotations

import threading
import time
from typing import Any, Final

import httpx
from opentelemetry import trace

import plainview
from studio.settings import PROVIDER_URL

__all__ = ["ProviderDown", "ProviderError", "RateLimited", "chat", "narrate", "paint"]

log = plainview.get_logger("studio.llm")
tracer = trace.get_tracer("studio.llm")
tokens_used = plainview.counter("studio_llm_tokens_total", "Tokens, in and out.", labels=("model", "direction"))

_TIMEOUT: Final = httpx.Timeout(2.5, connect=1.0)
_KEY: Final = "sk-studio-3f9a61c07d52"
_FAILURES: Final = 8
_PAUSE_SECONDS: Final = 4.0


class ProviderError(Exception):
    """The provider did not do what it was asked."""


class RateLimited(ProviderError):  # noqa: N818 - its base says what it is
    """The provider wants to be asked later: after ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"rate limited, retry after {seconds:g} s")
        self.seconds = seconds


class ProviderDown(ProviderError):  # noqa: N818 - as above
    """Not asked at all: the last calls have all failed."""


class _Breaker:
    """Opens after several failures in a row, for a few seconds, so that a provider that is down is left alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._until = 0.0

    def check(self) -> None:
        if time.monotonic() < self._until:
            msg = "the provider is down; calls are paused"
            raise ProviderDown(msg)

    def succeeded(self) -> None:
        with self._lock:
            was_down, self._failures = self._failures >= _FAILURES, 0
        if was_down:
            log.info("provider answers again")

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            opens = self._failures >= _FAILURES and time.monotonic() >= self._until
            if opens:
                self._until = time.monotonic() + _PAUSE_SECONDS
        if opens:
            log.critical("provider is down", failures=self._failures, paused_seconds=_PAUSE_SECONDS, url=PROVIDER_URL)


_client: Final = httpx.Client(base_url=PROVIDER_URL, timeout=_TIMEOUT, headers={"Authorization": f"Bearer {_KEY}"})
_breaker: Final = _Breaker()


def chat(model: str, prompt: str, *, max_tokens: int = 200) -> str:
    """The model's answer to a prompt.

    Raises:
        ProviderError: there is none; `RateLimited` and `ProviderDown` tell why.
    """
    messages = [{"role": "user", "content": prompt}]
    body = {"model": model, "messages": messages, "max_tokens": max_tokens}
    answer = _call("chat", "/v1/chat/completions", model, body)
    return str(answer["choices"][0]["message"]["content"])


def paint(model: str, prompt: str) -> str:
    """Address of a picture. Raises as `chat`."""
    return str(
        _call("image_generation", "/v1/images/generations", model, {"model": model, "prompt": prompt})["data"][0]["url"]
    )


def narrate(model: str, text: str) -> float:
    """Length of a recording of a text, seconds. Raises as `chat`."""
    return float(_call("speech", "/v1/audio/speech", model, {"model": model, "input": text})["seconds"])


def _call(operation: str, path: str, model: str, body: dict[str, Any]) -> dict[str, Any]:
    attributes = {"gen_ai.operation.name": operation, "gen_ai.provider.name": "stand-in", "gen_ai.request.model": model}
    with tracer.start_as_current_span(f"{operation} {model}", attributes=attributes) as span:
        began = time.perf_counter()
        try:
            answer = _send(path, body)
        except ProviderError:
            plainview.metric("ml_predictions_total").labels(model=model, status="failed").inc()
            raise
        plainview.metric("ml_predictions_total").labels(model=model, status="success").inc()
        plainview.metric("ml_prediction_duration_seconds").labels(model=model).observe(time.perf_counter() - began)
        usage = answer.get("usage", {})
        tokens = {"input_tokens": usage.get("prompt_tokens", 0), "output_tokens": usage.get("completion_tokens", 0)}
        for direction in ("input", "output"):
            tokens_used.labels(model=model, direction=direction).inc(tokens[f"{direction}_tokens"])
        span.set_attributes({f"gen_ai.usage.{name}": count for name, count in tokens.items()})
        log.debug("model answered", model=model, duration_ms=round((time.perf_counter() - began) * 1e3, 1), **tokens)
        return answer


def _send(path: str, body: dict[str, Any]) -> dict[str, Any]:
    _breaker.check()
    try:
        response = _client.post(path, json=body)
        if response.status_code != httpx.codes.TOO_MANY_REQUESTS:
            response.raise_for_status()
    except httpx.TimeoutException as error:
        _breaker.failed()
        msg = f"no answer within {_TIMEOUT.read:g} s"
        raise ProviderError(msg) from error
    except httpx.HTTPError as error:
        _breaker.failed()
        raise ProviderError(str(error).partition("\n")[0]) from error
    _breaker.succeeded()
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise RateLimited(float(response.headers.get("retry-after", "1")))
    return dict(response.json())
