"""A language model as a player: a game in words, sent to an endpoint that speaks OpenAI's chat protocol; tokens are counted."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

import numpy as np

from agents.team import Deployed, Player
from commenv.core.errors import bad, number, whole
from commenv.core.game import Options
from commenv.interfaces.text import TextView

PASSING = (408, 429, 500, 502, 503, 504)
"""HTTP answers after which it is worth to ask again."""
LONGEST = 1 << 20
"""Bytes of an answer that are read."""


@dataclass
class TokenMeter:
    """What a model has cost so far, as its endpoint counts it."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    retries: int = 0
    """Calls that had to be made again: nobody answered in time, or with an error that may pass, or with no action."""


@dataclass
class Endpoint:
    """An endpoint that answers POST url/chat/completions as OpenAI's does. Raises ValueError for what is not allowed."""

    url: str
    """Its base, http or https, for example http://127.0.0.1:8000/v1."""
    model: str
    key: str | None = None
    """Sent as a bearer token; never shown."""
    timeout: float = 30.0
    """Seconds to wait for an answer."""
    retries: int = 2
    """Times to ask again."""
    wait: float = 0.5
    """Seconds before the first of them; each next wait is twice as long."""
    meter: TokenMeter = field(default_factory=TokenMeter)

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise bad("url", self.url, "an address that begins with http:// or https://")
        number("timeout", self.timeout, 1e-3, 3600)
        number("wait", self.wait, 0, 3600)
        whole("retries", self.retries, 0, 100)

    def __repr__(self) -> str:
        return f"Endpoint({self.url!r}, {self.model!r})"

    def ask(self, messages: list[dict[str, str]]) -> str:
        """The text of an answer. Raises ConnectionError where none comes, and ValueError for one that is no chat completion."""
        body = json.dumps({"model": self.model, "messages": messages, "temperature": 0}).encode()
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self.key}"} if self.key else {})
        request = urllib.request.Request(f"{self.url.rstrip('/')}/chat/completions", body, headers)
        for attempt in range(self.retries + 1):
            self.meter.calls += 1
            try:
                with urllib.request.urlopen(request, timeout=self.timeout) as answer:
                    return self._text(answer.read(LONGEST))
            except urllib.error.HTTPError as error:
                reason = f"HTTP {error.code}"
                if error.code not in PASSING:
                    raise ConnectionError(f"{self.url} refuses: {reason}") from error
            except (urllib.error.URLError, HTTPException, OSError) as error:
                reason = str(getattr(error, "reason", error)) or type(error).__name__
            if attempt < self.retries:
                self.meter.retries += 1
                time.sleep(self.wait * 2**attempt)
        raise ConnectionError(f"{self.url} has not answered {self.retries + 1} times: {reason}")

    def _text(self, body: bytes) -> str:
        try:
            page: Any = json.loads(body)
            usage = page.get("usage") or {}
            text = page["choices"][0]["message"]["content"]
            used = int(usage.get("prompt_tokens", 0)), int(usage.get("completion_tokens", 0))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as reason:
            raise ValueError(f"{self.url} answers with no chat completion: {body[:200]!r}") from reason
        if not isinstance(text, str):
            raise ValueError(f"{self.url} answers with no text: {text!r}")
        self.meter.prompt_tokens += used[0]
        self.meter.completion_tokens += used[1]
        return text


class Language(Deployed):
    """A team in which a language model plays one agent, and another team all others.

    Each decision is one conversation of its own: rules, then what is seen. An answer that names no action is asked for again, as
    often as the endpoint's retries say; then ValueError. Games are played one decision after another.
    """

    def __init__(self, id: str, options: Options, ask: Endpoint, others: Deployed, agent: str = "planner") -> None:
        super().__init__(id, options)
        self.view = TextView(id, options, agent)  # type: ignore[arg-type]
        self.ask, self.others, self.agent = ask, others, agent

    def player(self, games: int) -> Player:
        return _Reading(self.choose, self.agent, self.others.player(games))

    def choose(self, observation: np.ndarray) -> int:
        """The model's action for one observation."""
        messages = [
            {"role": "system", "content": self.view.rules()},
            {"role": "user", "content": self.view.say(observation)},
        ]
        for attempt in range(self.ask.retries + 1):
            text = self.ask.ask(messages)
            try:
                return self.view.hear(text)
            except ValueError as reason:
                if attempt == self.ask.retries:
                    raise
                self.ask.meter.retries += 1
                messages = [*messages[:2], {"role": "assistant", "content": text}, {"role": "user", "content": str(reason)}]
        raise AssertionError("the last attempt returns or raises")


class _Reading:
    def __init__(self, choose: Callable[[np.ndarray], int], agent: str, others: Player) -> None:
        self.choose, self.agent, self.others = choose, agent, others

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        actions = self.others.act(seen, active, fresh)
        mine = np.zeros(len(fresh), int)
        for i in np.flatnonzero(active[self.agent]):
            mine[i] = self.choose(seen[self.agent][i])
        return {**actions, self.agent: mine}
