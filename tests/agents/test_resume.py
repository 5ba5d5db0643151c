"""A run that is restored in the middle goes on as if it had never stopped: the same numbers, bit for bit."""

import pytest
import torch

from agents import CommPPOConfig

REFERENTIAL, JUNCTION, SPEAKER = "messaging/referential-v0", "classic/traffic_junction-v0", "classic/speaker_listener-v0"
NOISY = {"bits": 2, "channel": {"error": 0.1}}
pytestmark = pytest.mark.usefixtures("ray_session")

WAYS = {
    "differentiable": (REFERENTIAL, NOISY, {"learn": "differentiable"}),
    "straight-through": (REFERENTIAL, NOISY, {"learn": "differentiable", "marginal_up_to": 0}),
    "independent": (REFERENTIAL, {**NOISY, "rounds": 3, "max_cycles": 4}, {"learn": "independent"}),
    "marginal": (SPEAKER, {}, {"learn": "marginal", "hidden": [16]}),
    "graph": (
        JUNCTION,
        {},
        {
            "graph": "commformer",
            "graph_options": {"warm": 1, "post_ratio": 0.6},
            "bottleneck": "vector_quantised",
            "memory": "gru",
            "width": 16,
            "terms": {"lagrangian": {"target": 0.5}, "clip_cov": 0.5, "epo": 0.1},
        },
    ),
}
"""A game, its options, and what is said of communication; a fragment ends in the middle of games."""


def config(way):
    id, options, said = WAYS[way]
    made = CommPPOConfig().environment(id, env_config=options).communication(total_steps=5 * 160, **said)
    made.env_runners(num_envs_per_env_runner=16, rollout_fragment_length=10)
    made.training(
        train_batch_size_per_learner=160,
        minibatch_size=8,
        num_epochs=2,
        lr=[[0, 1e-2], [800, 1e-4]],
        entropy_coeff=[[0, 0.1], [800, 0.0]],
        use_kl_loss=way == "independent",
    )
    return made.debugging(seed=7, log_level="ERROR")


def told(result):
    """What a run's log says of an iteration, times aside."""
    runners = result["env_runners"]
    learned = {
        id: {key: value for key, value in figures.items() if key.endswith(("loss", "coeff", "lr", "_multiplier", "revived"))}
        for id, figures in result["learners"].items()
        if id != "__all_modules__"
    }
    return runners["num_env_steps_sampled_lifetime"], runners.get("agent_episode_returns_mean"), runners["communication"], learned


def weights(algo):
    return {id: {key: t.clone() for key, t in algo.get_module(id).state_dict().items()} for id in algo.config.policies}


@pytest.mark.parametrize("way", WAYS)
def test_a_restored_run_goes_on_bit_for_bit(way, tmp_path):
    algo = config(way).build_algo()
    for _ in range(2):
        algo.train()
    algo.save_to_path(tmp_path)
    whole = [told(algo.train()) for _ in range(3)]
    wanted = weights(algo)
    algo.stop()

    torch.manual_seed(99)  # nothing of the process's own random numbers may matter
    again = config(way).build_algo()
    try:
        again.restore_from_path(tmp_path)
        resumed = [told(again.train()) for _ in range(3)]
        found = weights(again)
    finally:
        again.stop()
    assert resumed == whole
    for id, tensors in wanted.items():
        for key, tensor in tensors.items():
            assert torch.equal(tensor, found[id][key]), f"{id}: {key}"
