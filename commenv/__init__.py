"""commenv: games in which agents must buy reward with bits, and the limits of what those bits can buy.

make(id, **options) -> PettingZoo ParallelEnv       make_aec(id, **options) -> PettingZoo AECEnv
make_batch(id, num_envs, seed, **options) -> n games side by side, fast
metered(env, channel) -> anybody's ParallelEnv, with a channel under it
limits(id, **options) -> what no communication, the best team, and the best code could earn
ids() -> every game; page(id) -> its documentation; Channel -> what carries the messages; info -> information theory

gymnasium.make("commenv/messaging.referential-v0", agent="receiver") works once this is imported: interfaces/registration.py.

Needs neither torch nor ray; the compiler, scipy and networkx load when a game is first made.
"""

from typing import TYPE_CHECKING, Any

from commenv.core.channel import Channel
from commenv.interfaces.registration import register

if TYPE_CHECKING:
    from pettingzoo import ParallelEnv

    from commenv.core.batch import Batch
    from commenv.core.limits import Limits
    from commenv.interfaces.aec import TurnEnv
    from commenv.interfaces.metered import Metered
    from commenv.interfaces.parallel import SimultaneousEnv
    from commenv.interfaces.seats import Speech

__version__ = "0.1.0"
__all__ = ["Channel", "ids", "limits", "make", "make_aec", "make_batch", "metered", "page"]

register()


def ids() -> list[str]:
    """The id of every game."""
    from commenv.games import CATALOGUE

    return list(CATALOGUE)


def make(id: str, render_mode: str | None = None, **options: Any) -> "SimultaneousEnv":
    """One game as a PettingZoo ParallelEnv. Raises ValueError for an unknown id or a bad option."""
    from commenv.interfaces.parallel import SimultaneousEnv

    return SimultaneousEnv(id, render_mode, **options)


def make_aec(id: str, render_mode: str | None = None, **options: Any) -> "TurnEnv":
    """One game as a PettingZoo AECEnv, in which only agents that can act come to move."""
    from commenv.interfaces.aec import TurnEnv

    return TurnEnv(id, render_mode, **options)


def make_batch(
    id: str, num_envs: int, seed: int | None = None, *, threads: int = 1, copy: bool = True, **options: Any
) -> "Batch":
    """n games side by side. Game i is, bit for bit, the game of `make(id).reset(seed=seed + i)`.

    copy=False hands out the batch's own buffers, which the next step overwrites: faster, for those who read at once.
    """
    from commenv.core.batch import Batch
    from commenv.core.game import choose
    from commenv.games import rules

    module = rules(id)
    return Batch(module, choose(module, options), num_envs, seed, threads=threads, copy=copy)


def metered(
    env: "ParallelEnv", channel: Channel | None = None, *, topology: Any = None, takes_over: "Speech | bool" = False
) -> "Metered":
    """A PettingZoo ParallelEnv that somebody else wrote, with a channel under it; commenv/interfaces/metered.py says how.

    Its agents learn to speak, or, with `takes_over`, what they say already goes through the channel.
    """
    from commenv.interfaces.metered import Metered

    return Metered(env, channel, topology=topology, takes_over=takes_over)


def limits(id: str, **options: Any) -> "Limits":
    """The expected reward a game of the best team: silent, reachable at this rate, and the information-theoretic ceiling."""
    from commenv.core import links
    from commenv.core.game import choose
    from commenv.games import rules

    module = rules(id)
    return links.limits(module, choose(module, options))


def page(id: str) -> str:
    """A game's documentation."""
    from commenv.games import rules

    return rules(id).__doc__ or ""
