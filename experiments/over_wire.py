"""The same games twice: by a team in one place, and by its agents in processes of their own that exchange bytes alone."""

from typing import TYPE_CHECKING, Any

import numpy as np

from commenv.core.batch import Batch
from commenv.core.errors import whole
from commenv.games import rules
from experiments.files import Tell, silent

if TYPE_CHECKING:
    from agents import TalkingTeam, Team
    from agents.sockets import Processes


def compare(
    team: "Team | TalkingTeam", games: int, processes: "Processes | None" = None, seed: int = 0, tell: Tell = silent
) -> dict[str, Any]:
    """Play so many games, one after the other, both ways. processes: those to play in; None: such as are started for it.

    Raises ValueError for a team that speaks over the game's own channel: there the game carries the messages.
    """
    from agents import TalkingTeam
    from agents.sockets import Processes

    whole("games", games, 1)
    if not isinstance(team, TalkingTeam):
        raise ValueError(
            "this team speaks over the channel of its game, which is the wire: only teams that talk over a graph have one"
        )
    if processes is None:
        tell(0, games, f"starting {len(team.network.plan.names)} processes")
        with Processes(len(team.network.plan.names)) as started:
            return compare(team, games, started, seed, tell)
    processes.seat(team)
    batch, player = Batch(rules(team.id), team.options, 1, seed, copy=False), team.player(1)
    seen, fresh, played, steps, equal = batch.reset(), np.ones(1, bool), 0, 0, 0
    while played < games:
        actions = player.act(seen, batch.active, fresh)
        alone = processes.act({name: x[0] for name, x in seen.items()}, bool(fresh[0]))
        together = {name: tuple(np.atleast_1d(action[0]).tolist()) for name, action in actions.items()}
        equal += sum(alone[name] == together[name] for name in together)
        steps += 1
        seen, *_ = batch.step(actions)
        fresh = batch.buffers.terminated | batch.buffers.truncated
        played += int(fresh[0])
        tell(played, games, "playing")
    talk, network = player.talk, team.network
    return {
        "id": team.id,
        "processes": len(network.plan.names),
        "games": games,
        "steps": steps,
        "actions": steps * len(network.plan.names),
        "equal_actions": equal,
        "payload_bits": processes.sent.payload_bits,
        "metered_payload_bits": talk.sent * network.bottleneck.bits,
        "control_bits": processes.sent.control_bits,
        "metered_control_bits": talk.controls * network.graph.control_bits,
        "bytes_on_sockets": processes.sent.bytes,
    }


def passed(page: dict[str, Any]) -> bool:
    """Whether both ways were the same: every action, and every bit."""
    pairs = [("equal_actions", "actions"), ("payload_bits", "metered_payload_bits"), ("control_bits", "metered_control_bits")]
    return all(bool(np.isclose(page[a], page[b], rtol=1e-12, atol=1e-9)) for a, b in pairs)
