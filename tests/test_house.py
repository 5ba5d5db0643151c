"""What holds for the whole repository: files explain themselves, constraints hold, the import is light, benches count right."""

import ast
import json
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import commenv
from experiments import report
from experiments.bench import growth, measure, peers, simulation

ROOT = Path(__file__).parent.parent
OURS = sorted(
    path.relative_to(ROOT).as_posix() for top in ("commenv", "agents", "experiments") for path in (ROOT / top).rglob("*.py")
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NEEDS = [*PROJECT["dependencies"], *(need for extra in PROJECT["optional-dependencies"].values() for need in extra)]


@pytest.mark.parametrize("file", OURS)
def test_a_module_explains_itself_and_fits_in_ones_head(file):
    text = (ROOT / file).read_text()
    assert ast.get_docstring(ast.parse(text)), "no docstring"
    assert len(text.splitlines()) <= 500, "more than 500 lines"


@pytest.mark.parametrize("id", commenv.ids())
def test_a_page_names_its_agents(id):
    missing = [name for name in commenv.make_batch(id, 1).possible_agents if f"`{name}`" not in commenv.page(id)]
    assert not missing


@pytest.mark.parametrize("need", NEEDS)
def test_constraints_pin_what_the_project_asks_for(need):
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    pins = {canonicalize_name(name): pin for name, _, pin in (line.partition("==") for line in lines)}
    wanted = Requirement(need)
    assert wanted.specifier.contains(pins[canonicalize_name(wanted.name)])


def test_the_page_of_results_says_what_the_results_say():
    assert report.page() == (report.RESULTS / "README.md").read_text(), "run: commenv report"


def test_import_commenv_is_light():
    code = "import sys, commenv; print({'torch', 'ray', 'numba', 'scipy', 'networkx', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# ------------------------------------------------------------------------------------------------ benches
FIXED = {"classic/speaker_listener-v0": 25, "classic/reference-v0": 25, "messaging/referential-v0": 2}


@pytest.mark.parametrize("id", commenv.ids())
def test_a_bench_counts_what_it_plays(id):
    small = [contender for contender in simulation.one_game(id, 3) if not contender.by]
    for contender in small:
        steps, games = contender.prepare()(50)
        if contender.batched:
            assert steps == 50 * contender.batch * (simulation.HORIZON if contender.name == "rollout" else 1)
            assert games * FIXED.get(id, 1) <= steps
        else:
            assert games == 50
        if id in FIXED:
            assert games == steps // FIXED[id]


def test_growth_counts_agents():
    team = growth.contenders("classic/predator_prey-v0")
    assert {c.batch * int(c.note.split()[0]) for c in team} == {growth.ALTOGETHER}
    steps, _ = team[-1].prepare()(1)
    assert steps == growth.ALTOGETHER // growth.AGENTS[-1]


def test_only_the_same_game_and_batch_are_compared():
    def play(rounds):
        return rounds, sum(range(1000 * rounds)) and rounds

    def contender(**about):
        return measure.Contender(prepare=lambda: play, **about)

    ours = [contender(game=game, name="ours", batch=n, batched=True) for game in ("a", "b") for n in (1, 2)]
    wide = [contender(game="a", name="wide", batch=n, batched=True, by="games") for n in (1, 2, 3)]
    single = contender(game="b", name="single", by="games")
    result = measure.measure_by_game("test", [*ours, *wide, single], 0.01, repetitions=1)
    found = {(row.game, row.batch): set(row.ratio) for row in result.rows if not row.by}
    assert found == {("a", 1): {"wide"}, ("a", 2): {"wide"}, ("b", 1): {"single"}, ("b", 2): {"single"}}
    assert result.table().row_count == 8 + 2  # each game has a heading


def test_a_bench_goes_on_without_a_peer():
    def absent():
        raise ImportError("No module named 'rival'")

    def play(rounds):
        return rounds, sum(range(1000 * rounds)) and rounds

    ours = measure.Contender(name="ours", prepare=lambda: play)
    present = measure.Contender(name="present", prepare=lambda: play, by="games")
    missing = measure.Contender(name="missing", prepare=absent, by="games", package="rival")
    told = []
    result = measure.measure("test", [ours, present, missing], 0.01, lambda *news: told.append(news), repetitions=2)
    rows = {row["name"]: row for row in json.loads(json.dumps(result.as_dict()))["rows"]}
    assert set(rows["ours"]["ratio"]) == {"present"}
    assert rows["missing"]["games_per_second"] is None
    assert "pip install" in rows["missing"]["note"]
    assert result.table().row_count == 3
    assert told[-1][0] == told[-1][1] == 3 + 2 * 2  # everybody got ready, two took two turns


def test_a_bench_does_not_hide_our_own_failures():
    def broken():
        raise ImportError("ours")

    with pytest.raises(ImportError, match="ours"):
        measure.measure("test", [measure.Contender(name="ours", prepare=broken)], 0.01)


def test_peers_leave_stdout_to_the_bench(capfd):
    if not find_spec("jaxmarl"):  # importing it would print already
        pytest.skip("JaxMARL comes with the extra [bench]")
    peers.jaxmarl("switch_riddle", 1)
    assert capfd.readouterr().out == ""
