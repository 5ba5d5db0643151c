"""Runs that end, are interrupted, and go on; files that are whole or old."""

import json
import math
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents import Team
from experiments import runs
from experiments.files import read_json, versions, write, write_json

ID = "messaging/referential-v0"
STEPS = 3 * 4096
ENDED = {"iterations": 3, "games": 6144, "seconds": 1.0, "interruptions": 0, "status": "finished"}
RECIPE = runs.Recipe(ID, {"bits": 1}, seed=3, total_steps=STEPS)


def interrupt_at(iteration):
    def tell(done, total, what):
        if done == iteration:
            os.kill(os.getpid(), signal.SIGINT)

    return tell


@pytest.mark.usefixtures("ray_session")
def test_a_run_is_interrupted_goes_on_and_ends(tmp_path):
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        runs.train(RECIPE, tmp_path, interrupt_at(1))
    assert signal.getsignal(signal.SIGINT) is handler
    page = read_json(tmp_path / "run.json")
    assert (page["status"], page["games"]) == ("unfinished", 2 * 2048)
    assert [path.name for path in tmp_path.glob("checkpoint-*")] == ["checkpoint-000002"]

    page = runs.train(RECIPE, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["steps"] for line in lines] == [4096, 8192, STEPS]
    assert all(0 <= line["reward"] <= 1 for line in lines)  # a game's, not summed over the agents
    assert (page["status"], page["games"], page["interruptions"]) == ("finished", 3 * 2048, 1)
    assert page["versions"] == versions()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["metrics.jsonl", "run.json", "team.json", "team.safetensors"]

    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert runs.train(RECIPE, tmp_path) == page
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


@pytest.mark.usefixtures("ray_session")
@pytest.mark.parametrize(
    "recipe",
    [
        replace(RECIPE, total_steps=4 * 4096),
        runs.Recipe(
            "classic/traffic_junction-v0",
            {},
            seed=1,
            learn="graph",
            total_steps=4 * 160,
            communication={"graph": "commformer", "memory": "gru", "width": 16},
            training={"num_envs_per_env_runner": 16, "rollout_fragment_length": 10, "lr": [[0, 1e-2], [1, 1e-3]]},
        ),
    ],
    ids=["referential", "junction"],
)
def test_an_interrupted_run_is_the_uninterrupted_one(tmp_path, recipe):
    runs.train(recipe, tmp_path / "whole")
    for iteration in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            runs.train(recipe, tmp_path / "parts", interrupt_at(iteration))
    assert runs.train(recipe, tmp_path / "parts")["interruptions"] == 2
    teams = [(tmp_path / name / "team.safetensors").read_bytes() for name in ("whole", "parts")]
    assert teams[0] == teams[1]
    logs = [runs.logged(tmp_path / name / "metrics.jsonl") for name in ("whole", "parts")]
    whole, parts = ([{**line, "seconds": 0} for line in log] for log in logs)
    assert len(whole) == 4
    assert whole == parts


@pytest.mark.usefixtures("ray_session")
@pytest.mark.parametrize("log", [None, "", "{", '[1]\n{"iteration": "x"}\n'])
def test_a_checkpoint_needs_no_log(tmp_path, log):
    with pytest.raises(KeyboardInterrupt):
        runs.train(RECIPE, tmp_path, interrupt_at(1))
    path = tmp_path / "metrics.jsonl"
    path.unlink()
    if log is not None:
        path.write_text(log)
    page = runs.train(RECIPE, tmp_path)
    assert (page["status"], page["games"], page["interruptions"]) == ("finished", 3 * 2048, 1)
    assert [json.loads(line)["steps"] for line in path.read_text().splitlines()] == [STEPS]  # what is known, and no more


def test_a_run_that_cannot_learn_leaves_nothing(tmp_path):
    budget = {"rounds": 3, "bits": 1, "channel": {"silence": True, "cap": 2}}
    with pytest.raises(ValueError, match="budget"):
        runs.train(runs.Recipe(ID, budget), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("page", "what"),
    [
        ({}, "has no 'id'"),
        ({"status": None}, "status=None"),
        ({"seconds": "long"}, "seconds='long'"),
        ({"options": 3}, "options=3"),
    ],
)
def test_a_damaged_run_is_said_to_be(tmp_path, page, what):
    whole = {"id": ID, "options": {"bits": 1}, "seed": 3, "learn": "differentiable", "total_steps": STEPS, **ENDED}
    write_json(tmp_path / "run.json", {**whole, **page} if page else {})
    with pytest.raises(ValueError, match=rf"run.json is damaged: .*{what}"):
        runs.train(RECIPE, tmp_path)


@pytest.mark.usefixtures("ray_session")
def test_the_same_seed_gives_the_same_team(tmp_path):
    actions = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        runs.train(runs.Recipe(ID, {"bits": 2}, seed, total_steps=4096), tmp_path / name)
        policies = Team.load(tmp_path / name).policies
        actions.append(np.concatenate([policies[n].layers[0].weight.detach().numpy().ravel() for n in sorted(policies)]))
    assert np.array_equal(actions[0], actions[1])
    assert not np.array_equal(actions[0], actions[2])


@pytest.mark.parametrize(
    ("name", "other"),
    [("id", "messaging/other"), ("options", {"bits": 2}), ("seed", 4), ("learn", "independent"), ("total_steps", 1)],
)
def test_a_folder_of_another_run_is_refused(tmp_path, name, other):
    page = {"id": ID, "options": {"bits": 1}, "seed": 3, "learn": "differentiable", "total_steps": STEPS, **ENDED}
    write_json(tmp_path / "run.json", page)
    assert runs.train(RECIPE, tmp_path) == page
    write_json(tmp_path / "run.json", {**page, name: other})
    with pytest.raises(ValueError, match=rf"was made with {name}=.*choose another --out"):
        runs.train(RECIPE, tmp_path)


def test_options_that_mean_the_same_are_the_same_run(tmp_path):
    page = {"id": ID, "options": {"bits": 1, "states": 8, "channel": {}}, "seed": 3, "learn": "differentiable"}
    write_json(tmp_path / "run.json", {**page, "total_steps": STEPS, **ENDED})
    assert runs.train(RECIPE, tmp_path)["seed"] == 3


@pytest.mark.parametrize(
    "bad", [{"id": "x"}, {"options": {"bits": -1}}, {"seed": -1}, {"learn": "hard"}, {"total_steps": 0}, {"options": {"z": 1}}]
)
def test_bad_recipes(bad):
    with pytest.raises(ValueError, match=r"is not allowed|unknown"):
        runs.Recipe(**{"id": ID, "options": {}, **bad})


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "page"
    write(path, "old")

    def half(aside: Path) -> None:
        aside.write_text("ne")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(path, half)
    assert path.read_text() == "old"
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"x": float("nan")})
    assert path.read_text() == "old"


def test_a_damaged_page_is_said_to_be(tmp_path):
    assert read_json(tmp_path / "page.json") is None
    for text in ('{"a": ', "[]", "\x00"):
        (tmp_path / "page.json").write_text(text)
        with pytest.raises(ValueError, match="is damaged"):
            read_json(tmp_path / "page.json")


@pytest.mark.parametrize("length", [math.nan, 7.0])
def test_an_iteration_in_which_no_game_ended_knows_no_reward(length):
    known = not math.isnan(length)
    runners = {"episode_len_mean": length, "success_mean": length / 7, "agent_episode_returns_mean": {"a": length, "b": length}}
    runners |= {"num_env_steps_sampled_lifetime": 20, "num_episodes": int(known)}
    line = runs.metrics(1, {"env_runners": runners, "time_this_iter_s": 0.5})
    assert [line[key] for key in ("reward", "length", "success")] == ([7.0, 7.0, 1.0] if known else [None] * 3)
    json.loads(json.dumps(line, allow_nan=False))
