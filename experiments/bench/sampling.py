"""Env-steps a second of sampling inside RLlib: our env runner beside RLlib's own, the same game and the same networks."""

from functools import partial
from typing import Any

from experiments.bench.measure import BenchResult, Contender, Play, Progress, measure

ID = "messaging/referential-v0"
BITS = 3
GAMES = (64, 2_048, 8_192)
"""Games that our env runner steps at once."""


def run(seconds: float = 1.0, progress: Progress | None = None) -> BenchResult:
    """Env-steps a second of sampling inside RLlib with learning modules, beside RLlib's own env runner.

    seconds: CPU time for each of the contenders, warm-up aside.
    """
    from experiments.runs import session

    session()  # before this thread is held to one core: Ray's processes would inherit that
    return measure("sampling", contenders(), seconds, progress, repetitions=3)


def contenders() -> list[Contender]:
    ours = [Contender(name="commenv in RLlib", batch=n, prepare=partial(batched, n)) for n in GAMES]
    stock = Contender(
        name="stock RLlib",
        batch=64,
        prepare=partial(runner, stock_config),
        by="env-steps",
        package="ray",
        note="MultiAgentEnvRunner in its best setting: 64 envs, fragments of 64 steps, episodes_to_numpy=False",
    )
    return [*ours, stock]


def batched(n: int) -> Play:
    from agents import CommPPOConfig

    config = CommPPOConfig().environment(ID, env_config={"bits": BITS}).communication(learn="independent")
    config.env_runners(num_envs_per_env_runner=n, rollout_fragment_length=16)
    return runner(lambda: config.training(train_batch_size_per_learner=16 * n))


def stock_config() -> Any:
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec

    import commenv
    from agents.modules import AgentModule
    from commenv.interfaces.rllib import register

    register()
    names = commenv.make(ID).possible_agents
    return (
        PPOConfig()
        .environment(ID, env_config={"bits": BITS})
        .multi_agent(policies=names, policy_mapping_fn=lambda agent, *_, **__: agent)
        .rl_module(rl_module_spec=RLModuleSpec(module_class=AgentModule, model_config={"hidden": (64,)}))
        .env_runners(num_env_runners=0, num_envs_per_env_runner=64, rollout_fragment_length=64, episodes_to_numpy=False)
    )


def runner(configure: Any) -> Play:
    """A round is one call of `sample`, as an algorithm makes it."""
    env_runner = configure().build_algo().env_runner

    def play(rounds: int) -> tuple[int, int]:
        steps = games = 0
        for _ in range(rounds):
            env_runner.sample()
            found = env_runner.get_metrics()
            steps += int(found["num_env_steps_sampled"])
            games += int(found.get("num_episodes", 0))
        return steps, games

    return play
