"""How other libraries play the same games, each in the way that is fastest for it: what it imports, builds and steps.

Everything here runs their installed packages through their public functions. A round is one game of each of the n.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from itertools import cycle
from typing import Any

import numpy as np

from experiments.bench.measure import Contender, Play

BATCHES = (1, 64, 1_024, 16_384, 65_536)
HORIZON = 25
"""Steps of a game of MPE."""


def in_one_call(n: int) -> int:
    """Steps of our rollouts and of JaxMARL's scans: many for a game alone, which takes less time than the call."""
    return HORIZON if n > 1 else 16 * HORIZON


DRAWN = 16
"""Games for which actions are drawn; they are played over and over."""

STATES = MESSAGES = 8
REFERENTIAL, SPEAKER, REFERENCE = "messaging/referential-v0", "classic/speaker_listener-v0", "classic/reference-v0"
RIDDLE = "classic/switch_riddle-v0"


def contenders(game: str) -> list[Contender]:
    """Everybody else who has this game."""
    found = []
    if game in MPE:
        found.append(
            Contender(game=game, name="mpe2", prepare=partial(mpe2, MPE[game]), by="env-steps", package="mpe2", note=MPE[game])
        )
    if game == REFERENTIAL:
        note = "lewis_signaling in 3 steps (chance, sender, receiver), with the observations a learner reads"
        bare = "without observations, which ours always writes: its fastest"
        for name, observe, said in (("OpenSpiel", True, note), ("OpenSpiel bare", False, bare)):
            play = partial(open_spiel, observe)
            found.append(Contender(game=game, name=name, prepare=play, by="games", package="open-spiel", note=said))
    for name, package, games, play in (("VMAS", "vmas", VMAS, vmas), ("JaxMARL", "jaxmarl", JAXMARL, jaxmarl)):
        for n in BATCHES if game in games else ():
            scenario, note = games[game]
            found.append(
                Contender(
                    game=game,
                    name=name,
                    batch=n,
                    batched=True,
                    prepare=partial(play, scenario, n),
                    by="env-steps",
                    package=package,
                    note=note,
                )
            )
    return found


# ---------------------------------------------------------------------------------------------------------------- mpe2
MPE = {SPEAKER: "simple_speaker_listener_v4", REFERENCE: "simple_reference_v3"}


def mpe2(name: str) -> Play:
    env = import_module(f"mpe2.{name}").parallel_env()
    draw = np.random.default_rng(0)
    choices = {agent: env.action_space(agent).n for agent in env.possible_agents}
    drawn = [{agent: int(draw.integers(k)) for agent, k in choices.items()} for _ in range(DRAWN * HORIZON)]
    return episodes(env, cycle(drawn))


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


# ---------------------------------------------------------------------------------------------------------------- OpenSpiel
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


# ---------------------------------------------------------------------------------------------------------------- VMAS
VMAS = {
    SPEAKER: ("simple_speaker_listener", "simple_speaker_listener, one thread of torch"),
    REFERENCE: ("simple_reference", "simple_reference, one thread of torch; its agents have 9 moves"),
}


def vmas(scenario: str, n: int) -> Play:
    import torch
    from vmas import make_env

    torch.set_num_threads(1)
    env = make_env(scenario, num_envs=n, device="cpu", seed=0, continuous_actions=False)
    drawn = cycle([env.get_random_actions() for _ in range(DRAWN)])

    def play(rounds: int) -> tuple[int, int]:
        for _ in range(rounds):
            env.reset()
            for _ in range(HORIZON):
                env.step(next(drawn))
        return HORIZON * n * rounds, n * rounds

    return play


# ---------------------------------------------------------------------------------------------------------------- JaxMARL
JAXMARL = {
    SPEAKER: ("MPE_simple_speaker_listener_v4", "MPE_simple_speaker_listener_v4, compiled as one scan"),
    REFERENCE: ("MPE_simple_reference_v3", "MPE_simple_reference_v3, compiled as one scan"),
    RIDDLE: ("switch_riddle", "switch_riddle, compiled as one scan; tells in 1 of 3 steps, ours in 1 of 2"),
}


@contextmanager
def mute() -> Iterator[None]:
    """What is printed goes to stderr: JaxMARL greets when it is imported, where --json promises nothing but JSON, and with it
    comes something that undoes contextlib.redirect_stdout."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
        sys.stdout.flush()
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def jaxmarl(name: str, n: int) -> Play:
    """Its steps reset by themselves. Observations, rewards and dones of every step are handed out, for learners read them all."""
    import jax

    with mute():
        from jaxmarl import make

        env = make(name)
    key = jax.random.PRNGKey(0)
    _, state = jax.vmap(env.reset)(jax.random.split(key, n))
    draw = np.random.default_rng(0)
    choices = {agent: env.action_space(agent).n for agent in env.agents}
    drawn = {agent: jax.numpy.asarray(draw.integers(k, size=(in_one_call(n), n))) for agent, k in choices.items()}

    def step(carry: Any, actions: Any) -> Any:
        key, state = carry
        key, now = jax.random.split(key)
        observations, state, rewards, dones, _ = jax.vmap(env.step)(jax.random.split(now, n), state, actions)
        return (key, state), (observations, rewards, dones["__all__"])

    fly = jax.jit(lambda carry: jax.lax.scan(step, carry, drawn))
    carry = jax.block_until_ready(fly((key, state)))[0]

    def play(rounds: int) -> tuple[int, int]:
        nonlocal carry
        games = 0
        for _ in range(rounds):
            carry, (_, _, over) = jax.block_until_ready(fly(carry))
            games += int(np.count_nonzero(over))
        return in_one_call(n) * n * rounds, games

    return play
