"""What holds for the whole repository: files explain themselves, constraints hold, the import is light, benches count right."""

import ast
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import commenv
from experiments.bench import measure, simulation
from experiments.frontier import summary

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


def test_readme_says_what_the_results_say():
    table = [line.split("|")[1:-1] for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| `")]
    rows = {cells[0].strip(" `"): [cell.strip() for cell in cells[2:]] for cells in table if len(cells) == 9}
    recorded = {path.parent.name: json.loads(path.read_text()) for path in (ROOT / "experiments/results").glob("*/frontier.json")}
    assert rows.keys() == recorded.keys()
    for name, page in recorded.items():
        said, seeds = summary(page), {point["seed"] for point in page["points"]}
        by_bits = {row["bits"]: f"{row['efficiency']:.3f} ({row['worst_efficiency']:.3f})" for row in said if row["bits"]}
        assert rows[name] == [str(len(seeds)), *(by_bits.get(bits, "") for bits in range(1, 7))]


def test_import_commenv_is_light():
    code = "import sys, commenv; print({'torch', 'ray', 'numba', 'scipy', 'networkx', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# ------------------------------------------------------------------------------------------------ benches
@pytest.mark.parametrize("contender", [c for c in simulation.contenders() if not c.by], ids=measure.label)
def test_a_bench_counts_what_it_plays(contender):
    steps, games = contender.prepare()(3)
    assert games == 3 * contender.batch
    assert steps == games * (24 if "24" in contender.name else 2)


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
