"""The wire test over sockets: agents in processes of their own play what the team plays, and pay what its meter says."""

import numpy as np
import pytest
import torch
from safetensors import safe_open
from test_graph_team import BITS, CAPTURE, JUNCTION, PREY

import commenv
from agents import TalkingTeam
from agents.bottlenecks import BOTTLENECKS
from agents.graph_team import Plan, build
from agents.sockets import Processes
from agents.split import LoneAgent
from experiments.over_wire import compare, passed

THREE_CARS, THREE = {"cars": 3}, {"size": 5}


def team_of(id, options, seed=3, **parts):
    torch.manual_seed(seed)
    batch = commenv.make_batch(id, 1, seed, **{"bits": 0, **options})
    network = build(Plan.seated(batch.observation_spaces, batch.action_spaces, **{"width": 16, **parts}))
    for p in network.parameters():
        torch.nn.init.normal_(p, std=0.4)
    return TalkingTeam(id, batch.options, network)


@pytest.fixture(scope="module")
def processes():
    with Processes(3) as three:
        yield three


@pytest.mark.parametrize(
    ("id", "options", "parts"),
    [
        (PREY, THREE, {"graph": "full"}),
        (JUNCTION, THREE_CARS, {"graph": "commformer", "rounds": 2, "memory": "gru", "separate": True, "identities": True}),
        (JUNCTION, THREE_CARS, {"graph": "schednet", "rounds": 2}),
        *((JUNCTION, THREE_CARS, {"bottleneck": name, "bits": BITS.get(name, 3)}) for name in BOTTLENECKS),
    ],
)
def test_agents_in_processes_play_the_same_games(processes, id, options, parts):
    page = compare(team_of(id, options, **parts), 1, processes)
    assert passed(page), page
    assert page["equal_actions"] == page["actions"] > 0
    assert page["payload_bits"] > 0
    assert 8 * page["bytes_on_sockets"] >= page["payload_bits"]


def test_a_difference_is_seen(processes):
    """The processes play with other weights than the team in one place."""
    team, other = (team_of(PREY, THREE, seed=seed) for seed in (3, 4))
    split, team.split = team.split, other.split
    page = compare(team, 1, processes)
    assert page["equal_actions"] < page["actions"]
    assert not passed(page)
    team.split = split
    assert passed(compare(team, 1, processes))


def test_an_agent_holds_its_own_networks_and_no_more(tmp_path):
    team = team_of(CAPTURE, {}, separate=True, identities=True)
    agents, n = team.split(), len(team.network.plan.names)
    agents[1].save(tmp_path / "agent")
    with safe_open(tmp_path / "agent", framework="pt") as file:
        held = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    whole = team.network.state_dict()
    assert sum(key.startswith("minds.") for key in held) == sum(key.startswith("minds.") for key in whole) / n
    assert all(torch.equal(tensor, whole[key.replace("minds.0.", "minds.1.")]) for key, tensor in held.items())
    again = LoneAgent.load(tmp_path / "agent")
    assert (again.name, again.plan) == (agents[1].name, agents[1].plan)


def test_bad_files_and_teams_get_a_sentence(tmp_path, processes):
    with pytest.raises(FileNotFoundError, match="holds no agent"):
        LoneAgent.load(tmp_path / "none")
    (tmp_path / "junk").write_bytes(b"junk")
    with pytest.raises(ValueError, match="cannot be read"):
        LoneAgent.load(tmp_path / "junk")
    with pytest.raises(ValueError, match="a team of 5 agents cannot sit in 3 processes"):
        processes.seat(team_of(JUNCTION, {}))
    processes.seat(team_of(PREY, THREE))
    width = team_of(PREY, THREE).network.longest
    names = team_of(PREY, THREE).network.plan.names
    assert len(processes.act({name: np.ones(width, np.float32) for name in names}, True)) == 3
