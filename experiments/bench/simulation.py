"""Steps a second of every game, beside everybody else who has the same game, at several batches.

Everybody plays random legal actions that were drawn beforehand, on one thread, and the time to start finished games anew counts.

What we aim at is 5 times the best peer at batches 64 to 65,536. Two rows fall short. `batch` at 65,536, which copies all that is
told into arrays that are the caller's own, is nearer to VMAS than that; in place, without copies and in rollouts it is reached.
The switch riddle misses it, at 64 games by less than beyond: the row `bare loop`, the rules and nothing else, one game after
another, is above 5 times JaxMARL but not twice, so that channel, meter, seeds, checks and observations of all agents would have
to take less time than the rules. At one game, in place, ours is ahead of OpenSpiel where it is asked for observations, and
behind where nobody asks: ours always writes them.
"""

from collections.abc import Callable
from functools import partial
from itertools import cycle
from typing import Any

import numpy as np

from commenv.core.errors import whole
from experiments.bench import peers, riddle
from experiments.bench.measure import BenchResult, Contender, Play, Progress, choose, measure_by_game
from experiments.bench.peers import BATCHES, DRAWN, HORIZON, in_one_call

USUAL = 1_024
"""The batch of games that nobody else has."""
ROLLED = f"{HORIZON} steps in one call ({in_one_call(1)} of one game), as in JaxMARL's scan: all actions are known beforehand"
BARE = "the rules in one loop, without channel, meter, seeds and checks: a roof"
IN_PLACE = "step by step, as `batch`, but on arrays that are handed out once"
OPTIONS: dict[str, dict[str, int]] = {peers.REFERENTIAL: {"states": peers.STATES, "bits": 3}}
"""Where a game is not played as it comes."""


def run(
    seconds: float = 1.0, progress: Progress | None = None, *, game: str | None = None, batch: int | None = None
) -> BenchResult:
    """Env-steps and games a second on one thread, beside mpe2, OpenSpiel, VMAS and JaxMARL.

    seconds: CPU time for each of the contenders, warm-up aside. A peer that is not installed is marked so.
    game: only this one; by default all, those that a peer has too at every batch and the others at 1,024.
    batch: only this one, beside the views and peers that step one game at a time.
    """
    return measure_by_game("simulation", contenders(game, batch), seconds, progress)


def contenders(game: str | None = None, batch: int | None = None) -> list[Contender]:
    import commenv

    batch = None if batch is None else whole("batch", batch, 1)
    return [contender for id in choose(game, commenv.ids()) for contender in one_game(id, batch)]


def one_game(id: str, only: int | None = None) -> list[Contender]:
    others = peers.contenders(id)
    batches = BATCHES if others else (USUAL,)
    ours = [
        Contender(game=id, name=name, batch=n, batched=True, prepare=partial(batched, id, n, copy))
        for name, copy in (("batch", True), ("batch, no copy", False))
        for n in (batches if only is None else (only,))
    ]
    ours += [
        Contender(game=id, name="rollout", batch=n, batched=True, prepare=partial(rollout, id, n), note=ROLLED)
        for n in (batches if only is None else (only,))
        if others
    ]
    ours += [
        Contender(game=id, name="in place", batch=n, batched=True, prepare=partial(in_place, id, n), note=IN_PLACE)
        for n in (batches if only is None else (only,))
        if others
    ]
    ours += [
        Contender(game=id, name="bare loop", batch=n, batched=True, prepare=partial(riddle.bare, n), note=BARE)
        for n in (batches if only is None else (only,))
        if id == peers.RIDDLE
    ]
    view = Contender(game=id, name="PettingZoo", prepare=partial(one, id))
    return [*ours, view, *(other for other in others if only is None or not other.batched or other.batch == only)]


def batched(id: str, n: int, copy: bool) -> Play:
    """A round is one step of each of the n games."""
    import commenv

    return steps(commenv.make_batch(id, n, 0, copy=copy, **OPTIONS.get(id, {})))


def steps(env: Any) -> Play:
    every = drawn(env, DRAWN)
    actions = cycle([{name: every[name][t] for name in every} for t in range(DRAWN)])
    return counted(env, lambda: env.step(next(actions)), 1)


def drawn(env: Any, count: int) -> dict[str, np.ndarray]:
    """Uniform actions of so many steps."""
    draw, spaces = np.random.default_rng(0), env.action_spaces
    ends = {name: getattr(space, "nvec", getattr(space, "n", None)) for name, space in spaces.items()}
    return {name: draw.integers(ends[name], size=(count, env.num_envs, *spaces[name].shape)) for name in spaces}


def counted(env: Any, move: Callable[[], Any], steps: int) -> Play:
    """A round is one call of `move`, which takes so many steps in each game."""
    env.reset()

    def play(rounds: int) -> tuple[int, int]:
        before = env.state.games["episode"].sum()
        for _ in range(rounds):
            move()
        return steps * env.num_envs * rounds, int(env.state.games["episode"].sum() - before)

    return play


def in_place(id: str, n: int) -> Play:
    """A round is one step of each of the n games, whose actions are written into the batch's own arrays."""
    import commenv

    env = commenv.make_batch(id, n, 0, **OPTIONS.get(id, {}))
    env.reset()
    hand, every = env.in_place(), drawn(env, DRAWN)
    where = ... if n > 1 else 0  # of one game numbers are written, which takes half the time
    given = {name: [step[where] if n > 1 or step.ndim > 1 else int(step[0]) for step in steps] for name, steps in every.items()}
    actions = cycle([[(hand.actions[name], given[name][t]) for name in given] for t in range(DRAWN)])

    def move() -> None:
        for place, value in next(actions):
            place[where] = value
        hand.step()

    return counted(env, move, 1)


def rollout(id: str, n: int) -> Play:
    """A round is one rollout of the n games."""
    import commenv

    env = commenv.make_batch(id, n, 0, **OPTIONS.get(id, {}))
    actions = drawn(env, in_one_call(n))
    return counted(env, lambda: env.rollout(actions), in_one_call(n))


def one(id: str) -> Play:
    """A round is one game, through commenv.make."""
    import commenv

    env = commenv.make(id, **OPTIONS.get(id, {}))
    for a, name in enumerate(env.possible_agents):
        env.action_space(name).seed(a)
    drawn = [{name: env.action_space(name).sample() for name in env.possible_agents} for _ in range(DRAWN * 25)]
    return peers.episodes(env, cycle(drawn))
