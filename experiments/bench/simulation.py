"""Games a second: referential games of 8 states and 3 bits, beside the sender-and-listener games of mpe2 and OpenSpiel.

Everybody plays random legal actions that were drawn beforehand, on one thread, and the time to start finished games anew counts.
"""

from functools import partial
from itertools import cycle
from typing import Any

import numpy as np

from experiments.bench.measure import BenchResult, Contender, Play, Progress, measure

ID = "messaging/referential-v0"
STATES = MESSAGES = 8
BITS = 3
BATCHES = (1, 64, 1_024, 16_384)
DRAWN = 16
"""Games for which actions are drawn; they are played over and over."""


def run(seconds: float = 1.0, progress: Progress | None = None) -> BenchResult:
    """Env-steps and games a second on one thread, beside mpe2 and OpenSpiel.

    seconds: CPU time for each of the contenders, warm-up aside. A peer that is not installed is marked so.
    """
    return measure("simulation", contenders(), seconds, progress)


def contenders() -> list[Contender]:
    batches = [
        Contender(name=name, batch=n, prepare=partial(batch, n, copy))
        for name, copy in (("batch", True), ("batch, no copy", False))
        for n in BATCHES
    ]
    return [
        *batches,
        Contender(name="PettingZoo", prepare=partial(view, rounds=1), note="commenv.make: one game as a ParallelEnv"),
        Contender(
            name="PettingZoo 24",
            prepare=partial(view, rounds=12),
            against=("mpe2",),
            note="rounds=12, 24 steps a game: nearly as long as mpe2's, so that starting anew weighs the same",
        ),
        Contender(
            name="mpe2",
            prepare=mpe2,
            by="env-steps",
            package="mpe2",
            note="simple_speaker_listener_v4; its games have 25 steps, so by games the ratio would be 12.5 times as large",
        ),
        Contender(
            name="OpenSpiel",
            prepare=partial(open_spiel, observe=True),
            by="games",
            package="open-spiel",
            note="lewis_signaling, the same game in 3 steps (chance, sender, receiver), with the observations a learner reads",
        ),
        Contender(
            name="OpenSpiel bare",
            prepare=partial(open_spiel, observe=False),
            by="games",
            package="open-spiel",
            note="without observations, which ours always writes: its fastest",
        ),
    ]


def batch(n: int, copy: bool) -> Play:
    """A round is one game of each of the n: two steps."""
    import commenv

    env = commenv.make_batch(ID, n, 0, copy=copy, states=STATES, bits=BITS)
    draw, idle = np.random.default_rng(0), np.zeros(n, np.int64)
    speak = cycle([{"sender": draw.integers(MESSAGES, size=n), "receiver": idle} for _ in range(DRAWN)])
    name = cycle([{"sender": idle, "receiver": draw.integers(STATES, size=n)} for _ in range(DRAWN)])

    env.reset()
    for actions, over in ((next(speak), False), (next(name), True)):
        terminated = env.step(actions)[2]["receiver"]
        if (terminated != over).any():
            raise RuntimeError(f"{ID}: a game is not two steps long")

    def play(rounds: int) -> tuple[int, int]:
        for _ in range(rounds):
            env.step(next(speak))
            env.step(next(name))
        return 2 * n * rounds, n * rounds

    return play


def view(rounds: int) -> Play:
    import commenv

    env = commenv.make(ID, states=STATES, bits=BITS, rounds=rounds)
    draw = np.random.default_rng(0)
    speak = cycle([{"sender": m, "receiver": 0} for m in draw.integers(MESSAGES, size=DRAWN).tolist()])
    name = cycle([{"sender": 0, "receiver": a} for a in draw.integers(STATES, size=DRAWN).tolist()])
    return episodes(env, cycle([next(moves) for _ in range(DRAWN) for moves in (speak, name)]))


def mpe2() -> Play:
    from mpe2 import simple_speaker_listener_v4

    env = simple_speaker_listener_v4.parallel_env()
    draw = np.random.default_rng(0)
    choices = {agent: env.action_space(agent).n for agent in env.possible_agents}
    return episodes(env, cycle([{agent: int(draw.integers(k)) for agent, k in choices.items()} for _ in range(DRAWN * 25)]))


def episodes(env: Any, actions: Any) -> Play:
    """A round is one whole game of a PettingZoo ParallelEnv."""
    env.reset(seed=0)

    def play(rounds: int) -> tuple[int, int]:
        steps = 0
        for _ in range(rounds):
            while env.agents:
                env.step(next(actions))
                steps += 1
            env.reset()
        return steps, rounds

    return play


def open_spiel(observe: bool) -> Play:
    """A round is one game: chance draws the state, the sender speaks, the receiver names."""
    import pyspiel

    payoffs = ",".join(str(int(x)) for x in np.eye(STATES).ravel())
    settings = {"num_states": STATES, "num_messages": MESSAGES, "payoffs": payoffs}
    game = pyspiel.load_game("lewis_signaling", settings)
    draw = np.random.default_rng(0)
    drawn = cycle(draw.integers((STATES, MESSAGES, STATES), size=(DRAWN, 3)).tolist())

    def play(rounds: int) -> tuple[int, int]:
        for _ in range(rounds):
            chance, message, action = next(drawn)
            state = game.new_initial_state()
            state.apply_action(chance)
            if observe:
                state.observation_tensor(0)
            state.apply_action(message)
            if observe:
                state.observation_tensor(1)
            state.apply_action(action)
            state.rewards()
        return 3 * rounds, rounds

    if not ended(game, next(drawn)):
        raise RuntimeError("lewis_signaling: a game is not chance, sender, receiver")
    return play


def ended(game: Any, actions: list[int]) -> bool:
    state = game.new_initial_state()
    for action in actions:
        state.apply_action(action)
    return bool(state.is_terminal())
