"""The games under gymnasium's ids.

    import commenv, gymnasium
    gymnasium.make("commenv/messaging.referential-v0", agent="receiver", others={"sender": policy})
    gymnasium.make_vec("commenv/messaging.referential-v0", num_envs=1024)

`import commenv` tells gymnasium the ids, and loads nothing but gymnasium for that. Where a program is told an id and no more,
"commenv:commenv/messaging.referential-v0" has gymnasium import what stands before the colon: since its version 1.0 it reads
no entry points. It allows one slash in an id, so ours becomes a dot. The first call makes a `SingleGame`, the second a
`VectorGame`; options as for `make`.
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
                kwargs={"game": id},  # not "id", which gymnasium keeps for its own
            )
