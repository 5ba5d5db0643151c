"""A frontier does what is missing and nothing else, knows its limits, and draws them."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from teams import ID, coded, finished

from commenv import info
from commenv.core.channel import Channel
from experiments import figure, frontier
from experiments.curves import Curves
from experiments.files import read_json, write_json
from experiments.runs import Recipe

RECIPE = Recipe(ID, {})


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Training takes no time: the best code, but for seed 1, which never says anything. What was trained, as (bits, seed)."""
    done = []

    def train(recipe: Recipe, folder: Path, tell: object) -> dict:
        M = 2 ** recipe.options["bits"]
        silent = recipe.seed == 1
        code = [0] * 8 if silent else [min(s, M - 1) for s in range(8)]
        done.append((recipe.options["bits"], recipe.seed))
        return finished(coded(code, list(range(M)), **recipe.options), folder, recipe.seed, options=recipe.options)

    monkeypatch.setattr(frontier, "train", train)
    return done


def stamps(folder: Path) -> dict:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and path.parent != folder}


def test_only_what_is_missing_is_done(tmp_path, trained):
    told = []
    page = frontier.run(RECIPE, [0, 1, 2], [0, 1], tmp_path, finished=lambda point: told.append((point["bits"], point["seed"])))
    assert trained == told == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)]
    assert page == read_json(tmp_path / "frontier.json")
    assert [(p["bits"], p["seed"], p["reward"]) for p in page["points"]] == [
        (0, 0, 0.125), (0, 1, 0.125), (1, 0, 0.25), (1, 1, 0.125), (2, 0, 0.5), (2, 1, 0.125)
    ]  # fmt: skip
    assert [p["efficiency"] for p in page["points"]] == [None, None, 1, 0, 1, 0]

    del trained[:]
    before = stamps(tmp_path)
    assert frontier.run(RECIPE, [0, 1, 2], [0, 1], tmp_path) == page
    assert not trained
    assert stamps(tmp_path) == before

    shutil.rmtree(tmp_path / "bits=1/seed=1")
    frontier.run(RECIPE, [0, 1, 2], [0, 1], tmp_path)
    assert trained == [(1, 1)]
    after = stamps(tmp_path)
    assert after.keys() == before.keys()
    assert {path for path in after if after[path] != before[path]} == {p for p in after if "bits=1/seed=1" in str(p)}

    assert len(frontier.run(RECIPE, [3], [0], tmp_path)["points"]) == 7  # what stands there stays


def test_finished_points_outlive_an_interruption(tmp_path, trained, monkeypatch):
    quick = frontier.train

    def train(recipe, folder, tell):
        if recipe.options["bits"] == 1:
            raise KeyboardInterrupt
        return quick(recipe, folder, tell)

    monkeypatch.setattr(frontier, "train", train)
    with pytest.raises(KeyboardInterrupt):
        frontier.run(RECIPE, [0, 1], [0], tmp_path)
    assert [point["bits"] for point in read_json(tmp_path / "frontier.json")["points"]] == [0]


@pytest.mark.parametrize(
    ("other", "name"),
    [
        (Recipe(ID, {"states": 6}), "options"),
        (Recipe(ID, {}, 0, "independent"), "learn"),
        (Recipe(ID, {}, 0, total_steps=9), "total_"),
    ],
)
def test_a_folder_of_another_frontier_is_refused(tmp_path, trained, other, name):
    frontier.run(RECIPE, [1], [0], tmp_path)
    with pytest.raises(ValueError, match=f"was made with {name}"):
        frontier.run(other, [1], [0], tmp_path)


BUDGET = {"rounds": 3, "channel": {"silence": True, "cap": 2}}


def test_a_frontier_that_cannot_begin_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="budget"):
        frontier.run(Recipe(ID, BUDGET), [0, 1], [0], tmp_path / "f")
    assert not (tmp_path / "f").exists()


def test_nothing_is_written_before_the_first_point(tmp_path, monkeypatch):
    def train(recipe, folder, tell):
        raise KeyboardInterrupt

    monkeypatch.setattr(frontier, "train", train)
    with pytest.raises(KeyboardInterrupt):
        frontier.run(RECIPE, [0, 1], [0], tmp_path / "f")
    assert not (tmp_path / "f").exists()


@pytest.mark.usefixtures("trained")
def test_a_page_without_points_blocks_nobody(tmp_path):
    page = {"command": "", "versions": {}, "id": ID, "options": BUDGET, "learn": "differentiable", "total_steps": None}
    write_json(tmp_path / "frontier.json", {**page, "checks": [], "points": []})
    assert len(frontier.run(RECIPE, [1], [0], tmp_path)["points"]) == 1


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("frontier.json", None, "damaged: it has no 'points'"),
        ("frontier.json", {"total_steps": ...}, "damaged: it has no 'total_steps'"),
        ("frontier.json", {"total_steps": None}, "damaged: total_steps=None"),
        ("frontier.json", {"total_steps": 0}, "damaged: total_steps=0"),
        ("frontier.json", {"command": ...}, "damaged: it has no 'command'"),
        ("frontier.json", {"options": {"colour": "red"}}, "made with options="),
        ("bits=1/seed=0/point.json", None, "damaged: it has no 'bits'"),
        ("bits=1/seed=0/point.json", {"reward": "much"}, "damaged: reward='much'"),
        ("bits=1/seed=0/point.json", {"channel": ...}, "damaged: it has no 'channel'"),
        ("bits=1/seed=0/point.json", {"channel": {"eror": 1}}, "damaged: .*eror"),
        ("bits=1/seed=0/point.json", {"bits": 2}, "damaged: it is of bits=2, seed=0"),
        ("bits=1/seed=0/run.json", None, "damaged: it has no 'id'"),
        ("bits=1/seed=0/run.json", {"status": "unfinished"}, "not of a finished run"),
    ],
)
def test_a_damaged_frontier_is_said_to_be(tmp_path, name, change, sentence):
    frontier.run(RECIPE, [1], [0], tmp_path)
    page = {} if change is None else {**read_json(tmp_path / name), **change}
    write_json(tmp_path / name, {key: value for key, value in page.items() if value is not ...})
    folder = re.escape(str((tmp_path / name).parent))
    with pytest.raises(ValueError, match=rf"^{folder}.* .*{sentence}"):
        frontier.run(RECIPE, [1], [0], tmp_path)


@pytest.mark.usefixtures("trained")
def test_a_channel_is_the_same_after_it_was_written(tmp_path, monkeypatch):
    """JSON knows no tuples."""
    fields = Channel.fields
    monkeypatch.setattr(Channel, "fields", lambda channel: {**fields(channel), "rates": (), "delay": (0, 0)})
    page = frontier.run(RECIPE, [1], [0], tmp_path)
    assert frontier.run(RECIPE, [1], [0], tmp_path) == page


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"id": "messaging/other-v0"}, "id"),
        ({"options": {"bits": 1, "states": 6}}, "options"),
        ({"options": {"bits": 2}}, "options"),
        ({"learn": "independent"}, "learn"),
        ({"total_steps": 9}, "total_steps"),
        ({"seed": 7}, "seed"),
    ],
)
def test_points_of_other_runs_are_not_adopted(tmp_path, change, name):
    frontier.run(RECIPE, [1, 2], [0], tmp_path)
    (tmp_path / "frontier.json").unlink()
    path = tmp_path / "bits=1/seed=0/run.json"
    run = read_json(path)
    write_json(path, {**run, **change})
    with pytest.raises(ValueError, match=f"seed=0 was made with {name}="):
        frontier.run(RECIPE, [1, 2], [0], tmp_path)
    assert not (tmp_path / "frontier.json").exists()
    path.unlink()
    with pytest.raises(ValueError, match=r"point.json is not of a finished run"):
        frontier.run(RECIPE, [1, 2], [0], tmp_path)
    write_json(path, run)
    assert frontier.run(RECIPE, [1, 2], [0], tmp_path)["total_steps"] == 4096


@pytest.mark.parametrize("options", [{"bits": 2}, {"channel": {"symbols": 3}}])
def test_a_rate_among_the_options_is_refused(tmp_path, options):
    with pytest.raises(ValueError, match="--bits"):
        frontier.run(Recipe(ID, options), [1], [0], tmp_path)


@pytest.mark.parametrize(
    ("reward", "exact", "error", "passed"),
    [
        (0.125, True, 0, True),
        (0.1251, True, 0, False),
        (0.128, False, 0.001, True),
        (0.13, False, 0.001, False),
        (0.1, False, 0.001, False),
    ],
)
def test_zero_bits_earn_what_silence_earns(reward, exact, error, passed):
    point = {"reward": reward, "silent": 0.125, "exact": exact, "standard_error": error, "seed": 0}
    assert frontier.check(point)["passed"] is passed


def test_medians_and_worst(tmp_path, trained):
    page = frontier.run(RECIPE, [0, 2], [0, 1, 2], tmp_path)
    mute, two = frontier.summary(page)
    assert (mute["efficiency"], mute["worst_efficiency"]) == (None, None)
    assert (two["seeds"], two["reward"], two["worst"], two["efficiency"], two["worst_efficiency"]) == (3, 0.5, 0.125, 1, 0)


# ------------------------------------------------------------------------------------------------------------ figure
def curve(axes, label):
    return next(np.array(line.get_data()) for line in axes.get_lines() if line.get_label().startswith(label))


@pytest.mark.parametrize("axis", figure.AXES)
def test_a_figure_holds_the_limits(tmp_path, trained, axis):
    page = frontier.run(RECIPE, [0, 1, 2, 3], [0, 1], tmp_path)
    drawn = figure.plot(page, axis)
    (axes,) = drawn.axes
    labels = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert [label.partition(":")[0].partition(" (")[0] for label in labels] == [
        "ceiling", "reachable", "silent", "team of one seed", "median of the seeds"
    ]  # fmt: skip
    assert "bits a game" in axes.get_xlabel()
    assert axes.get_ylabel() == "reward a game"
    x, y = curve(axes, "ceiling")
    assert y[np.abs(x - 1).argmin()] == pytest.approx(info.rate_reward([1 / 8] * 8, np.eye(8), x[np.abs(x - 1).argmin()]).upper)
    x, y = curve(axes, "reachable")
    one = np.searchsorted(x, 1 + 1e-9) - 1
    assert y[one] == pytest.approx(0.25)
    assert set(curve(axes, "silent")[1]) == {0.125}

    path = figure.draw(page, tmp_path, axis)
    assert path.name == ("frontier.png" if axis == "capacity" else f"frontier_{axis}.png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_title_says_what_was_chosen():
    page = {"id": ID, "options": {"reward": "ordered", "channel": {"error": 0.1}}, "learn": "independent"}
    assert figure.title(page) == f"{ID}, reward=ordered, error=0.1, learn=independent"


def page_of(**options):
    point = {"bits": 2, "capacity_bits": 2.0, "channel": {"bits": 2}}
    return {"id": ID, "options": options, "points": [point]}


def test_entropy_is_never_drawn_against_the_limit_of_an_alphabet():
    noiseless, noisy, wide = (Curves(page_of(**o), 2) for o in ({}, {"channel": {"error": 0.1}}, {"states": 11}))
    assert noiseless.reachable("entropy").y.max() == 1  # more symbols than were trained
    assert not len(noisy.reachable("entropy").x)
    assert not len(wide.reachable("entropy").x)


def test_the_ceiling_over_payload_counts_silence():
    curve = Curves(page_of(channel={"silence": True}), 1.5).ceiling("payload")
    payload, value = np.array(curve.x), np.array(curve.y)
    k = np.abs(payload - 0.5).argmin()
    told = info.information_at_cost([0, 2, 2, 2], payload[k])
    assert told > payload[k]
    assert value[k] == pytest.approx(info.rate_reward([1 / 8] * 8, np.eye(8), told).upper)


def test_candidates_have_the_ceiling_that_the_game_says():
    curve = Curves(page_of(states=6, candidates=3), 2).ceiling("capacity")
    two = np.abs(curve.x - 1).argmin()
    assert curve.y[two] == pytest.approx(info.rate_reward([1 / 3] * 3, np.eye(3), curve.x[two]).upper)


def test_messages_are_counted_where_nothing_passes():
    """A game of three rounds is worth three messages, also over a channel that lets nothing through."""
    page = page_of(rounds=3, channel={"error": 0.5})
    page["points"] = [{"bits": 1, "capacity_bits": 0.0, "channel": {"bits": 1, "error": 0.5}}]
    ceiling = Curves(page, 3).ceiling("capacity")
    one = np.abs(ceiling.x - 3).argmin()
    assert ceiling.y[one] == pytest.approx(3 * info.rate_reward([1 / 8] * 8, np.eye(8), ceiling.x[one] / 3).upper)


@pytest.mark.usefixtures("trained")
def test_seeds_that_share_a_place_are_set_beside_it(tmp_path):
    page = frontier.run(RECIPE, [2], [0, 1], tmp_path)
    x, y = curve(figure.plot(page).axes[0], "team of one seed (shifted)")
    assert len(set(x)) == 2
    assert y.tolist() == [0.5, 0.125]
