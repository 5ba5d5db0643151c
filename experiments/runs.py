"""One training run in a folder: begun, interrupted, continued, finished.

    run.json                            what was trained, with what, for how long, and whether it is finished
    metrics.jsonl                       a line an iteration
    team.json, team.safetensors         the team, once it is finished
    checkpoint-NNNNNN/                  RLlib's own, until it is finished; from it an interrupted run continues

A checkpoint is written every 20 seconds and on Ctrl-C. RLlib writes pickles, and reading one may execute anything: continue only
runs that you trust. A team's own files hold no code. The same seed gives the same team, bit for bit and however often the run
was interrupted: a checkpoint holds the running games, all random numbers and the places of all schedules.
"""

import json
import logging
import math
import os
import shutil
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from commenv.core.errors import bad, whole
from experiments.files import Kinds, Tell, command_line, not_a_file, read_json, silent, versions, write, write_json
from experiments.options import chosen

CHECKPOINT_EVERY = 20.0
"""Seconds."""
LEARN = ("differentiable", "independent", "graph", "marginal")
RUN: Kinds = {
    **{"id": str, "options": dict, "seed": int, "learn": str, "total_steps": int, "iterations": int},
    **{"seconds": int | float, "games": int, "interruptions": int, "status": str},
}
"""What is read of run.json."""


@dataclass(frozen=True)
class Recipe:
    """What makes a run what it is: a folder holds one. Raises ValueError for anything not allowed."""

    id: str
    options: dict[str, Any]
    seed: int = 0
    learn: str = "differentiable"
    total_steps: int | None = None
    """Environment steps; None: those of the run in the folder, or CommPPOConfig's."""
    communication: dict[str, Any] = field(default_factory=dict)
    """What else is said to CommPPOConfig.communication."""
    training: dict[str, Any] = field(default_factory=dict)
    """What is said to RLlib: of `env_runners` num_envs_per_env_runner and rollout_fragment_length, the rest to `training`. Of a
    schedule, [[0, 2e-3], [1, 1e-4]], the first numbers are shares of total_steps; of minibatch_size, the unit is decisions, or
    whole games of a fragment where the team talks over a graph."""

    def __post_init__(self) -> None:
        chosen(self.id, self.options)
        whole("seed", self.seed, 0, 2**31 - 1)
        if self.learn not in LEARN:
            raise bad("learn", self.learn, f"one of {', '.join(LEARN)}")
        if self.total_steps is not None:
            whole("steps", self.total_steps, 1)

    def check(self, page: dict[str, Any], folder: Path, but: tuple[str, ...] = ()) -> None:
        """Raises ValueError if what stands in a folder was made by another recipe."""
        for name, ours in asdict(self).items():
            theirs = page.get(name, {} if isinstance(ours, dict) else None)
            same = theirs == ours or (name == "total_steps" and ours is None)
            if name == "options" and isinstance(theirs, dict):
                same = _same_options(self.id, theirs, self.options)
            if not same and name not in but:
                raise ValueError(f"{folder} was made with {name}={theirs!r}, not {ours!r}: choose another --out")

    def at(self, bits: int) -> "Recipe":
        """The same recipe at another rate: of what is said over a graph, or else of the game's own channel."""
        if self.learn == "graph":
            return replace(self, communication={**self.communication, "bits": bits})
        return replace(self, options={**self.options, "bits": bits})

    def config(self) -> Any:
        """The CommPPOConfig to train with."""
        from agents import CommPPOConfig

        config = CommPPOConfig().environment(self.id, env_config=self.options)
        config.communication(learn=self.learn, total_steps=self.total_steps, **self.communication)
        said = {key: scheduled(value, config.total_steps) for key, value in self.training.items()}
        played = {key: said.pop(key) for key in ("num_envs_per_env_runner", "rollout_fragment_length") if key in said}
        config.env_runners(**played)
        if len(played) == 2:
            config.training(train_batch_size_per_learner=math.prod(played.values()))
        config.training(**said)
        return config.debugging(seed=self.seed, log_level="ERROR")

    def validate(self) -> None:
        """Raises ValueError for what cannot be learned so, before anything is built or written."""
        quiet()
        self.config().validate()


def scheduled(value: Any, total_steps: int) -> Any:
    """A schedule over shares of the training, in steps as RLlib wants it; anything else as it is."""
    return [[int(share * total_steps), at] for share, at in value] if isinstance(value, list) else value


def _same_options(id: str, theirs: dict[str, Any], ours: dict[str, Any]) -> bool:
    try:
        return chosen(id, theirs) == chosen(id, ours)
    except ValueError:  # of another game, or damaged: not ours in either case
        return False


def kept(folder: Path) -> bool:
    """Whether anything stands in the folder of a run, or of a frontier, that the same command would go on with."""
    kinds = ("checkpoint-??????", "team.json")
    return any(any(folder.glob(place + kind)) for place in ("", "bits=*/seed=*/", "seed=*/") for kind in kinds)


def train(recipe: Recipe, folder: Path, tell: Tell = silent) -> dict[str, Any]:
    """Train one run to its end, or go on where it stopped, and return its run.json; a finished run is only read.

    Ctrl-C ends it after the iteration with a checkpoint, and raises KeyboardInterrupt; a second one does not wait.
    Raises ValueError for a folder of another run.
    """
    not_a_file(folder)
    before = read_json(folder / "run.json", RUN)
    if before is not None:
        recipe.check(before, folder)
        if before["status"] == "finished":
            return before
    with interruptions() as asked:
        tell(0, 1, "starting")
        recipe.validate()
        session()
        if asked():
            raise KeyboardInterrupt
        run = _Run(recipe, folder, before)
        try:
            run.resume(tell)
            while run.iteration < run.iterations and not asked():
                tell(run.iteration, run.iterations, run.iterate())
                if time.monotonic() - run.saved > CHECKPOINT_EVERY:
                    run.save()
            run.save()
        finally:
            run.algo.stop()
    return run.page


class _Run:
    def __init__(self, recipe: Recipe, folder: Path, before: dict[str, Any] | None) -> None:
        self.folder, self.begun, self.saved = folder, time.monotonic(), time.monotonic()
        total = recipe.total_steps or (before["total_steps"] if before else None)
        config = Recipe(**{**asdict(recipe), "total_steps": total}).config()
        self.iterations = math.ceil(config.total_steps / config.train_batch_size_per_learner)
        self.algo = config.build_algo()
        self.lines: list[dict[str, Any]] = []
        self.iteration = self.games = 0
        self.before = before
        self.earlier = 0.0
        self.page = {
            **asdict(recipe),
            "total_steps": config.total_steps,
            "iterations": self.iterations,
            "command": command_line(),
            "versions": versions(),
            "seconds": 0.0,
            "games": 0,
            "interruptions": 0,
            "status": "unfinished",
        }

    def resume(self, tell: Tell) -> None:
        """Go on from the newest checkpoint, if there is one; metrics of what came after it are forgotten.

        The checkpoint alone says how far the run had come: metrics.jsonl is a log, and may be damaged or gone.
        """
        checkpoints = sorted(self.folder.glob("checkpoint-??????"))
        if not checkpoints:
            write_json(self.folder / "run.json", self.page)
            return
        tell(0, 1, "restoring the checkpoint")
        self.algo.restore_from_path(str(checkpoints[-1].resolve()))
        self.iteration = int(self.algo.iteration)
        self.lines = [line for line in logged(self.folder / "metrics.jsonl") if line["iteration"] <= self.iteration]
        whole = len(self.lines) == self.iteration
        before = self.before or {"seconds": 0.0, "games": 0, "interruptions": 0}
        self.games = sum(line["games"] for line in self.lines) if whole else before["games"]
        self.earlier, self.page["interruptions"] = float(before["seconds"]), before["interruptions"] + 1

    def iterate(self) -> str:
        """Train one iteration; returns a few words about it."""
        result = self.algo.train()
        self.iteration += 1
        line = metrics(self.iteration, result)
        self.lines.append(line)
        self.games += line["games"]
        told = {"reward": line["reward"], "success": line["success"], "steps": line["length"]}
        return ", ".join(f"{key} {value:.3f}" for key, value in told.items() if value is not None)

    def save(self) -> None:
        """A finished run leaves its team, an unfinished one a checkpoint."""
        finished = self.iteration >= self.iterations
        write(self.folder / "metrics.jsonl", "".join(json.dumps(line) + "\n" for line in self.lines))
        if finished:
            self.algo.team().save(self.folder)
        else:
            self._checkpoint()
        self.saved = time.monotonic()
        self.page["seconds"] = round(self.earlier + self.saved - self.begun, 3)
        self.page["games"] = self.games
        self.page["status"] = "finished" if finished else "unfinished"
        write_json(self.folder / "run.json", self.page)
        if finished:
            for checkpoint in self.folder.glob("checkpoint-*"):
                shutil.rmtree(checkpoint)

    def _checkpoint(self) -> None:
        path = self.folder / f"checkpoint-{self.iteration:06}"
        if self.iteration == 0 or path.exists():
            return
        aside = path.with_suffix(".new")
        shutil.rmtree(aside, ignore_errors=True)
        self.algo.save_to_path(str(aside.resolve()))
        os.replace(aside, path)
        for checkpoint in self.folder.glob("checkpoint-*"):
            if checkpoint != path:
                shutil.rmtree(checkpoint)


def metrics(iteration: int, result: dict[str, Any]) -> dict[str, Any]:
    """A line of metrics.jsonl from RLlib's result. Its episode return is the sum over agents: ours is a game's, the mean.
    None, where RLlib has NaN, in an iteration in which no game ended."""
    runners = result["env_runners"]
    ended = not math.isnan(runners.get("episode_len_mean", math.nan))
    returns = runners.get("agent_episode_returns_mean", {}).values() if ended else ()
    return {
        "iteration": iteration,
        "steps": int(runners["num_env_steps_sampled_lifetime"]),
        "games": int(runners.get("num_episodes", 0)),
        "reward": math.fsum(returns) / len(returns) if returns else None,  # whatever their order after a restart
        "length": float(runners["episode_len_mean"]) if returns else None,
        "success": float(runners["success_mean"]) if ended and "success_mean" in runners else None,
        **{key: float(value) for key, value in sorted(runners.get("communication", {}).items())},
        "seconds": round(float(result["time_this_iter_s"]), 4),
    }


def logged(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics.jsonl that can be read; none where there is no such file."""
    found = []
    for text in path.read_text(errors="replace").splitlines() if path.is_file() else ():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and all(isinstance(line.get(name), int) for name in ("iteration", "games")):
            found.append(line)
    return found


def quiet() -> None:
    """Ray and RLlib say nothing that a user could do nothing about."""
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # what ray asks for to keep quiet about its future
    import ray.rllib  # noqa: F401  (it sets its logger's level when it is imported)

    logging.getLogger("ray").setLevel(logging.ERROR)  # "`config.training(learner_class=..)` has been deprecated"
    logging.getLogger("ray.rllib").setLevel(logging.ERROR)  # "You are running CommPPO on the new API stack!"
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"ray\.")


def session() -> None:
    """Ray, quiet, and torch on one thread: the same seed then gives the same team whatever the number of cores."""
    quiet()
    import ray
    import torch

    torch.set_num_threads(1)
    if not ray.is_initialized():
        ray.init(
            include_dashboard=False,
            num_cpus=os.cpu_count(),
            object_store_memory=100 * 2**20,
            logging_level=logging.ERROR,
            log_to_driver=False,
        )


@contextmanager
def interruptions() -> Iterator[Callable[[], bool]]:
    """Ctrl-C does not tear RLlib apart within an iteration: whether it was asked for is told, and it is raised at the end."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    asked = threading.Event()

    def ask(number: int, frame: Any) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)
    if asked.is_set():
        raise KeyboardInterrupt
