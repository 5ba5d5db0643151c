"""PettingZoo's own tests, and the same games whichever way one looks at them."""

import copy
import pickle
import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from examples import OPTION_SETS, REFERENTIAL, RING, digest, one, random_actions
from pettingzoo.test import api_test, max_cycles_test, parallel_api_test, parallel_seed_test, render_test, seed_test, state_test
from pettingzoo.utils import aec_to_parallel

import commenv

LONG = {
    **OPTION_SETS,
    "600 rounds": (REFERENTIAL, {"rounds": 600}),
    "600 steps": (RING, {"stop": 0.0, "max_cycles": 600}),
}
TASTE = (
    "recommend agents to be named|different observation space|Observations are different|should be gymnasium.spaces.box|all zeros"
)


@pytest.fixture(params=LONG)
def long(request: pytest.FixtureRequest) -> tuple[str, dict]:
    return LONG[request.param]


# ---------------------------------------------------------------------------------------------------------------- theirs
@pytest.fixture
def no_complaints():
    """Every warning of PettingZoo's tests is an error, but for those that are a matter of taste."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.filterwarnings("ignore", message=f".*({TASTE})", category=UserWarning)
        yield


@pytest.mark.usefixtures("no_complaints")
class TestTheirs:
    def test_parallel_api(self, long):
        id, options = long
        parallel_api_test(commenv.make(id, **options), num_cycles=1000)

    def test_aec_api(self, long):
        id, options = long
        api_test(commenv.make_aec(id, **options), num_cycles=1000)

    def test_parallel_seed(self, long):
        id, options = long
        parallel_seed_test(lambda: commenv.make(id, **options))

    def test_aec_seed(self, long):
        id, options = long
        seed_test(lambda: commenv.make_aec(id, **options))

    def test_render(self, chosen, capsys):
        id, options = chosen
        render_test(lambda render_mode: commenv.make_aec(id, render_mode, **options))
        assert capsys.readouterr().out

    def test_state(self, chosen):
        id, options = chosen
        state_test(commenv.make_aec(id, **options), commenv.make(id, **options))

    @pytest.mark.parametrize("id", [RING])
    def test_max_cycles(self, id):
        options = {"stop": 0.0}
        max_cycles_test(
            SimpleNamespace(
                env=lambda max_cycles: commenv.make_aec(id, max_cycles=max_cycles, **options),
                parallel_env=lambda max_cycles: commenv.make(id, max_cycles=max_cycles, **options),
            )
        )

    def test_their_parallel_view_of_our_aec_is_our_parallel_view(self):
        """Their conversion wants games in which all act at once."""
        ours, theirs = commenv.make(RING, max_cycles=9), aec_to_parallel(commenv.make_aec(RING, max_cycles=9))
        assert digest(ours.reset(seed=4)) == digest(theirs.reset(seed=4))
        for action in random_actions(ours.batch, 9):
            if ours.agents:
                action = {name: one(value) for name, value in action.items()}
                assert digest(ours.step(action)) == digest(theirs.step(action))
        assert theirs.agents == ours.agents == []


# ---------------------------------------------------------------------------------------------------------------- alike
def games(view: Any, seed: int, steps: list[dict]) -> list:
    """What a parallel view tells of game after game, for so many steps."""
    told, begun = [view.reset(seed=seed)[0]], True
    for action in steps:
        if not begun:
            told.append(view.reset()[0])
        told.append(view.step({name: value for name, value in action.items() if name in view.movers}))
        begun = bool(view.agents)
    return told


def test_parallel_is_the_batch(chosen):
    """Also over the ends of games: none is left out, and the last observation is the last of the old game."""
    id, options = chosen
    batch, view = commenv.make_batch(id, 4, seed=20, **options), commenv.make(id, **options)
    actions = random_actions(batch, 40)
    first, steps = batch.reset(), [batch.step(action) for action in actions]
    told = iter(games(view, 22, [{name: one(value, 2) for name, value in action.items()} for action in actions]))
    names = batch.possible_agents

    def same(shared: dict, own: dict) -> None:
        assert list(own) == names
        for name in names:
            np.testing.assert_array_equal(shared[name][2], own[name], strict=True)

    same(first, next(told))
    for t, (observations, rewards, terminations, truncations, infos) in enumerate(steps):
        own_observations, own_rewards, own_terminations, own_truncations, own_infos = next(told)
        over = terminations[names[0]][2] or truncations[names[0]][2]
        for shared, own, kind in (
            (rewards, own_rewards, float),
            (terminations, own_terminations, bool),
            (truncations, own_truncations, bool),
        ):
            assert own == {name: shared[name][2] for name in names}
            assert {type(value) for value in own.values()} == {kind}
        for name in names:
            shared, own = infos[name], own_infos[name]
            meters = {key: row[2] for key, row in (shared["final_info"] if over else shared).items() if key in own}
            assert {key: own[key] for key in ("payload_bits", "messages", "blocked")} == {
                key: meters[key] for key in ("payload_bits", "messages", "blocked")
            }
            assert own["active"] == (not over and shared["active"][2])
            assert own.get("success", 0) == (shared["final_info"].get("success", [0] * 4)[2] if over else 0)
        if over:
            same({name: infos[name]["final_obs"] for name in names}, own_observations)
            if t + 1 < len(steps):
                same(observations, next(told))
        else:
            same(observations, own_observations)


def test_masks_are_the_batch_s_and_fit_their_spaces():
    batch, view = commenv.make_batch(REFERENTIAL, 1, seed=0), commenv.make(REFERENTIAL)
    batch.reset()
    _, infos = view.reset(seed=0)
    for t in range(2):
        for name, info in infos.items():
            mask = info["action_mask"]
            assert mask.dtype == np.int8
            np.testing.assert_array_equal(mask, batch.infos()[name]["action_mask"][0])
            assert info["active"] == (name == batch.possible_agents[t])
            assert mask[view.action_space(name).sample(mask)] == 1
        batch.step({name: np.array([0]) for name in batch.possible_agents})
        *_, infos = view.step({view.movers[0]: 0})
    assert not any(info["active"] for info in infos.values())


def test_aec_is_parallel(chosen):
    id, options = chosen
    parallel, aec = commenv.make(id, **options), commenv.make_aec(id, **options)
    for seed in (8, None, None):
        observations, infos = parallel.reset(seed=seed)
        aec.reset(seed=seed)
        earned = dict.fromkeys(parallel.agents, 0.0)
        for action in random_actions(parallel.batch, 50):
            action = {name: one(value) for name, value in action.items()}
            for name in parallel.movers.copy():
                assert aec.agent_selection == name
                assert digest(aec.last()) == digest((observations[name], earned[name], False, False, infos[name]))
                earned[name] = 0.0
                aec.step(action[name])
            observations, rewards, terminations, truncations, infos = parallel.step(action)
            earned = {name: earned[name] + reward for name, reward in rewards.items()}
            assert digest((aec.rewards, aec.terminations, aec.truncations, aec.infos)) == digest(
                (rewards, terminations, truncations, infos)
            )
            if not parallel.agents:
                break
        for name in aec.possible_agents if aec.agents and not parallel.agents else []:  # each is told of the end, and goes
            assert aec.agent_selection == name
            assert digest(aec.last()) == digest(
                (observations[name], earned[name], terminations[name], truncations[name], infos[name])
            )
            aec.step(None)
        assert aec.agents == parallel.agents


def test_nobody_sees_what_others_do_at_once():
    aec = commenv.make_aec(RING)
    aec.reset(seed=0)
    seen = {name: aec.observe(name) for name in aec.agents}
    aec.step([1, 3])
    assert aec.agent_selection == "player_1"
    assert digest(seen) == digest({name: aec.observe(name) for name in aec.agents})
    assert set(aec.rewards.values()) == {0.0}


# ---------------------------------------------------------------------------------------------------------------- resets
@pytest.mark.parametrize("make", [commenv.make, commenv.make_aec])
def test_resets_go_through_the_episodes_of_a_seed(make):
    env, batch = make(RING, stop=0.5), commenv.make_batch(RING, 1, seed=3, stop=0.5)

    def first() -> np.ndarray:
        return np.concatenate([env.observe(name) if make is commenv.make_aec else seen[0][name] for name in env.agents])

    for episode in range(6):
        seen = env.reset(seed=3 if episode == 0 else None)
        np.testing.assert_array_equal(first(), np.concatenate([row[0] for row in batch.reset().values()]))
        if episode % 2:  # some games are played to their end and some left in the middle
            while env.agents:
                if make is commenv.make_aec:
                    env.step(None if env.terminations[env.agent_selection] else [0, 0])
                else:
                    env.step({name: [0, 0] for name in env.agents})
        elif episode % 4 == 0:
            env.step({name: [0, 0] for name in env.agents} if make is commenv.make else [0, 0])


def test_a_seed_after_the_end_begins_that_seed():
    env = commenv.make(REFERENTIAL, states=100)
    first, _ = env.reset(seed=5)
    env.step({"sender": 0})
    env.step({"receiver": 0})
    again, _ = env.reset(seed=5)
    assert digest(first) == digest(again)


def test_the_first_seed_is_the_system_s():
    assert len({int(commenv.make(REFERENTIAL, states=4096).reset()[0]["sender"].argmax()) for _ in range(9)}) > 1


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
@pytest.mark.parametrize("make", [commenv.make, commenv.make_aec])
def test_a_copied_environment_plays_on_alike(make, twin_of):
    env = make(RING, stop=0.0, channel={"error": 0.3})
    env.reset(seed=0)

    def step(env: Any) -> str:
        if make is commenv.make:
            return digest(env.step({name: [1, 2] for name in env.agents}))
        env.step([1, 2])
        return digest(env.last())

    step(env)
    twin = twin_of(env)
    told = [step(twin) for _ in range(9)]
    assert told == [step(env) for _ in range(9)]
    assert len(set(told)) > 1


def test_observations_are_not_overwritten():
    env = commenv.make(RING)
    kept = env.reset(seed=0)
    before = digest(kept)
    env.step({name: [1, 1] for name in env.agents})
    assert digest(kept) == before
    info = commenv.make(REFERENTIAL).reset(seed=0)[1]["sender"]
    with pytest.raises(ValueError, match="read-only"):
        info["action_mask"][0] = 0


# ---------------------------------------------------------------------------------------------------------------- errors
@pytest.mark.parametrize("make", [commenv.make, commenv.make_aec])
@pytest.mark.parametrize(
    ("id", "options", "named"),
    [
        ("messaging/refrential-v0", {}, "'messaging/refrential-v0'"),
        (REFERENTIAL, {"colour": 1}, "'colour'"),
        (REFERENTIAL, {"bits": -1}, "bits=-1"),
        (REFERENTIAL, {"render_mode": "sound"}, "render_mode='sound'"),
    ],
)
def test_bad_ids_and_options(make, id, options, named):
    with pytest.raises(ValueError, match=named):
        make(id, **options)


@pytest.mark.parametrize("seed", [-1, 0.5, "0"])
@pytest.mark.parametrize("make", [commenv.make, commenv.make_aec])
def test_bad_seeds(make, seed):
    with pytest.raises(ValueError, match="seed="):
        make(REFERENTIAL).reset(seed=seed)


BAD_MOVES = {
    REFERENTIAL: (4, -1, 1.0, None, "1", [1], np.array([1]), 2**70),
    RING: ([2, 0], [0, 4], [-1, 0], [0, 0, 0], [0], 1, None, [0.0, 1], "01", {"act": 1}, np.zeros((1, 2), int)),
}


@pytest.mark.parametrize(("id", "move"), [(id, move) for id, moves in BAD_MOVES.items() for move in moves])
def test_bad_moves_are_named_and_change_nothing(id, move):
    parallel, aec, twin = commenv.make(id), commenv.make_aec(id), commenv.make(id)
    for env in (parallel, aec, twin):
        env.reset(seed=0)
    name, good = parallel.movers[-1], [0, 0] if id == RING else 0
    moves = {**dict.fromkeys(parallel.movers, good), name: move}
    with pytest.raises(ValueError, match=rf"action of {name}=") as caught:
        parallel.step(moves)
    assert str(parallel.action_space(name)) in str(caught.value)
    with pytest.raises(ValueError, match="action of"):
        aec.step(move)
    assert aec.agent_selection == aec.possible_agents[0]
    moves[name] = good
    assert digest(parallel.step(moves)) == digest(twin.step(moves))


@pytest.mark.parametrize("move", [np.int8(3), np.int64(3), np.uint8(3), np.array(3), 3])
def test_good_moves(move):
    env = commenv.make(REFERENTIAL)
    env.reset(seed=0)
    observations, *_ = env.step({"sender": move})
    assert observations["receiver"][env.batch.inbox("receiver")].argmax() == 3


@pytest.mark.parametrize("actions", [None, [0], 0, {}, {"receiver": 0}, {"sender": 0, "stranger": 0}, {0: 0}])
def test_bad_dictionaries_are_named_and_change_nothing(actions):
    env, twin = commenv.make(REFERENTIAL), commenv.make(REFERENTIAL)
    env.reset(seed=0)
    twin.reset(seed=0)
    with pytest.raises(ValueError, match=r"actions=.*sender"):
        env.step(actions)
    assert digest(env.step({"sender": 1})) == digest(twin.step({"sender": 1, "receiver": "anything: it is not asked"}))


@pytest.mark.parametrize("make", [commenv.make, commenv.make_aec])
def test_no_step_outside_of_a_game(make):
    env = make(REFERENTIAL, max_cycles=1)
    move = {"sender": 0} if make is commenv.make else 0
    with pytest.raises(RuntimeError, match=r"reset\(\)"):
        env.step(move)
    env.reset(seed=0)
    env.step(move)
    for _ in list(env.agents):
        with pytest.raises(ValueError, match="None"):
            env.step(0)
        env.step(None)
    assert env.agents == []
    with pytest.raises(RuntimeError, match=r"reset\(\)"):
        env.step(move)
    env.reset()
    env.step(move)


# ---------------------------------------------------------------------------------------------------------------- people
def test_a_picture_tells_the_position_the_messages_and_the_end():
    env = commenv.make(REFERENTIAL, "ansi", channel={"silence": True, "erasure": 1.0})
    env.reset(seed=0)
    assert "->" not in env.render()
    env.step({"sender": 2})
    assert "sender -> receiver: erased" in env.render()
    env.step({"receiver": 0})
    assert "over" in env.render()
    env.reset()
    env.step({"sender": 0})
    assert "sender -> receiver: silence" in env.render()
    ring = commenv.make(RING, "ansi")
    ring.reset(seed=0)
    ring.step({f"player_{i}": [0, i + 1] for i in range(3)})
    assert ring.render().splitlines()[1:] == [
        "player_2 -> player_0: 3",
        "player_0 -> player_1: 1",
        "player_0 -> player_2: 1",
        "player_1 -> player_2: 2",
    ]


def test_without_a_mode_there_is_no_picture():
    env = commenv.make(REFERENTIAL)
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="render_mode"):
        assert env.render() is None


def test_people_can_watch(capsys):
    env = commenv.make(REFERENTIAL, "human")
    env.reset(seed=0)
    env.step({"sender": 1})
    assert "sender -> receiver: 1" in capsys.readouterr().out


def test_a_state_is_what_all_agents_see():
    """Also at the end, when the batch already stands at the next game."""
    env, aec = commenv.make(REFERENTIAL), commenv.make_aec(REFERENTIAL)
    seen, _ = env.reset(seed=0)
    aec.reset(seed=0)
    for move in (3, 1):
        np.testing.assert_array_equal(env.state(), np.concatenate([seen[name] for name in env.possible_agents]), strict=True)
        np.testing.assert_array_equal(env.state(), aec.state(), strict=True)
        seen, *_ = env.step({env.movers[0]: move})
        aec.step(move)
    assert not env.agents
    np.testing.assert_array_equal(env.state(), np.concatenate([seen[name] for name in env.possible_agents]), strict=True)


def test_a_picture_shows_what_a_link_delivers():
    """Blue for a symbol, red for an erasure, and neither before anything was said."""

    def inks(**channel: Any) -> list[tuple[bool, bool]]:
        env = commenv.make(REFERENTIAL, "rgb_array", channel=channel)
        env.reset(seed=0)
        before = env.render().astype(int)
        env.step({"sender": 2})
        pictures = before, env.render().astype(int)
        return [(bool((p[..., 2] - p[..., 0] > 120).any()), bool((p[..., 0] - p[..., 2] > 120).any())) for p in pictures]

    assert inks() == [(False, False), (True, False)]
    assert inks(erasure=1.0) == [(False, False), (False, True)]
