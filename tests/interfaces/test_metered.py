"""A channel under other people's environments: spaces, who hears whom, who is there, what is counted, and nothing else moves."""

import copy
import warnings
from importlib import import_module
from typing import Any, ClassVar

import networkx as nx
import numpy as np
import pytest
from examples import digest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Text, Tuple
from pettingzoo.test import parallel_api_test, parallel_seed_test
from strangers import Menagerie, Visitors, Whisperers

import commenv
from commenv import Channel
from commenv.core.topology import links
from commenv.interfaces.metered import KNOWN, Metered
from commenv.interfaces.seats import Speech

THEIRS: dict[str, tuple[str, dict, dict]] = {
    "speaker_listener": ("mpe2.simple_speaker_listener_v4", {}, {"takes_over": True}),
    "reference, half the rate": ("mpe2.simple_reference_v3", {}, {"channel": {"bits": 2, "error": 0.1}, "takes_over": True}),
    "speaker_listener: numbers": ("mpe2.simple_speaker_listener_v4", {"continuous_actions": True}, {"takes_over": True}),
    "reference: numbers on a budget": (
        "mpe2.simple_reference_v3",
        {"continuous_actions": True},
        {"channel": {"floats": 10, "bits": 2, "silence": True, "refill": 10}, "takes_over": True},
    ),
    "spread: numbers": ("mpe2.simple_spread_v3", {}, {"channel": {"floats": 2, "bits": 3, "gaussian": 0.1}}),
    "spread": ("mpe2.simple_spread_v3", {}, {"channel": {"silence": True, "refill": 1}}),
    "pursuit: images": ("pettingzoo.sisl.pursuit_v5", {"n_pursuers": 3, "max_cycles": 20}, {"channel": {"erasure": 0.2}}),
    "multiwalker: forces": ("pettingzoo.sisl.multiwalker_v9", {"n_walkers": 2, "max_cycles": 20}, {}),
    "battle: deaths": ("magent2.environments.battle_v4", {"map_size": 12, "max_cycles": 30}, {}),
    "tiger_deer: two kinds": ("magent2.environments.tiger_deer_v4", {"map_size": 12, "max_cycles": 30}, {}),
}


def make_theirs(name: str) -> Metered:
    module, options, ours = THEIRS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what their dependencies say when they are imported
        try:
            env = import_module(module).parallel_env(**options)
        except ImportError as reason:
            pytest.skip(f"{module} is not installed ({reason}): pip install commenv[peers]")
    return commenv.metered(env, **ours)


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pettingzoo_s_own_tests(name):
    env = make_theirs(name)
    parallel_api_test(env, num_cycles=60)
    assert env.meter.total.messages > 0
    parallel_seed_test(lambda: make_theirs(name), num_cycles=30)


@pytest.mark.parametrize("name", THEIRS)
def test_observations_and_actions_are_in_their_spaces(name):
    env = make_theirs(name)
    observations, _ = env.reset(seed=1)
    for _ in range(3):
        for agent in env.agents:
            space = env.observation_space(agent)
            if name != "multiwalker: forces":  # which leaves its own space
                assert space.contains(observations[agent])
        observations, _, _, _, infos = env.step({agent: env.action_space(agent).sample() for agent in env.agents})
        assert {"payload_bits", "messages", "blocked"} <= infos[env.agents[0]].keys()


# ------------------------------------------------------------------------------------------------ added
def act(env: Metered, says: int) -> dict[str, Any]:
    return {name: env.compose(name, env.action_space(name).sample(), says) for name in env.agents}


def test_spaces_fit_each_agent_s_own():
    env = commenv.metered(Visitors(), Channel(bits=1), topology=[("host", "early"), ("early", "late"), ("host", "late")])
    assert env.action_space("host") == MultiDiscrete([3, 2], start=[2, 0])
    assert env.action_space("early") == Dict({"action": Visitors.acts["early"], "message": Discrete(2)})
    assert env.action_space("late") is Visitors.acts["late"]  # nobody listens to it
    assert env.observation_space("host") is Visitors.sights["host"]  # it hears nobody
    inbox = Box(0, 1, (3,), np.float32)
    assert env.observation_space("early") == Dict({"observation": Visitors.sights["early"], "inbox": inbox})
    wide = commenv.metered(Visitors(), Channel(bits=1)).observation_space("host")
    assert wide == Box(np.array([-1.0, -1, 0, 0, 0, 0, 0, 0]), np.ones(8), dtype=np.float64)


def test_who_comes_and_goes_speaks_and_hears_only_while_there():
    env = commenv.metered(Visitors(), Channel(bits=1))
    env.reset(seed=0)
    offered = []
    while env.agents:
        before, there = env.meter, set(env.agents)
        observations, *_ = env.step(act(env, 1))
        now = {link for link, meter in env.meter.links.items() if meter.offered > before.links[link].offered}
        assert now == {(s, t) for s in there for t in observations if s != t}
        offered.append(len(now))
    assert offered == [2, 4, 6, 2, 2, 2]  # late hears in the step in which it comes, and speaks from the next on


def test_the_environment_gets_its_own_actions_and_nothing_else():
    env, alone = commenv.metered(Visitors(), Channel(bits=1)), Visitors()
    env.reset(seed=3)
    alone.reset(seed=3)
    while env.agents:
        own = {name: Visitors.acts[name].sample() for name in env.agents}
        seen = env.step({name: env.compose(name, both, 1) for name, both in zip(own, map(_pair, own.values()), strict=True)})
        theirs = alone.step(own)
        assert digest({name: env.beside_inbox(name, seen[0][name]) for name in seen[0]}) == digest(theirs[0])
        assert digest(seen[1:4]) == digest(theirs[1:4])
        assert digest(env.env.taken[-1]) == digest(own)


def _pair(own: Any) -> Any:
    return {"action": own, "message": 0} if isinstance(own, np.ndarray) else np.array([own, 0])


@pytest.mark.parametrize(
    ("topology", "found"),
    [
        (nx.path_graph(["host", "early", "late"]), {"host early", "early host", "early late", "late early"}),
        (nx.DiGraph([("host", "late")]), {"host late"}),
        ([("late", "host")], {"late host"}),
        ("star", {"host early", "early host", "host late", "late host"}),
        (links("ring", 3), {"host early", "early host", "host late", "late host", "early late", "late early"}),
    ],
)
def test_topologies(topology, found):
    env = commenv.metered(Visitors(), topology=topology)
    assert {" ".join(link) for link in env.meter.links} == found


def test_floats_are_said_and_heard():
    env = commenv.metered(Whisperers(), Channel(floats=2, bits=2, silence=True, cap=4))
    parallel_api_test(commenv.metered(Whisperers(), Channel(floats=2, bits=2)), num_cycles=30)
    assert env.action_space("a") == Dict({"action": Discrete(2), "message": Box(-1, 1, (3,), np.float32)})
    env.reset(seed=0)
    loud, quiet = np.array([-0.9, 0.1, 1], np.float32), np.array([0.5, 0.5, -1], np.float32)
    observations, *_ = env.step({"a": {"action": 0, "message": loud}, "b": {"action": 1, "message": quiet}})
    assert observations["b"][-3:].tolist() == [-0.75, 0.25, 0]
    assert observations["a"][-3:].tolist() == [0, 0, 0]
    assert env.compose("a", {"action": 1, "message": quiet}, 3)["message"].tolist() == [-0.75, 0.25, 1]
    assert env.message("a", {"action": 0, "message": loud}) == 3
    for message in (np.zeros(2), np.full(3, 1.5), np.full(3, np.nan), "loud", None):
        with pytest.raises(ValueError, match="action of a="):
            env.step({"a": {"action": 0, "message": message}, "b": {"action": 1, "message": quiet}})
    *_, infos = env.step({name: {"action": 0, "message": loud} for name in env.agents})
    assert {name: info["blocked"] for name, info in infos.items()} == {"a": 1, "b": 0}


def test_budgets_and_noise_are_the_channel_s():
    env = commenv.metered(Whisperers(), Channel(bits=1, silence=True, cap=2))
    env.reset(seed=0)
    infos: dict = {}
    for _ in range(5):
        *_, infos = env.step({"a": [0, 1], "b": [0, 0]})
    assert infos["a"] == {"payload_bits": 2.0, "messages": 2, "blocked": 3}
    assert infos["b"] == {"payload_bits": 0.0, "messages": 0, "blocked": 0}
    env.reset(seed=0)
    assert env.step({"a": [0, 1], "b": [0, 0]})[-1]["a"]["payload_bits"] == 1.0  # a new episode has its own budget
    lost = commenv.metered(Whisperers(), Channel(bits=1, erasure=1))
    lost.reset(seed=0)
    seen = lost.step({"a": [0, 1], "b": [0, 0]})[0]["b"]
    assert seen[6:].tolist() == [0, 0, 1]


def test_masks_grow_with_the_action():
    env = commenv.metered(Whisperers("mask"), Channel(bits=2))
    _, infos = env.reset(seed=0)
    assert env.action_space("b").sample(mask=infos["b"]["action_mask"]) in env.action_space("b")


def test_state_is_theirs_and_all_inboxes():
    env = make_theirs("spread")
    env.reset(seed=0)
    env.step({name: env.compose(name, env.action_space(name).sample(), 1) for name in env.agents})
    assert env.state_space.contains(env.state())
    inboxes = sum(env.batch.observation_spaces[name].shape[0] for name in env.possible_agents)
    np.testing.assert_array_equal(env.state()[:-inboxes], env.env.state())
    assert env.state()[-inboxes:].sum() == len(env.meter.links)


def test_seeds_and_copies_repeat():
    env = commenv.metered(Whisperers(), Channel(bits=3, error=0.5))

    def play(env: Metered) -> list:
        return [digest(env.step({"a": [0, 5], "b": [1, 2]})) for _ in range(4)]

    told = []
    for seed in (4, 4, 5, None):
        start = digest(env.reset(seed=seed))
        told.append((start, play(copy.deepcopy(env)), play(env)))
    assert told[0] == told[1]
    assert all(first == second for _, first, second in told)
    assert told[0][1] != told[2][1]


VECTOR = Box(0, 1, (2,), np.float32)
SPACES: dict[str, tuple[Space, Space]] = {
    "dictionary": (Dict({"go": Discrete(2), "by": Box(-1, 1, (2,))}), Dict({"near": Discrete(3), "far": VECTOR})),
    "tuple": (Tuple((Discrete(2), MultiBinary(3))), Tuple((Discrete(2), VECTOR))),
    "bits": (MultiBinary(4), MultiBinary(3)),
    "several": (MultiDiscrete([2, 3]), MultiDiscrete([2, 2])),
    "force": (Box(-1, 1, (3,), np.float32), Box(-np.inf, np.inf, (2,), np.float64)),
    "one number": (Box(-1, 1, (), np.float32), Box(0, 1, (), np.float32)),
    "long integers": (Discrete(2), Box(-(2**31), 2**31 - 1, (2,), np.int64)),
    "text": (Discrete(2), Text(3)),
    "shifted": (Discrete(5, start=-2), Discrete(4, start=1)),
    "nothing": (Discrete(2), Box(0, 1, (0,), np.float32)),
    "masked": (Discrete(4), Dict({"observation": VECTOR, "action_mask": Box(0, 1, (4,), np.int8)})),
    "masked, several": (
        MultiDiscrete([2, 3]),
        Dict({"observation": VECTOR, "action_mask": Tuple((MultiBinary(2), MultiBinary(3)))}),
    ),
}
CHANNELS: dict[str, dict] = {
    "symbols": {"bits": 2, "erasure": 0.2},
    "floats": {"floats": 2, "bits": 3},
    "floats and silence": {"floats": 2, "bits": 3, "silence": True, "cap": 12},
}


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("name", SPACES)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_any_spaces(name, channel):
    """`a` and `b` hear each other, `b` hears `mute` and `deaf` hears nobody; masks are in the form that spaces sample from."""
    spaces = {"a": SPACES[name], "b": (Discrete(3), VECTOR), "deaf": SPACES[name], "mute": SPACES[name]}
    topology = [("a", "b"), ("b", "a"), ("deaf", "b"), ("a", "mute")]

    def make() -> Metered:
        return commenv.metered(Menagerie(spaces), CHANNELS[channel], topology=topology)

    env = make()
    observations, infos = env.reset(seed=0)
    while env.agents:
        acts, own = {}, {}
        for agent in env.agents:
            space = env.action_space(agent)
            assert env.observation_space(agent).contains(observations[agent])
            acts[agent] = space.sample(mask=infos[agent].get("action_mask"))
            assert space.contains(acts[agent])
            message = env.message(agent, acts[agent])
            again = env.compose(agent, acts[agent], message)
            assert space.contains(again)
            assert env.message(agent, again) == message
            own[agent] = acts[agent] if agent == "mute" else _own(acts[agent])
        observations, _, _, _, infos = env.step(acts)
        assert digest(env.env.taken[-1]) == digest(own)
    parallel_api_test(make(), num_cycles=20)
    parallel_seed_test(make, num_cycles=20)


def _own(action: Any) -> Any:
    return action["action"] if isinstance(action, dict) else action[0]


def test_masks_forbid_what_they_forbade():
    spaces = {name: SPACES["masked"] for name in "ab"}
    env = commenv.metered(Menagerie(spaces), Channel(bits=2), topology=[("a", "b")])
    observations, infos = env.reset(seed=0)
    assert env.observation_space("b")["action_mask"].shape == (4,)  # nobody listens to b: its actions are its own
    for mask in (observations["a"]["action_mask"], infos["a"]["action_mask"]):
        drawn = np.array([env.action_space("a").sample(mask=mask) for _ in range(200)])
        assert set(drawn[:, 0]) == {0, 1, 2}
        assert set(drawn[:, 1]) == {0, 1, 2, 3}
    assert "inbox" not in observations["a"]
    assert "inbox" not in env.beside_inbox("b", observations["b"])


def test_who_comes_back_speaks_and_hears_again():
    """What `a` hears of `b`, who is away in steps 2 and 3, and of nobody once it is gone itself."""
    spaces = {name: (Discrete(2), VECTOR) for name in "abc"}
    env = commenv.metered(
        Menagerie(spaces, {2: ["b"], 3: ["b"], 4: ["a"]}, 6), Channel(bits=1), topology=[("b", "a"), ("b", "c")]
    )
    env.reset(seed=0)
    told = []
    while env.agents:
        observations, *_, infos = env.step({name: [0, 1] if name == "b" else 0 for name in env.agents})
        told.append({name: observations[name][2:].tolist() for name in "ac" if name in observations})
    nothing, one = [0, 0, 0], [0, 1, 0]
    #               b is there     it goes as it speaks, and is away    it is back, and heard from the next step on
    assert told == [{"a": one, "c": one}, {"a": one, "c": one}, {"a": nothing, "c": nothing}, {"a": nothing, "c": nothing},
                    {"a": one, "c": one}, {"a": one, "c": one}]  # fmt: skip
    assert env.meter.links["b", "a"].messages == 4
    assert env.meter.total.payload_bits == 8
    assert infos["b"]["messages"] == 4  # messages of an agent are counted once, whoever listens


def test_added_numbers_arrive_at_their_levels():
    env = commenv.metered(Whisperers(), Channel(floats=2, bits=2))
    assert env.action_space("a") == Dict({"action": Discrete(2), "message": Box(-1, 1, (2,), np.float32)})
    env.reset(seed=0)
    said = {"a": {"action": 0, "message": [0.3, -1]}, "b": {"action": 1, "message": np.array([0.9, 0.0])}}
    observations, *_ = env.step(said)
    assert observations["b"][6:].tolist() == [0.25, -0.75, 0]
    assert observations["a"][6:].tolist() == [0.75, 0.25, 0]
    assert env.meter.total.payload_bits == 8
    for wrong in ([0.3], [0.3, 1.1], [0.3, np.nan], None, "ab", 1):
        with pytest.raises(ValueError, match="action of a="):
            env.step({**said, "a": {"action": 0, "message": wrong}})


# ------------------------------------------------------------------------------------------------ taken over
@pytest.mark.parametrize("channel", [None, {"floats": 3, "bits": 1}, {"floats": 3, "bits": 2, "silence": True, "cap": 18}])
def test_numbers_that_were_said_arrive_at_their_levels(channel):
    """mpe2's own observation, but for the slice, which is what was said within half a level of the channel."""
    plain = pytest.importorskip("mpe2.simple_speaker_listener_v4").parallel_env(continuous_actions=True)
    env = commenv.metered(copy.deepcopy(plain), channel, takes_over=True)
    rng, slice_ = np.random.default_rng(0), slice(8, 11)
    bits, silent = env.batch.channel.bits, env.batch.channel.silence
    assert env.action_space("speaker_0") == Box(np.array([0, 0, 0, -1][: 3 + silent], np.float32), np.float32(1))
    plain.reset(seed=7)
    env.reset(seed=7)
    for t in range(5):
        said, moved = rng.random(3, np.float32), rng.random(5, np.float32)
        theirs = plain.step({"speaker_0": said, "listener_0": moved})[0]["listener_0"]
        ours = env.step({"speaker_0": np.append(said, np.float32(1)) if silent else said, "listener_0": moved})[0]["listener_0"]
        np.testing.assert_array_equal(theirs[: slice_.start], ours[: slice_.start])
        if silent and t >= 3:  # three messages of 3 * 2 bits, and the budget is spent
            assert not ours[slice_].any()
        else:
            assert np.abs(ours[slice_] - said).max() <= 2.0 ** -(bits + 1) + 1e-6
    assert env.meter.total.payload_bits == (18 if silent else 5 * 3 * bits)


@pytest.mark.parametrize("bad_one", [None, 0, [0.1, 0.2], [0.1, 0.2, 1.1], [0.1, 0.2, np.nan], "abc", {"x": 1}])
def test_numbers_outside_of_their_box_are_named(bad_one):
    env = make_theirs("speaker_listener: numbers")
    env.reset(seed=0)
    with pytest.raises(ValueError, match="action of speaker_0="):
        env.step({"speaker_0": bad_one, "listener_0": np.zeros(5, np.float32)})


def test_listener_sees_what_the_channel_delivers():
    """mpe2's own observation is the same but for the slice; the slice is the meter's symbol."""
    plain = pytest.importorskip("mpe2.simple_speaker_listener_v4").parallel_env()
    clean, noisy = make_theirs("speaker_listener"), commenv.metered(copy.deepcopy(plain), {"error": 1.0}, takes_over=True)
    lost = commenv.metered(copy.deepcopy(plain), {"erasure": 1.0}, takes_over=True)
    for env in (plain, clean, noisy, lost):
        env.reset(seed=7)
    slice_ = KNOWN["simple_speaker_listener_v4"][0].shows["listener_0"]["speaker_0"]
    for t in range(12):
        actions = {"speaker_0": t % 3, "listener_0": t % 5}
        theirs, same, wrong, nothing = (env.step(actions)[0]["listener_0"] for env in (plain, clean, noisy, lost))
        np.testing.assert_array_equal(theirs, same, strict=True)
        assert same[slice_].argmax() == t % 3
        assert wrong[slice_].sum() == 1
        assert wrong[slice_][t % 3] == 0
        assert not nothing[slice_].any()
        np.testing.assert_array_equal(theirs[: slice_.start], wrong[: slice_.start])
    assert noisy.meter.total.altered == lost.meter.total.erased == 12
    assert clean.meter.total.payload_bits == pytest.approx(12 * np.log2(3))


def test_reference_at_full_rate_is_mpe2_s():
    plain = pytest.importorskip("mpe2.simple_reference_v3").parallel_env()
    ours = commenv.metered(copy.deepcopy(plain), takes_over=True)
    assert ours.action_space("agent_0") is ours.env.action_space("agent_0")
    assert digest(plain.reset(seed=1)[0]) == digest(ours.reset(seed=1)[0])
    rng = np.random.default_rng(0)
    while plain.agents:
        actions = {name: int(rng.integers(50)) for name in plain.agents}
        assert digest(plain.step(actions)[:4]) == digest(ours.step(actions)[:4])


def test_a_narrow_channel_leaves_fewer_actions():
    env = make_theirs("reference, half the rate")
    assert env.action_space("agent_0") == Discrete(5 * 4)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"action of agent_0=20.*Discrete\(20\)"):
        env.step({"agent_0": 20, "agent_1": 0})


# ------------------------------------------------------------------------------------------------ errors
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"env": object()}, "env='object'"),
        ({"channel": 3}, "channel=3"),
        ({"channel": {"bit": 3}}, "'bit'"),
        ({"topology": [("host", "stranger")]}, "stranger"),
        ({"topology": 7}, "topology=7"),
        ({"topology": "torus"}, "topology='torus'"),
        ({"topology": "grid"}, "needs rows"),
        ({"topology": [(["host"], "late")]}, "topology="),
        ({"takes_over": Speech({"late": 1}, {"host": {"late": slice(0, 2)}}), "channel": {"floats": 2}}, "speaks in 2 symbols"),
        ({"topology": [("host",)]}, "topology="),
        ({"takes_over": True}, "visitors"),
        ({"takes_over": Speech({"host": 1}, {"guest": {"host": slice(0, 2)}})}, "guest"),
        ({"takes_over": Speech({"host": 1}, {"late": {"late": slice(0, 2)}})}, "must be the same"),
        ({"takes_over": Speech({"late": 1}, {"early": {"late": slice(0, 2)}})}, "only in a vector"),
        ({"takes_over": Speech({"late": 1}, {"host": {"late": slice(0, 1)}})}, "shows of host"),
        ({"takes_over": Speech({"early": 1}, {"host": {"early": slice(0, 2)}})}, "must be Discrete"),
        ({"takes_over": Speech({"late": 1}, {"host": {"late": slice(0, 2)}}), "channel": {"bits": 2}}, "4 symbols"),
        ({"takes_over": Speech({"late": 1}, {"host": {"late": slice(0, 2)}}), "topology": []}, "leave topology out"),
        ({"takes_over": "yes"}, "takes_over='yes'"),
        ({"takes_over": None}, "takes_over=None"),
        ({"takes_over": Speech({}, {})}, "one alphabet"),
        ({"takes_over": Speech({"late": 0}, {"host": {"late": slice(0, 2)}})}, "says of late=0"),
        ({"takes_over": Speech({"late": 1.5}, {"host": {"late": slice(0, 2)}})}, "says of takes_over"),
        ({"takes_over": Speech(None, {"host": {"late": slice(0, 2)}})}, "says of takes_over"),
        ({"takes_over": Speech({"late": 1}, {"host": {"late": 2}})}, "shows of takes_over"),
        ({"takes_over": Speech({"late": 1}, {"host": ["late"]})}, "shows of takes_over"),
        ({"takes_over": Speech({"late": 1}, {"host": {"late": slice(0, 2)}}), "channel": {"floats": 1}}, "floats=1"),
        ({"takes_over": Speech({"late": slice(0, 1)}, {"host": {"late": slice(0, 2)}})}, "late acts in.*must be a Box"),
        ({"takes_over": Speech({"early": slice(5, 9)}, {"host": {"early": slice(0, 2)}})}, "early acts in.*must be a Box"),
        ({"takes_over": Speech({"early": slice(2)}, {"host": {"early": slice(2)}}), "channel": {"bits": 2}}, "floats=2"),
        ({"takes_over": Speech({"early": slice(2)}, {"host": {"early": slice(1)}})}, "shows of host"),
        ({"takes_over": Speech({"early": slice(2)}, {"late": {"early": slice(2)}})}, "only in a vector"),
        (
            {"takes_over": Speech({"late": 1}, {"host": {"late": slice(2)}}), "channel": {"eavesdrop": [(0, 1, 2)]}},
            "eavesdrop out",
        ),
    ],
)
def test_what_does_not_fit_is_named(arguments, says):
    with pytest.raises(ValueError, match=says):
        Metered(**{"env": Visitors(), **arguments})


@pytest.mark.parametrize(
    "actions",
    [
        None,
        {},
        {"a": [0, 0]},
        {"a": [0, 0], "b": [0, 0], "c": [0, 0]},
        {"a": [0, 4], "b": [0, 0]},
        {"a": [0, -1], "b": [0, 0]},
        {"a": [2, 0], "b": [0, 0]},
        {"a": [0], "b": [0, 0]},
        {"a": 0, "b": [0, 0]},
        {"a": [0, 1.0], "b": [0, 0]},
    ],
)
def test_bad_actions_are_named_and_change_nothing(actions):
    env, twin = commenv.metered(Whisperers()), commenv.metered(Whisperers())
    env.reset(seed=0)
    twin.reset(seed=0)
    with pytest.raises(ValueError, match="action"):
        env.step(actions)
    good = {"a": [1, 3], "b": [0, 0]}
    assert digest(env.step(good)) == digest(twin.step(good))


def test_no_step_before_reset():
    with pytest.raises(RuntimeError, match=r"reset\(\)"):
        commenv.metered(Whisperers()).step({"a": [0, 0], "b": [0, 0]})


@pytest.mark.parametrize("seed", [-1, 0.5, "0", 2**63])
def test_bad_seeds_are_named_and_change_nothing(seed):
    env, twin = commenv.metered(Whisperers(), {"error": 0.5}), commenv.metered(Whisperers(), {"error": 0.5})
    for each in (env, twin):
        each.reset(seed=0)
    with pytest.raises(ValueError, match="seed="):
        env.reset(seed=seed)
    good = {"a": [1, 3], "b": [0, 0]}
    assert digest(env.step(good)) == digest(twin.step(good))


def test_agents_must_be_known_from_the_start():
    class Crowd(Visitors):
        possible_agents: ClassVar[list[str]] = []

    with pytest.raises(ValueError, match="possible_agents"):
        commenv.metered(Crowd())
