"""The traffic junction: its maps, its rules on situations made by hand, what cars that never brake achieve, who hears what."""

from functools import partial
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from drivers import replan
from pettingzoo.test import max_cycles_test

import commenv
from commenv.core.batch import Batch
from commenv.games.classic.measured import first_games
from commenv.games.classic.traffic_junction import BRAKE, GAS, MAPS, routes

ID = "classic/traffic_junction-v0"
ARRIVALS = {
    "easy": {(0, 3), (3, 0)},
    "medium": {(0, 6), (13, 7), (7, 0), (6, 13)},
    "hard": {(0, 4), (0, 12), (5, 0), (13, 0), (17, 5), (17, 13), (4, 17), (12, 17)},
}
EXITS = {
    "easy": {(6, 3), (3, 6)},
    "medium": {(0, 7), (13, 6), (6, 0), (7, 13)},
    "hard": {(0, 5), (0, 13), (4, 0), (12, 0), (17, 4), (17, 12), (5, 17), (13, 17)},
}


def make(n: int = 1, **options: Any) -> Batch:
    """A batch at its beginning; no car enters but where a test says so."""
    batch = commenv.make_batch(ID, n, seed=0, **{"add_rate": 0.0, **options})
    batch.reset()
    return batch


def put(batch: Batch, i: int, route: int, place: int, age: int = 0) -> None:
    """Put car i of every game on the road."""
    car, p = batch.state.agents[:, i], batch._parameters
    assert not car["driving"].any()
    for name, value in (("driving", 1), ("route", route), ("place", place), ("age", age), ("last", GAS)):
        car[name] = value
    batch.state.games["cars"] += 1
    batch.state.board[:, p.routes[route, place]] += 1


def act(batch: Batch, *moves: int, message: int = 0) -> dict[str, np.ndarray]:
    """The same moves in every game; those not given are gas."""
    n, all_moves = batch.num_envs, [*moves, *[GAS] * (len(batch.possible_agents) - len(moves))]
    both = batch.layout.links
    return {
        name: np.tile([move, message], (n, 1)) if both else np.full(n, move)
        for name, move in zip(batch.possible_agents, all_moves, strict=True)
    }


def rewards(step: Any) -> list[float]:
    return [float(row[0]) for row in step[1].values()]


# ---------------------------------------------------------------------------------------------------------------- maps
@pytest.mark.parametrize(
    ("difficulty", "count", "lengths", "roads"),
    [("easy", 2, {7}, 13), ("medium", 12, {13, 14, 15}, 52), ("hard", 56, set(range(9, 28)), 128)],
)
def test_routes(difficulty, count, lengths, roads):  # spec/benchmarks.md
    arrivals = routes(difficulty)
    ways = [way for arrival in arrivals for way in arrival]
    assert len(ways) == len(set(ways)) == count
    assert len({len(arrival) for arrival in arrivals}) == 1
    assert {len(way) for way in ways} <= lengths
    assert min(map(len, ways)) == min(lengths)
    assert max(map(len, ways)) == max(lengths)
    assert {way[0] for way in ways} == ARRIVALS[difficulty]
    assert {way[-1] for way in ways} == EXITS[difficulty]
    assert len({cell for way in ways for cell in way}) == roads == make(difficulty=difficulty).state.board.shape[1]
    for way in ways:
        steps = np.diff(np.array(way), axis=0)
        assert (np.abs(steps).sum(axis=1) == 1).all()
        assert (steps[1:] + steps[:-1]).any(axis=1).all()  # nobody turns back
        assert (np.diff(steps, axis=0) != 0).any(axis=1).sum() <= {"easy": 0, "medium": 1, "hard": 2}[difficulty]


def test_medium_turns_right_goes_straight_and_turns_left_from_everywhere():
    for arrival in routes("medium"):
        assert sorted(map(len, arrival)) == [13, 14, 15]


def test_all_drive_on_their_side():
    """No two routes pass the same cell in opposite directions."""
    for difficulty in MAPS:
        passed = {pair for arrival in routes(difficulty) for way in arrival for pair in pairwise(way)}
        assert not passed & {(b, a) for a, b in passed}


# ---------------------------------------------------------------------------------------------------------------- rules
def test_cars_enter_and_are_paid_for_their_time():
    batch = make(add_rate=1.0, cars=4)
    assert not any(rows.any() for rows in batch.observations.values())  # at reset there are no cars
    told = [rewards(batch.step(act(batch))) for _ in range(3)]
    assert np.count_nonzero(told[0]) == 0
    assert sorted(told[1]) == [-0.01, -0.01, 0.0, 0.0]
    assert sorted(told[2]) == [-0.02, -0.02, -0.01, -0.01]  # no more than four cars
    assert batch.state.games["cars"][0] == 4


def test_a_crash_costs_ten_however_many_are_in_it_and_removes_nobody():
    batch = make(bits=0)
    for i, route in enumerate((0, 1, 1)):
        put(batch, i, route, place=2, age=4)
    assert rewards(batch.step(act(batch))) == pytest.approx([-10.05, -10.05, -10.05, 0, 0])
    assert rewards(batch.step(act(batch, GAS, BRAKE, GAS))) == pytest.approx([-0.06, -0.06, -0.06, 0, 0])
    assert batch.state.games["crashes"][0] == 3
    assert batch.state.games["cars"][0] == 3


def test_cars_enter_even_on_each_other():
    batch = make(add_rate=1.0, bits=0)
    batch.step(act(batch))
    brake = {name: np.array([BRAKE]) for name in batch.possible_agents}
    assert sorted(rewards(batch.step(brake))) == pytest.approx([-10.01, -10.01, -10, -10, 0])
    assert sorted(rewards(batch.step(brake))) == pytest.approx([-10.02, -10.02, -10.01, -10.01, -10])


def test_who_arrives_leaves_unpaid_and_its_place_is_taken_in_the_same_step():
    batch = make(bits=0, cars=1)
    put(batch, 0, route=0, place=6, age=9)
    assert rewards(batch.step(act(batch, BRAKE))) == pytest.approx([-0.1])
    assert rewards(batch.step(act(batch, GAS))) == [0]
    assert batch.state.games["cars"][0] == batch.state.board.sum() == 0
    batch = make(bits=0, cars=1, add_rate=1.0)
    put(batch, 0, route=0, place=6, age=9)
    assert rewards(batch.step(act(batch, GAS))) == [0]
    car = batch.state.agents[0, 0]
    assert (car["driving"], car["place"], car["age"]) == (1, 0, 0)


def test_actions_without_a_car_count_nothing():
    batch, twin = make(bits=0, add_rate=0.5, cars=3), make(bits=0, add_rate=0.5, cars=3)
    for _ in range(10):
        free = batch.state.agents["driving"][0] == 0
        batch.step(act(batch))
        twin.step(act(twin, *np.where(free, BRAKE, GAS)))
        np.testing.assert_array_equal(np.array(batch.state.agents), np.array(twin.state.agents))


def test_cars_enter_at_the_rate_on_uniform_routes_in_uniform_places():
    n, rate = 4000, 0.1
    batch = make(n, difficulty="hard", cars=20, add_rate=rate, bits=0)
    batch.step(act(batch))
    driving = batch.state.agents["driving"] == 1
    entered = driving.sum(axis=1)
    assert entered.mean() == pytest.approx(8 * rate, abs=4 * np.sqrt(8 * rate * (1 - rate) / n))
    cars = entered.sum()
    for counts in (driving.sum(axis=0), np.bincount(batch.state.agents["route"][driving], minlength=56)):
        share = cars / len(counts)
        assert (np.abs(counts - share) < 5 * np.sqrt(share)).all()


def test_the_board_counts_the_cars():
    batch = make(50, difficulty="medium", add_rate=0.4, bits=0)
    rng, p = np.random.default_rng(0), batch._parameters
    for _ in range(60):
        batch.step({name: rng.integers(0, 2, 50) for name in batch.possible_agents})
        cars = batch.state.agents
        counted = np.zeros_like(batch.state.board)
        game, car = np.nonzero(cars["driving"])
        np.add.at(counted, (game, p.routes[cars["route"][game, car], cars["place"][game, car]]), 1)
        np.testing.assert_array_equal(batch.state.board, counted)
        np.testing.assert_array_equal(batch.state.games["cars"], cars["driving"].sum(axis=1))


def test_a_game_ends_on_time_and_not_before():
    for difficulty, chart in MAPS.items():
        for same_step in (False, True):
            batch = make(difficulty=difficulty, bits=0, same_step=same_step)
            ends = [batch.step(act(batch))[2:4] for _ in range(chart.steps * (1 + same_step))]
            assert not any(terminated["car_0"][0] for terminated, _ in ends)
            assert [bool(truncated["car_0"][0]) for _, truncated in ends] == [False] * (len(ends) - 1) + [True]


def test_their_own_test_of_a_fixed_horizon():
    games = SimpleNamespace(parallel_env=partial(commenv.make, ID), env=partial(commenv.make_aec, ID))
    max_cycles_test(games)


# ---------------------------------------------------------------------------------------------------------------- success
def never_brake(batch: Batch) -> dict[str, np.ndarray]:
    return act(batch)


def easy_without_braking() -> float:
    """Exact success on easy: the cars on either road are a mask of taken places, and roads meet at place 3."""
    p, cars, steps = MAPS["easy"].add_rate, MAPS["easy"].cars, MAPS["easy"].steps
    now = {(0, 0): 1.0}
    for _ in range(steps):
        then: dict[tuple[int, int], float] = {}
        for (one, two), probability in now.items():
            one, two = one << 1 & 127, two << 1 & 127
            for enters in (0, 1):
                first = (p if enters else 1 - p) if one.bit_count() + two.bit_count() < cars else float(1 - enters)
                one_now = one | enters
                for also in (0, 1):
                    second = (p if also else 1 - p) if one_now.bit_count() + two.bit_count() < cars else float(1 - also)
                    state = (one_now, two | also)
                    if not state[0] & state[1] & 8 and first * second:
                        then[state] = then.get(state, 0.0) + probability * first * second
        now = then
    return sum(now.values())


def test_cars_that_never_brake_on_easy():
    exact = easy_without_braking()
    assert 0.27 <= exact <= 0.29  # spec/benchmarks.md
    for options in ({}, {"vision": 1}, {"same_step": True}):
        success = first_games(commenv.make_batch(ID, 8192, seed=1, bits=0, **options), never_brake, "success")
        assert success.mean() == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 8192))


@pytest.mark.parametrize(("difficulty", "measured"), [("medium", 0.037), ("hard", 0.076)])
def test_cars_that_never_brake(difficulty, measured):  # spec/benchmarks.md, as measured on as many games or fewer
    success = first_games(commenv.make_batch(ID, 4096, seed=1, difficulty=difficulty, bits=0, copy=False), never_brake, "success")
    assert success.mean() == pytest.approx(measured, abs=4 * np.sqrt(2 * measured * (1 - measured) / 4096))


@pytest.mark.parametrize(("difficulty", "games"), [("easy", 2000), ("medium", 1000), ("hard", 500)])
def test_who_sees_all_cars_need_never_crash(difficulty, games):
    batch = commenv.make_batch(ID, games, seed=2, difficulty=difficulty, bits=0, copy=False)
    assert first_games(batch, replan, "success").all()


def test_success_is_told_at_the_end():
    for place, success in ((2, 0.0), (1, 1.0)):
        env = commenv.make(ID, add_rate=0.0, max_cycles=1, bits=0)
        env.reset(seed=0)
        put(env.batch, 0, route=0, place=2)
        put(env.batch, 1, route=1, place=place)
        *_, infos = env.step({name: GAS for name in env.agents})
        assert {info["success"] for info in infos.values()} == {success}


@pytest.mark.parametrize("difficulty", list(MAPS))
def test_limits_are_rewards(difficulty):
    """Of games played: the floor is what cars that never brake earn, and who sees all cars earns nearly what is reachable."""
    limits = commenv.limits(ID, difficulty=difficulty)
    batches = (commenv.make_batch(ID, 1000, seed=5000, difficulty=difficulty, bits=0, copy=False) for _ in range(2))
    gas, planned = (first_games(batch, policy, "episode_return") for batch, policy in zip(batches, (act, replan), strict=True))
    error = float(limits.silent.source.split()[-1])
    assert limits.silent.value == pytest.approx(gas.mean(), abs=4 * np.hypot(error, gas.std() / np.sqrt(1000)))
    assert 0.95 < limits.efficiency(planned.mean()) < 1
    assert planned.mean() < limits.reachable.value < limits.ceiling.value == 0
    assert not limits.silent.exact
    mute = commenv.limits(ID, difficulty=difficulty, bits=0)
    assert mute.reachable == mute.silent == limits.silent


def test_limits_of_cars_that_cannot_crash():
    """One car at most, that always is there: its times are 0 to 6, again and again."""
    limits = commenv.limits(ID, cars=1, add_rate=1.0, max_cycles=9)
    assert limits.silent.value == limits.reachable.value == pytest.approx(-0.01 * (21 + 0 + 1))
    assert commenv.limits(ID, cars=1, add_rate=1.0, max_cycles=18, same_step=True) == limits
    assert commenv.limits(ID, max_cycles=1, same_step=True).silent.value == 0


# ---------------------------------------------------------------------------------------------------------------- seeing
def cell(batch: Batch, k: int) -> tuple[int, int]:
    """Row and column of a road cell."""
    ways = [way for arrival in routes(batch.options.difficulty) for way in arrival]
    p = batch._parameters
    return next(way[j] for way, row in zip(ways, p.routes, strict=True) for j in range(len(way)) if row[j] == k)


@pytest.mark.parametrize("vision", [0, 1, 2])
def test_what_a_car_sees(vision):
    batch = make(difficulty="medium", vision=vision, bits=0)
    put(batch, 0, route=5, place=6)
    put(batch, 1, route=8, place=3)
    put(batch, 2, route=8, place=3)
    put(batch, 3, route=0, place=8)
    observations, *_ = batch.step(act(batch, GAS, BRAKE, BRAKE, GAS))
    p, cars = batch._parameters, batch.state.agents[0]
    at = [cell(batch, p.routes[car["route"], car["place"]]) for car in cars[:4]]
    roads = {cell(batch, k): k for k in range(52)}
    side = 2 * vision + 1
    for i, (name, rows) in enumerate(observations.items()):
        row = rows[0]
        if i >= 4:
            assert not row.any()
            continue
        assert row[0] == (BRAKE if i in (1, 2) else GAS)
        assert row[1] == pytest.approx(cars[i]["route"] / 11)
        seen = row[2:].reshape(side, side, 54)
        for y in range(side):
            for x in range(side):
                where = (at[i][0] + y - vision, at[i][1] + x - vision)
                expected = np.zeros(54)
                expected[roads.get(where, 52)] = 1
                expected[53] = at.count(where)
                np.testing.assert_array_equal(seen[y, x], expected, err_msg=name)


def test_the_last_road_cell_is_not_outside():
    """The reference gives both the number 12 on easy."""
    batch = make(vision=1, bits=0)
    put(batch, 0, route=0, place=6)
    seen = batch.step(act(batch, BRAKE))[0]["car_0"][0, 2:].reshape(3, 3, 15)
    assert seen[1, 1, :13].argmax() == 12
    np.testing.assert_array_equal(seen[2, :, 12], 0)
    np.testing.assert_array_equal(seen[2, :, 13], 1)


# ---------------------------------------------------------------------------------------------------------------- hearing
def inboxes(batch: Batch, name: str, observations: dict[str, np.ndarray]) -> np.ndarray:
    return observations[name][0, batch.inbox(name)].reshape(len(batch.possible_agents) - 1, -1)


def test_only_cars_speak_and_hear():
    batch = make()
    put(batch, 1, route=0, place=0)
    put(batch, 3, route=1, place=6)  # it will leave, and what it says with its last step is heard
    observations, *_, infos = batch.step(act(batch, message=2))
    np.testing.assert_array_equal(inboxes(batch, "car_1", observations).argmax(axis=1), [0, 0, 2, 0])
    assert inboxes(batch, "car_1", observations).sum() == 1
    assert all(not observations[name].any() for name in batch.possible_agents if name != "car_1")
    assert [info["payload_bits"][0] for info in infos.values()] == [0, 2, 0, 2, 0]
    assert {ends for ends, link in batch.meter.links.items() if link.offered} == {("car_3", "car_1")}
    observations, *_, infos = batch.step(act(batch, message=2))
    assert not inboxes(batch, "car_1", observations).any()
    assert [info["payload_bits"][0] for info in infos.values()] == [0, 4, 0, 2, 0]


def test_who_enters_has_not_spoken_before():
    batch = make(add_rate=1.0)
    observations, *_ = batch.step(act(batch, message=1))
    assert batch.state.games["cars"][0] == 2
    assert not any(inboxes(batch, name, observations).any() for name in batch.possible_agents)


def test_same_step_is_heard_before_acting():
    batch = make(same_step=True, channel={"silence": True, "cap": 4})
    put(batch, 0, route=0, place=1)
    put(batch, 1, route=1, place=0)
    here = batch.state.agents[["place", "age"]].copy()
    talked = batch.step(act(batch, message=3))
    np.testing.assert_array_equal(batch.state.agents[["place", "age"]], here)  # talking moves nothing
    assert rewards(talked) == [0] * 5
    own = batch.inbox("car_0").start
    for name, other in (("car_0", 0), ("car_1", 0)):
        inbox = inboxes(batch, name, talked[0])
        assert inbox[other, 3] == inbox.sum() == 1
        assert talked[0][name][0, own - 1] == 1
    acted = batch.step(act(batch, message=3))
    assert batch.state.agents["place"][0, :2].tolist() == [2, 1]
    assert rewards(acted) == pytest.approx([-0.01, -0.01, 0, 0, 0])
    for name in ("car_0", "car_1"):
        assert not inboxes(batch, name, acted[0]).any()  # acting says nothing, and costs nothing
        assert acted[0][name][0, own - 1] == 0
    assert [info["payload_bits"][0] for info in acted[-1].values()] == [2, 2, 0, 0, 0]


@pytest.mark.parametrize("same_step", [False, True])
def test_without_vision_nobody_learns_of_another_but_by_the_channel(same_step):
    """Move one car along its route and hold its messages: what cars in other cells are told must not move by a bit."""
    n, rng, compared = 2000, np.random.default_rng(0), 0
    pair = [commenv.make_batch(ID, n, seed=3, difficulty="medium", same_step=same_step, channel={"error": 0.1}) for _ in range(2)]
    names = pair[0].possible_agents
    for batch in pair:
        batch.reset()
    for t in range(40):
        actions = {name: np.stack([rng.integers(0, 2, n), rng.integers(0, 4, n)], axis=1) for name in names}
        if t < 30:
            for batch in pair:
                batch.step(actions)
            continue
        ours, theirs = pair
        for own, given in zip((*theirs.state, *theirs.buffers), (*ours.state, *ours.buffers), strict=True):
            own[...] = given
        p, car = theirs._parameters, theirs.state.agents[:, 0]
        last = p.length[car["route"]] - 1
        elsewhere = rng.integers(0, 12, n)
        free = theirs.state.board[np.arange(n), p.routes[car["route"], elsewhere]] == 0
        moved = (car["driving"] == 1) & (car["place"] < last) & free
        for row in np.nonzero(moved)[0]:
            way = p.routes[car["route"][row]]
            theirs.state.board[row, way[car["place"][row]]] -= 1
            theirs.state.board[row, way[elsewhere[row]]] += 1
            theirs.state.agents["place"][row, 0] = elsewhere[row]
        told, told_theirs = ours.step(actions), theirs.step(actions)
        alone = moved.copy()
        for batch in pair:
            car = batch.state.agents[:, 0]
            at = p.routes[car["route"], np.minimum(car["place"], p.length[car["route"]] - 1)]
            alone &= (car["driving"] == 1) & (batch.state.board[np.arange(n), at] == 1)
        for name in names[1:]:
            np.testing.assert_array_equal(told[0][name][alone], told_theirs[0][name][alone])
        compared += alone.sum()
        for batch in pair:
            batch.reset()
            for _ in range(12):
                batch.step(actions)
    assert compared > 1000


# ---------------------------------------------------------------------------------------------------------------- options
@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"difficulty": "extreme"}, "difficulty='extreme'"),
        ({"difficulty": ["easy"]}, "difficulty=['easy']"),
        ({"vision": -1}, "vision=-1"),
        ({"vision": 1.0}, "vision=1.0"),
        ({"add_rate": 1.1}, "add_rate=1.1"),
        ({"add_rate": float("nan")}, "add_rate=nan"),
        ({"add_rate": "max"}, "add_rate='max'"),
        ({"cars": 0}, "cars=0"),
        ({"cars": True}, "cars=True"),
        ({"same_step": 1}, "same_step=1"),
        ({"max_cycles": 0}, "max_cycles=0"),
        ({"bits": 17}, "bits=17"),
    ],
)
def test_bad_options_are_named(options, named):
    for of in (commenv.make, commenv.limits):
        with pytest.raises(ValueError, match=r".") as caught:
            of(ID, **options)
        assert named in str(caught.value)
        assert "\n" not in str(caught.value)
