"""One compilation for all options, found again on disk, never stale, and the same game without a compiler."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import ring
from examples import OPTION_SETS, REFERENTIAL, fingerprint

import commenv
from commenv.core import kernel
from commenv.core.batch import Batch
from commenv.core.wire import bare
from commenv.games import rules

TESTS = Path(__file__).parents[1]
SOURCE = Path(ring.__file__).read_text()


def second_process(code: str, *flags: str, **environment: str) -> dict:
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    done = subprocess.run(
        [sys.executable, *flags, "-c", f"import json, examples, commenv\nexamples.register_ring()\n{code}"],
        env={**os.environ, "PYTHONPATH": path, **environment},
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


def test_the_compiler_changes_nothing():
    code = "print(json.dumps({name: examples.fingerprint(name) for name in examples.OPTION_SETS}))"
    plain = second_process(code, "-W", "error::RuntimeWarning", NUMBA_DISABLE_JIT="1")
    assert plain == {name: fingerprint(name) for name in OPTION_SETS}


def test_one_compilation_for_all_options_of_a_kind_of_channel():
    kernels: dict = {}
    for id, options in OPTION_SETS.values():
        for n, threads in ((1, 1), (7, 2)):
            batch = commenv.make_batch(id, n, seed=0, threads=threads, **options)
            batch.reset()
            kind = id, bare(batch.channel.wire) == batch.channel.wire
            assert kernels.setdefault(kind, batch._kernel) is batch._kernel, kind
    for kind, found in kernels.items():
        assert len(found.signatures) == 1, kind


def test_a_second_process_does_not_compile():
    code = f"""
import numpy as np
from commenv.core import kernel
batch = commenv.make_batch({REFERENTIAL!r}, 1, seed=0)
batch.reset()
batch.rollout({{name: np.zeros((1, 1), int) for name in batch.possible_agents}})
found = batch._kernel, kernel.bind(batch.rules, batch._setting, batch.buffers, kernel.replay)
print(json.dumps([[sum(f.stats.cache_hits.values()), sum(f.stats.cache_misses.values())] for f in found]))"""
    batch = commenv.make_batch(REFERENTIAL, 1, seed=0)
    batch.reset()
    batch.rollout({name: np.zeros((1, 1), int) for name in batch.possible_agents})
    assert second_process(code) == [[1, 0], [1, 0]]


# ---------------------------------------------------------------------------------------------------------------- identity
def bound(module: Any) -> Any:
    return Batch(module, module.Options(), 1)._kernel


def identity(source: str, **names: object) -> str:
    """What a game of that source is called in the cache."""
    module = ModuleType("ring_under_change")
    module.__dict__.update(names)
    sys.modules[module.__name__] = module  # dataclasses look themselves up
    try:
        exec(compile(source, ring.__file__, "exec"), module.__dict__)
        return bound(module).py_func.__qualname__
    finally:
        del sys.modules[module.__name__]


def changed(old: str, new: str) -> str:
    assert old in SOURCE
    return SOURCE.replace(old, new)


def test_the_same_rules_are_the_same():
    assert identity(SOURCE) == identity(SOURCE)
    assert identity(SOURCE) == identity(changed('return f"step', 'return f"Step'))  # the page is no rule


def test_changed_rules_are_other_rules():
    assert identity(SOURCE) != identity(changed("reward[i] += 0.5", "reward[i] += 0.6"))
    assert identity(SOURCE) != identity(changed("game.pot = 0.0", "game.pot = 1.0"))
    assert identity(SOURCE) != identity(changed("obs[1] = board[i]", "obs[1] = -board[i]"))


def test_changed_constants_are_other_rules():
    named = changed("reward[i] += 0.5", "reward[i] += PRIZE")
    assert identity(named, PRIZE=0.5) == identity(named, PRIZE=0.5) != identity(named, PRIZE=0.6)


def test_changed_constants_of_other_modules_are_other_rules():
    def elsewhere(prize: float) -> ModuleType:
        module = ModuleType("elsewhere")
        module.PRIZE = prize
        return module

    named = changed("reward[i] += 0.5", "reward[i] += elsewhere.PRIZE")
    assert identity(named, elsewhere=elsewhere(0.5)) == identity(named, elsewhere=elsewhere(0.5))
    assert identity(named, elsewhere=elsewhere(0.5)) != identity(named, elsewhere=elsewhere(0.6))


def test_changed_helpers_are_other_rules():
    helper = "\nfrom commenv.core.generator import rule\n\n@rule\ndef prize(x):\n    return x\n"
    named = changed("reward[i] += 0.5", "reward[i] += prize(0.5)")
    other = helper.replace("return x", "return x + 1")
    assert identity(named + helper) == identity(named + helper) != identity(named + other)


def test_what_a_step_writes_is_all_there_is():
    """Two batches of one kernel do not share scratch."""
    one, other = (commenv.make_batch(REFERENTIAL, 2, seed=s) for s in (0, 1))
    arrays = [a for batch in (one, other) for part in (batch.state, batch.buffers, batch._scratch) for a in part]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


def test_pruning_spares_games_of_similar_names(tmp_path):
    new, old = "0" * 16, "f" * 16
    names = [
        f"kernel.{game}_{digest}-75.py311.{end}"
        for game in ("a_grid", "a_grid_big")
        for digest in (new, old)
        for end in ("nbi", "1.nbc")
    ]
    for name in names:
        (tmp_path / name).touch()
    kernel._prune(SimpleNamespace(stats=SimpleNamespace(cache_path=tmp_path)), "a_grid_", new)
    assert {path.name for path in tmp_path.iterdir()} == {name for name in names if f"a_grid_{old}" not in name}


def test_games_do_not_share_helpers_that_are_compiled_for_their_agents():
    """numba would take the agent of one game for another's with more fields, which it calls experimental, and warns."""
    for helper in ("admit", "refill"):
        ours, theirs = (bound(module).py_func.__globals__[helper] for module in (rules(REFERENTIAL), ring))
        assert ours is not theirs
