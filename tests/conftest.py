"""A second game, hypothesis at leisure, and one ray session for all tests that need one."""

import logging
import os
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # networks this small are ten times slower on two threads of a busy machine

import pytest
from examples import OPTION_SETS, RING
from hypothesis import settings

from commenv.games import CATALOGUE

# How long an example takes depends on who else uses the machine; and a run that failed must fail again.
settings.register_profile("unhurried", deadline=None, derandomize=True)
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def ring(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ring has an id, in tests only."""
    monkeypatch.setitem(CATALOGUE, RING, "ring")


@pytest.fixture(params=OPTION_SETS)
def chosen(request: pytest.FixtureRequest) -> tuple[str, dict]:
    """An id and options."""
    return OPTION_SETS[request.param]


@pytest.fixture(scope="session")
def ray_session() -> Iterator[Any]:
    ray = pytest.importorskip("ray")
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"  # what ray asks for to keep quiet about its future
    ray.init(
        num_cpus=4,  # two runners and two learners, whatever the machine has
        include_dashboard=False,
        object_store_memory=100 * 2**20,
        logging_level=logging.ERROR,
        log_to_driver=False,
        _system_config={"worker_niceness": 0},  # at 15, ray's choice, its actors starve beside other tests
    )
    yield ray
    ray.shutdown()
