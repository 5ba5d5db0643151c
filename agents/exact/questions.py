"""A speaker and a listener by theory, in messaging/attributes and messaging/function: the best code of solvers/one_way."""

from collections.abc import Mapping

import numpy as np

from agents.team import Deployed
from commenv.core.errors import bad
from commenv.core.game import Options
from commenv.games.messaging import attributes, function
from commenv.solvers.one_way import one_way

IDS = {"messaging/attributes-v0": attributes.Options, "messaging/function-v0": function.Options}


class OneWayTeam(Deployed):
    """The speaker sends the message of what it sees, the listener answers by the code's table; an erasure is one more message.

    Raises ValueError for other games, and for channels with a memory, or of floats, whose codes cannot be listed.
    """

    def __init__(self, id: str, options: Options) -> None:
        super().__init__(id, options)
        if not isinstance(options, kind := IDS.get(id, ())):
            raise bad("id", id, f"one of {', '.join(IDS)}, with its options, not {kind}")
        link = options.link
        if not link.memoryless or link.floats:
            raise ValueError("a code is one message: over a channel without memory, of symbols")
        self.questions = options.questions  # type: ignore[attr-defined]
        prior, reward = self.questions.prior, self.questions.reward
        code = one_way(prior, reward, link.matrix)
        self.message = code.encoder
        """Of each x, shape (X,)."""
        silent = np.einsum("xy,xya->ya", prior, reward).argmax(axis=1)
        self.answers = np.concatenate([code.decoder, silent[None]])[: link.size + 2]
        """To each symbol, an erasure, and nothing heard, and each y; shape (M + 2, Y)."""

    def player(self, games: int) -> "OneWayTeam":
        return self

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        x = (seen["speaker"] @ self.questions.seen.T).argmax(axis=1)
        Y = self.questions.reward.shape[1]
        y, inbox = seen["listener"][:, :Y].argmax(axis=1), seen["listener"][:, Y:]
        heard = np.where(inbox.any(axis=1), inbox.argmax(axis=1), inbox.shape[1])
        return {"speaker": self.message[x], "listener": self.answers[heard, y]}
