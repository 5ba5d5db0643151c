"""The referential game: its limits against vectors, codes that attain them, and nothing heard but the channel."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from examples import BITWISE, LINKS, NOISES, digest, heard

import commenv
from commenv import Channel, info
from commenv.core.batch import Batch
from commenv.core.game import choose
from commenv.games import rules
from commenv.games.messaging import referential

ID = "messaging/referential-v0"
PRIOR8 = (0.3, 0.2, 0.15, 0.1, 0.1, 0.08, 0.05, 0.02)
PRIOR6 = (0.25, 0.2, 0.15, 0.15, 0.15, 0.1)
TABLE6 = ((1, 0.2, 0, 0.5), (0.9, 0.1, 0.3, 0), (0, 1, 0.4, 0.2), (0.2, 0.7, 0.1, 0), (0.1, 0.3, 1, 0.6), (0, 0, 0.2, 1))
TABULATED = {"states": 6, "prior": PRIOR6, "reward": TABLE6}
ALONE = {**NOISES, **BITWISE}
"""Channels on which a message's fate depends on nothing else."""
ORDERED8 = (5 / 7, 6 / 7, 0.910714286, 0.928571429, 0.946428571, 0.964285714, 0.982142857, 1.0)


def close(value: float) -> Any:
    """Half a unit in the last digit of what is printed, nine digits at most."""
    return pytest.approx(value, abs=5.1e-10)


# ---------------------------------------------------------------------------------------------------------------- vectors
@pytest.mark.parametrize(("symbols", "reachable"), list(enumerate(ORDERED8, start=1)))
def test_ordered(symbols, reachable):  # spec/information.md 4.4
    limits = commenv.limits(ID, reward="ordered", channel={"symbols": symbols})
    assert limits.silent.value == close(5 / 7)
    assert limits.reachable.value == close(reachable)
    assert limits.reachable.exact
    ceilings = {1: 5 / 7, 2: 0.895808042, 3: 0.943802144, 4: 0.967336303, 5: 0.981291927, 8: 1.0}
    if symbols in ceilings:
        assert limits.ceiling.value == pytest.approx(ceilings[symbols], abs=2e-9)


@pytest.mark.parametrize(("symbols", "reachable"), list(enumerate((0.475, 0.73, 0.875, 0.935), start=1)))
def test_table(symbols, reachable):  # spec/information.md 4.3 and 4.4
    limits = commenv.limits(ID, **TABULATED, channel={"symbols": symbols})
    assert limits.silent.value == close(0.475)
    assert limits.reachable.value == close(reachable)
    assert limits.ceiling.value == pytest.approx(
        {1: 0.475, 2: 0.834166260, 4: 0.935}.get(symbols, limits.ceiling.value), abs=2e-9
    )


@pytest.mark.parametrize("states", [2, 5, 8])
@pytest.mark.parametrize("symbols", [1, 2, 3, 8])
def test_identity(states, symbols):  # G(m) = m / M
    limits = commenv.limits(ID, states=states, channel={"symbols": symbols})
    assert limits.silent.value == close(1 / states)
    assert limits.reachable.value == close(min(symbols / states, 1))


@pytest.mark.parametrize(("bits", "reachable"), list(enumerate((0.3, 0.5, 0.75, 1.0))))
def test_likeliest_states(bits, reachable):  # spec/games.md 8.1
    assert commenv.limits(ID, prior=PRIOR8, bits=bits).reachable.value == close(reachable)


@pytest.mark.parametrize(
    ("error", "reachable", "ceiling"), [(0.05, 0.475, 0.724334444), (0.1, 0.45, 0.657913517), (0.2, 0.4, 0.541391558)]
)
def test_noisy_identity(error, reachable, ceiling):  # spec/information.md 4.7
    limits = commenv.limits(ID, states=4, bits=1, channel={"error": error})
    assert limits.reachable.value == close(reachable)
    assert limits.reachable.exact
    assert limits.ceiling.value == pytest.approx(ceiling, abs=2e-9)


@pytest.mark.parametrize(("states", "bits", "error"), [(8, 2, 0.05), (8, 3, 0.3), (4, 2, 0.1)])
def test_symmetric_identity(states, bits, error):
    limits = commenv.limits(ID, states=states, bits=bits, channel={"error": error})
    assert limits.reachable.value == close(2**bits * (1 - error) / states)


CANDIDATES = {  # spec/games.md 8.1
    (8, 2): (0.5, 0.785714286, 0.928571429, 1.0),
    (8, 4): (0.25, 0.492857143, 0.785714286, 1.0),
    (27, 5): (0.2, 0.391851852, 0.634358974, 0.823418803, 0.937321937, 1.0),
    (64, 4): (0.25, 0.471701795, 0.693756138, 0.843865680, 0.930101231, 0.976190476, 1.0),
}


@pytest.mark.parametrize(
    ("states", "candidates", "bits", "reachable"), [(*game, b, v) for game, row in CANDIDATES.items() for b, v in enumerate(row)]
)
def test_candidates(states, candidates, bits, reachable):
    limits = commenv.limits(ID, states=states, candidates=candidates, bits=bits)
    assert limits.silent.value == close(1 / candidates)
    assert limits.reachable.value == close(reachable)
    assert limits.reachable.exact


@pytest.mark.parametrize(
    ("states", "candidates", "symbols", "reachable"), [(6, 3, 2, 19 / 30), (6, 2, 3, 0.9), (7, 3, 2, 0.619047619)]
)
def test_candidates_in_uneven_cells(states, candidates, symbols, reachable):
    limits = commenv.limits(ID, states=states, candidates=candidates, channel={"symbols": symbols})
    assert limits.reachable.value == close(reachable)


# ---------------------------------------------------------------------------------------------------------------- order
@pytest.mark.parametrize("noise", {**ALONE, **LINKS})
@pytest.mark.parametrize(
    "options",
    [{}, {"reward": "ordered"}, TABULATED, {"states": 6, "candidates": 3}],
    ids=["identity", "ordered", "table", "candidates"],
)
def test_limits_are_in_order_and_grow_with_the_rate(noise, options):
    before = None
    for bits in range(4):
        limits = commenv.limits(ID, bits=bits, channel={**ALONE, **LINKS}[noise], **options)
        assert limits.silent.value <= limits.reachable.value + 1e-9
        assert limits.reachable.value <= limits.ceiling.value + 1e-9
        assert limits.silent.exact
        if bits == 0:
            assert limits.reachable.value == pytest.approx(limits.silent.value)
            assert limits.efficiency(limits.silent.value) is None
        if before and limits.reachable.exact:
            assert limits.reachable.value >= before.reachable.value - 1e-9
        before = limits


@pytest.mark.parametrize(
    "channel",
    [
        {"floats": 2, "bits": 2, "gaussian": 0.3, "delay": (0, 2)},
        {"floats": 2, "bits": 2, "gaussian": 0.3, "error": 0.2, "drop": 0.1, "silence": True, "cap": 5},
        {"floats": 2, "bits": 2, "rates": [(0, 1, 1)], "corrupt": [(0, 1, 0.2)], "silence": True},
        {"floats": 31, "bits": 2, "flip": 0.1, "error": 0.1},
        {"bits": 13, "silence": True, "drop": 0.2, "fade": 0.1, "delay": (0, 2)},
        {"bits": 13, "rates": [(0, 1, 2)], "corrupt": [(0, 1, 0.2, 5)]},
    ],
    ids=str,
)
def test_limits_of_any_channel_are_in_order(channel):
    limits = commenv.limits("messaging/referential-v0", rounds=2, channel=channel)
    assert limits.silent.value <= limits.reachable.value + 1e-9 <= limits.ceiling.value + 2e-9
    assert not limits.ceiling.exact


def test_rounds_add_up_and_truncation_cuts_them():
    once = commenv.limits(ID, reward="ordered")
    for options, rounds in (({"rounds": 3}, 3), ({"rounds": 3, "max_cycles": 5}, 2), ({"rounds": 3, "max_cycles": 99}, 3)):
        limits = commenv.limits(ID, reward="ordered", **options)
        for name in ("silent", "reachable", "ceiling"):
            assert getattr(limits, name).value == pytest.approx(rounds * getattr(once, name).value)


# ---------------------------------------------------------------------------------------------------------------- play
def play(
    batch: Batch, encoder: np.ndarray, decide: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """States and rewards of one round: messages are encoder[state], actions decide(delivered, receiver's own observation)."""
    states = batch.reset()["sender"].argmax(axis=1)
    idle = np.zeros(batch.num_envs, int)
    observations, *_ = batch.step({"sender": encoder[states], "receiver": idle})
    inbox = batch.inbox("receiver")
    delivered = heard(observations["receiver"][:, inbox])
    actions = decide(delivered, observations["receiver"][:, : inbox.start])
    _, rewards, terminations, *_ = batch.step({"sender": idle, "receiver": actions})
    assert terminations["sender"].all()
    np.testing.assert_array_equal(rewards["sender"], rewards["receiver"])
    return states, rewards["sender"]


@pytest.mark.parametrize(
    ("options", "bits"),
    [({"reward": "ordered"}, 1), ({"reward": "ordered"}, 2), ({"prior": PRIOR8}, 2), (TABULATED, 1), (TABULATED, 2), ({}, 3)],
    ids=["ordered, 1 bit", "ordered, 2 bits", "prior", "table, 1 bit", "table, 2 bits", "identity"],
)
def test_the_best_code_earns_what_is_reachable(options, bits):
    game = referential.Options(**options, bits=bits)
    code = info.one_shot(game.probabilities, game.table, 2**bits)
    batch = commenv.make_batch(ID, 20_000, seed=2, bits=bits, **options)
    states, rewards = play(batch, code.encoder, lambda delivered, _: code.decoder[delivered])
    earned = np.full(game.states, np.nan)
    earned[states] = rewards  # each state earns one reward: enumeration, not an estimate
    np.testing.assert_array_equal(earned[states], rewards)
    reachable = commenv.limits(ID, bits=bits, **options).reachable.value
    assert float(game.probabilities @ earned) == pytest.approx(reachable, abs=1e-12)
    frequencies = np.bincount(states, minlength=game.states) / len(states)
    error = np.sqrt(game.probabilities * (1 - game.probabilities) / len(states))
    assert (np.abs(frequencies - game.probabilities) <= 4 * error).all()


@pytest.mark.parametrize("noise", [noise for noise, fields in ALONE.items() if fields.keys() - {"silence"}])
@pytest.mark.parametrize("options", [{"states": 6}, TABULATED], ids=["identity", "table"])
def test_the_best_code_earns_what_is_reachable_through_noise(noise, options):
    game = referential.Options(**options, channel={"bits": 1, **ALONE[noise]})
    code = info.noisy_one_shot(game.probabilities, game.table, game.link.matrix)
    batch = commenv.make_batch(ID, 200_000, seed=3, **options, channel=game.link)
    _, rewards = play(batch, code.encoder, lambda delivered, _: code.decoder[delivered])
    reachable = commenv.limits(ID, **options, channel=game.link).reachable.value
    assert abs(rewards.mean() - reachable) <= 4 * rewards.std() / np.sqrt(len(rewards))


@pytest.mark.parametrize("noise", ["noiseless", "symmetric", "erasure"])
def test_equal_cells_earn_what_is_reachable_among_candidates(noise):
    K, C, M = 10, 4, 4
    channel = Channel(symbols=M, **NOISES[noise])
    batch = commenv.make_batch(ID, 200_000, seed=4, states=K, candidates=C, channel=channel)
    cells = np.arange(K) % M

    def decide(delivered: np.ndarray, seen: np.ndarray) -> np.ndarray:
        shown = seen.reshape(-1, C, K).argmax(axis=2)
        assert (np.diff(np.sort(shown, axis=1), axis=1) > 0).all()  # all different
        return channel.matrix[cells[shown], delivered[:, None]].argmax(axis=1)

    _, rewards = play(batch, cells, decide)
    reachable = commenv.limits(ID, states=K, candidates=C, channel=channel).reachable.value
    assert abs(rewards.mean() - reachable) <= 4 * rewards.std() / np.sqrt(len(rewards))


def test_candidates_are_a_uniform_set_and_the_target_any_of_them():
    K, C, n = 5, 3, 100_000
    batch = commenv.make_batch(ID, n, seed=5, states=K, candidates=C)
    observations = batch.reset()
    shown = observations["receiver"][:, : C * K].reshape(n, C, K).argmax(axis=2)
    target = observations["sender"].argmax(axis=1)
    which = [tuple(sorted(row)) for row in shown.tolist()]
    place = (shown == target[:, None]).argmax(axis=1)
    assert (shown[np.arange(n), place] == target).all()
    for counts, kinds in (
        (np.unique(which, axis=0, return_counts=True)[1], 10),
        (np.bincount(place), C),
        (np.bincount(target), K),
    ):
        assert len(counts) == kinds
        assert (np.abs(counts - n / kinds) <= 4 * np.sqrt(n / kinds)).all()


def test_a_game_of_rounds():
    env = commenv.make(ID, rounds=3, bits=3, reward="ordered")
    observations, _ = env.reset(seed=0)
    total = 0.0
    for t in range(6):
        state = int(observations["sender"].argmax())
        action = {"sender": state} if t % 2 == 0 else {"receiver": int(observations["receiver"].argmax())}
        observations, rewards, terminations, *_ = env.step(action)
        assert (rewards["sender"] == 0) if t % 2 == 0 else (rewards["sender"] == rewards["receiver"] == 1)
        total += rewards["sender"]
        assert terminations["sender"] == (t == 5)
    assert total == 3


# ---------------------------------------------------------------------------------------------------------------- options
@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"states": 1}, "states=1"),
        ({"states": 4097}, "states=4097"),
        ({"states": 8.0}, "states=8.0"),
        ({"rounds": 0}, "rounds=0"),
        ({"rounds": True}, "rounds=True"),
        ({"states": 2, "prior": [0.5, 0.4]}, "prior=[0.5, 0.4]"),
        ({"states": 2, "prior": [1.5, -0.5]}, "prior=[1.5, -0.5]"),
        ({"states": 2, "prior": [0.5, float("nan")]}, "prior=[0.5, nan]"),
        ({"states": 3, "prior": [0.5, 0.5]}, "prior=[0.5, 0.5]"),
        ({"states": 2, "prior": "even"}, "prior='even'"),
        ({"states": 2, "prior": 0.5}, "prior=0.5"),
        ({"states": 2, "prior": [None, 1]}, "prior=[None, 1]"),
        ({"reward": "fancy"}, "reward='fancy'"),
        ({"reward": 3}, "reward=3"),
        ({"reward": None}, "reward=None"),
        ({"states": 2, "reward": [[1, 0]]}, "reward=[[1, 0]]"),
        ({"states": 2, "reward": [[1, 0], [1]]}, "reward=[[1, 0], [1]]"),
        ({"states": 2, "reward": [[1, 0], [1, float("nan")]]}, "reward=[[1, 0], [1, nan]]"),
        ({"states": 2, "reward": [[], []]}, "reward=[[], []]"),
        ({"states": 2, "reward": [["a", "b"], ["c", "d"]]}, "reward="),
        ({"candidates": 1}, "candidates=1"),
        ({"candidates": 9}, "candidates=9"),
        ({"candidates": 2, "reward": "ordered"}, "reward"),
        ({"candidates": 2, "prior": [1 / 8] * 8}, "prior"),
        ({"bits": -1}, "bits=-1"),
        ({"channel": {"error": 2}}, "error=2"),
        ({"max_cycles": 0}, "max_cycles=0"),
        ({"colour": "red"}, "'colour'"),
    ],
)
def test_bad_options_are_named(options, named):
    for of in (commenv.make, commenv.limits):
        with pytest.raises(ValueError, match=r".") as caught:
            of(ID, **options)
        assert named in str(caught.value)
        assert "\n" not in str(caught.value)


def test_the_page_says_what_the_options_are():
    assert rules(ID).__doc__ == commenv.page(ID)


# ---------------------------------------------------------------------------------------------------------------- silence
@pytest.mark.parametrize("candidates", [None, 3])
@pytest.mark.parametrize("noise", {**ALONE, **LINKS})
def test_the_receiver_sees_nothing_but_the_channel(noise, candidates):
    """Change what the sender alone knows and hold its messages: what the receiver is told must not move by a bit."""
    n, rounds = 300, 3
    rng = np.random.default_rng(0)

    def batch() -> Batch:
        return commenv.make_batch(ID, n, seed=6, candidates=candidates, rounds=rounds, channel={**ALONE, **LINKS}[noise])

    ours, theirs = batch(), batch()
    assert digest(ours.reset()) == digest(theirs.reset())
    for t in range(2 * rounds):
        games, row = theirs.state.games, np.arange(n)
        if t % 2 == 0:
            if candidates:
                games["place"] = (games["place"] + rng.integers(1, candidates, n)) % candidates
                games["state"] = theirs.state.board[row, games["place"]]
            else:
                games["state"] = (games["state"] + rng.integers(1, 8, n)) % 8
            assert (ours.state.games["state"] != games["state"]).all()
        action = {"sender": rng.integers(0, 4, n), "receiver": rng.integers(0, candidates or 8, n)}
        told, told_theirs = ours.step(action), theirs.step(action)
        assert digest(told[0]["receiver"]) == digest(told_theirs[0]["receiver"])
        assert digest(told[2:4]) == digest(told_theirs[2:4])
        infos, infos_theirs = told[4]["receiver"], told_theirs[4]["receiver"]
        assert infos.keys() == infos_theirs.keys()
        for name in infos.keys() - {"final_info"}:  # which holds the return
            assert digest(infos[name]) == digest(infos_theirs[name])


@pytest.mark.parametrize("code", ["best", "random"])
@pytest.mark.parametrize("noise", ALONE)
def test_no_message_tells_more_than_the_capacity(noise, code):
    n, channel = 100_000, Channel(bits=2, **ALONE[noise])
    encoder = np.arange(8) % 4 if code == "best" else np.random.default_rng(8).integers(0, 4, 8)
    batch = commenv.make_batch(ID, n, seed=7, channel=channel)
    counts = np.zeros((8, channel.matrix.shape[1]))

    def count(delivered: np.ndarray, _: np.ndarray) -> np.ndarray:
        np.add.at(counts, (batch.state.games["state"], delivered), 1)
        return np.zeros(n, int)

    play(batch, encoder, count)
    estimate = info.estimate_mutual_information(counts)
    assert estimate.samples == n
    assert estimate.bits <= channel.capacity + 4 * estimate.standard_error
    exact = info.mutual_information(channel.matrix[encoder] / 8)
    assert abs(estimate.bits - exact) <= 4 * estimate.standard_error + 1e-4


def test_nobody_changes_a_running_games_rules():
    table = np.eye(2)
    env = commenv.make(ID, states=2, reward=table, prior=np.array([0.5, 0.5]))
    table[0, 0] = 7
    assert env.batch.options.table[0, 0] == 1
    assert env.batch.options == choose(rules(ID), {"states": 2, "reward": [[1, 0], [0, 1]], "prior": (0.5, 0.5)})
    assert isinstance(hash(env.batch.options), int)


def test_a_budget_over_many_rounds_is_no_trouble():
    """Silence names one state; a message is spent where that one is wrong, and with rounds in plenty each earns a whole 1."""
    found = commenv.limits(ID, rounds=2000, channel={"bits": 3, "silence": True, "cap": 6}).reachable
    assert found.value == pytest.approx(2000 / 8 + 2)
    with pytest.raises(ValueError, match="too many"):
        commenv.limits(ID, rounds=10**6, channel={"silence": True, "refill": 0.1})
