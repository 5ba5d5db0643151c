"""The games under gymnasium's ids.

    gymnasium.make("commenv.interfaces:commenv/messaging.referential-v0", agent="receiver", others={"sender": policy})
    gymnasium.make_vec("commenv.interfaces:commenv/messaging.referential-v0", num_envs=1024)

What stands before the colon is imported first, and may be left out where `commenv.interfaces` is imported already: gymnasium
looks for no entry points since its version 1.0. It allows one slash in an id, so ours becomes a dot: `messaging/referential-v0`
is `commenv/messaging.referential-v0`. The first call makes a `SingleGame`, the second a `VectorGame`; options as for `make`.
"""

from gymnasium.envs import registration

from commenv.games import CATALOGUE

NAMESPACE = "commenv"


def gymnasium_id(id: str) -> str:
    """What gymnasium calls a game."""
    return f"{NAMESPACE}/{id.replace('/', '.')}"


def register() -> None:
    """Make every game known to gymnasium; may be called again."""

    for id in CATALOGUE:
        if gymnasium_id(id) not in registration.registry:
            registration.register(
                gymnasium_id(id),
                entry_point="commenv.interfaces.single:SingleGame",
                vector_entry_point="commenv.interfaces.vector:VectorGame",
                kwargs={"id": id},
            )
