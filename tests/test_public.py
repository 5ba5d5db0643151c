"""The whole public face: what `import commenv` offers, and what it does not load."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import commenv

HEAVY = {"torch", "ray", "numba", "scipy", "networkx", "matplotlib", "pandas", "pettingzoo", "pygame"}


def loaded_by(code: str) -> set[str]:
    program = f"{code}\nimport json, sys\nprint(json.dumps([name.split('.')[0] for name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


def test_import_is_light():
    assert not loaded_by("import commenv; commenv.ids(); commenv.Channel(bits=2, error=.1)") & HEAVY


def test_games_need_neither_torch_nor_ray():
    code = (
        f"import commenv\nid = {commenv.ids()[0]!r}\ncommenv.make(id).reset(); commenv.make_aec(id).reset(); commenv.limits(id)"
    )
    assert not loaded_by(code) & {"torch", "ray"}


def test_everything_public_is_there():
    assert all(hasattr(commenv, name) for name in commenv.__all__)


def test_ids():
    ids = commenv.ids()
    assert "messaging/referential-v0" in ids
    assert len(set(ids)) == len(ids)
    ids.clear()
    assert commenv.ids()


@pytest.mark.parametrize("id", commenv.ids())
def test_every_game_can_be_made_and_has_its_page_and_its_limits(id):
    page = commenv.page(id)
    for word in ("Agents:", "observation", "action", "Reward", "Ends", "Limits", "Version history"):
        assert word in page
    env = commenv.make(id)
    observations, _ = env.reset(seed=0)
    assert all(env.observation_space(name).contains(observations[name]) for name in env.agents)
    aec = commenv.make_aec(id)
    aec.reset(seed=0)
    assert aec.agent_selection in env.agents
    batch = commenv.make_batch(id, 3, seed=0)
    for name, rows in batch.reset().items():
        np.testing.assert_array_equal(rows[0], observations[name])
    limits = commenv.limits(id)
    assert limits.silent.value <= limits.reachable.value + 1e-9 <= limits.ceiling.value + 2e-9
    for limit in limits.as_dict().values():
        assert limit["source"]
        assert isinstance(limit["exact"], bool)
        assert np.isfinite(limit["value"])


@pytest.mark.parametrize(
    "of", [commenv.make, commenv.make_aec, commenv.limits, commenv.page, lambda id: commenv.make_batch(id, 1)]
)
@pytest.mark.parametrize("id", ["chess-v9", None, 3, [], {}])
def test_unknown_ids_are_named_with_those_there_are(of, id):
    with pytest.raises(ValueError, match=f"{re.escape(repr(id))}.*messaging/referential-v0"):
        of(id)


README = (Path(__file__).parent.parent / "README.md").read_text()
SNIPPETS = [code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "from agents" not in code]


@pytest.mark.parametrize("code", SNIPPETS, ids=[code.strip().splitlines()[0] for code in SNIPPETS])
def test_what_readme_shows_runs(code):
    """Training has its own tests. Whatever a snippet calls env can be played."""
    if "mpe2" in code:
        pytest.importorskip("mpe2", reason="pip install commenv[test]")
    names = {"commenv": commenv}
    exec(code, names)
    for env in (names[name] for name in ("env", "envs") if name in names):
        env.reset(seed=0)
        action = (
            {name: env.action_space(name).sample() for name in env.agents}
            if hasattr(env, "agents")
            else env.action_space.sample()
        )
        env.step(action)


def test_efficiency():
    limits = commenv.limits("messaging/referential-v0", bits=1)
    assert limits.efficiency(limits.silent.value) == 0
    assert limits.efficiency(limits.reachable.value) == 1
    assert commenv.limits("messaging/referential-v0", bits=0).efficiency(0.125) is None
