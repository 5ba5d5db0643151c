"""Scripted drivers for the traffic junction: they see every car, but not who will enter."""

from typing import Any

import numpy as np
from numba import njit

from commenv.core.batch import Batch
from commenv.games.classic.traffic_junction import BRAKE, GAS

AHEAD, TRIES = 64, 40
"""Steps that are planned; orders that are tried."""


def replan(batch: Batch) -> dict[str, np.ndarray]:
    """Plan all cars anew at every step, one after another around those planned before, those nearest to their end first."""
    p: Any = batch._parameters
    agents = batch.state.agents
    acts = np.full((batch.num_envs, len(batch.possible_agents)), GAS)
    _plan_all(p.routes, p.length, agents["driving"], agents["route"], agents["place"], batch.state.board.shape[1], acts)
    return dict(zip(batch.possible_agents, acts.T, strict=True))


@njit(cache=True)
def _plan_all(routes, length, driving, route, place, cells, acts):
    games, agents = driving.shape
    taken = np.zeros((AHEAD + 1, cells), np.bool_)
    order, plan = np.zeros(agents, np.int64), np.zeros(AHEAD, np.int64)
    for g in range(games):
        cars = 0
        for a in range(agents):
            if driving[g, a] == 1:
                order[cars] = a
                cars += 1
        # Those nearest to their end first: they make room.
        for i in range(cars):
            for j in range(i, 0, -1):
                one, two = order[j - 1], order[j]
                if length[route[g, two]] - place[g, two] < length[route[g, one]] - place[g, one]:
                    order[j - 1], order[j] = two, one
        for _ in range(TRIES):
            taken[:] = False
            failed = -1
            for i in range(cars):
                a = order[i]
                if not _plan(routes[route[g, a]], length[route[g, a]], place[g, a], taken, plan):
                    failed = i
                    break
                acts[g, a] = plan[0]
                where = place[g, a]
                for t in range(AHEAD):
                    where += plan[t] == GAS
                    if where >= length[route[g, a]]:
                        break
                    taken[t + 1, routes[route[g, a], where]] = True
            if failed < 0:
                break
            first = order[failed]  # who found no way goes first
            for i in range(failed, 0, -1):
                order[i] = order[i - 1]
            order[0] = first


@njit(cache=True)
def _plan(way, end, start, taken, plan):
    """The fastest way to the end that meets nobody, on gas while that is as fast; nobody waits where others may enter."""
    horizon = len(plan)
    best = np.full((horizon + 1, end + 1), horizon + 1)  # step of arrival from each place at each step
    best[:, end] = np.arange(horizon + 1)
    for t in range(horizon - 1, -1, -1):
        for k in range(start, min(end, start + t + 1)):
            on = end if k + 1 >= end else k + 1
            if on == end or not taken[t + 1, way[on]]:
                best[t, k] = best[t + 1, on]
            if k > 0 and not taken[t + 1, way[k]]:
                best[t, k] = min(best[t, k], best[t + 1, k])
    if best[0, start] > horizon:
        return False
    k = start
    for t in range(horizon):
        plan[t] = GAS
        if k < end:
            on = end if k + 1 >= end else k + 1
            if (on == end or not taken[t + 1, way[on]]) and best[t + 1, on] == best[t, k]:
                k = on
            else:
                plan[t] = BRAKE
    return True
