"""The command as a user meets it: what it prints, where, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
import types
from importlib.metadata import version
from pathlib import Path

import pytest
from teams import coded, finished
from typer.testing import CliRunner

import commenv
from experiments import watching
from experiments.bench import BENCHES, BenchResult
from experiments.command import app

ID = "messaging/referential-v0"
COMMANDS = ("list", "limits", "train", "evaluate", "frontier", "wire", "audit", "bench")


def run(*words):
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def team(tmp_path: Path) -> str:
    folder = tmp_path / "run"
    finished(coded(range(8), range(8), bits=3), folder, 0)
    return str(folder)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches(command):
    done = run(command, "--help")
    assert done.exit_code == 0
    assert command == "list" or f"commenv {command}" in done.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["limits", "messaging/none-v0"], "unknown id"),
        (["limits", ID, "colour=red"], "unknown option 'colour'"),
        (["limits", ID, "bits"], "write key=value"),
        (["limits", ID, "bits=-1"], "bits=-1 is not allowed"),
        (["limits", ID, "prior=[.5,.6]", "states=2"], "with sum 1"),
        (["limits", ID, "channel.eror=1"], "unknown channel field"),
        (["train", ID, "--out", "x", "--learn", "hard"], "learn='hard' is not allowed"),
        (["train", ID, "--out", "x", "--steps", "0"], "steps=0 is not allowed"),
        (["frontier", ID, "--bits", "1,x"], "bits='x' is not allowed"),
        (["frontier", ID, "--seeds", "0"], "seeds=0 is not allowed"),
        (["frontier", ID, "--axis", "money"], "axis='money' is not allowed"),
        (["frontier", ID, "bits=2"], "--bits"),
        (["evaluate", "/nowhere"], "holds no team"),
        (["wire", "/nowhere"], "holds no team"),
        (["evaluate", "/nowhere", "--change", "sizes=2", "--cross", "/nowhere"], "one at a time"),
        (["evaluate", "/nowhere", "--games", "0"], "games=0 is not allowed"),
        (["evaluate", "/nowhere", "--channel", "error=1", "--cross", "/nowhere"], "one at a time"),
        (["bench", "nothing"], "unknown bench"),
        (["bench", "simulation", "--game", "nothing"], "it must be one of messaging/referential-v0"),
        (["bench", "simulation", "--batch", "0"], "batch=0"),
        (["bench", "growth", "--batch", "2"], "no choice of --batch"),
    ],
)
def test_bad_input_is_one_sentence(words, sentence):
    done = run(*words)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert done.stderr.startswith("commenv: ")
    assert done.stderr.count("\n") == 1
    assert not done.stdout


@pytest.mark.parametrize("words", [["nothing"], ["train", ID], ["bench"], ["limits", ID, "--colour"]])
def test_what_is_no_command(words):
    done = run(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_another_package_called_agents_is_named(monkeypatch, team):
    other = types.ModuleType("agents")
    other.__file__ = "/elsewhere/agents/__init__.py"
    monkeypatch.setitem(sys.modules, "agents", other)
    done = run("evaluate", team)
    assert done.exit_code == 2
    assert "another package called agents" in done.stderr
    assert "/elsewhere" in done.stderr


def test_what_is_not_installed_is_named(monkeypatch, team):
    for name in [name for name in sys.modules if name.partition(".")[0] == "agents"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ray", None)
    done = run("evaluate", team)
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (2, "commenv: this needs ray: pip install 'commenv[train]'")


def test_list_and_limits_in_json():
    assert ID in [game["id"] for game in json.loads(run("list", "--json").stdout)]
    limits = json.loads(run("limits", ID, "bits=2", "--json").stdout)
    assert limits["reachable"] == {"value": 0.5, "exact": True, "source": "likeliest states"}


def test_tables():
    assert ID in run("list").stdout
    assert "reachable" in run("limits", ID, "bits=2").stdout


def test_no_limit_is_called_what_it_is_not():
    """Silent and reachable are earned by some team; the ceiling, however tight, only bounds."""
    rows = {row.split()[0]: row for row in run("limits", ID, "bits=2").stdout.splitlines() if row.strip()}
    assert "exact" in rows["silent"]
    assert "exact" in rows["reachable"]
    assert "exact" not in rows["ceiling"]
    assert "tight bound" in rows["ceiling"]
    said = " ".join(run("limits", ID, "bits=2").stdout.split())
    assert "Silent and reachable are attained where exact; the ceiling is what no code can exceed." in said


def test_a_long_wait_is_explained(monkeypatch):
    monkeypatch.setattr("experiments.screen.PATIENCE", 0.0)
    monkeypatch.setattr("commenv.limits", lambda *words, limits=commenv.limits, **options: time.sleep(0.1) or limits(*words))
    done = run("limits", ID, "--json")
    assert done.stderr == f"limits of {ID} ...\n"
    assert json.loads(done.stdout)
    monkeypatch.undo()
    assert run("limits", ID).stderr == ""


def test_a_run_is_called_by_its_folder(team):
    name = Path(team).name
    cells = json.loads(run("evaluate", team, "--no-draw", "--json").stdout)["evaluations"]
    assert [cell["team"] for cell in cells] == [name]
    for words in (["--channel", "error=.1"], ["--cross", team]):
        rows = run("evaluate", team, "--no-draw", *words).stdout.splitlines()
        assert any(row.split()[:1] == [name] for row in rows)


def test_version_and_usage():
    assert run("--version").stdout == f"commenv {version('commenv')}\n"
    for command in ("limits", "train", "frontier"):
        usage = run(command, "--help").stdout
        assert "[KEY=VALUE]..." in usage
        assert "[[" not in usage
    assert "3," in " ".join(run("frontier", "--help").stdout.split())


@pytest.mark.parametrize("command", ["train", "frontier"])
@pytest.mark.parametrize("below", ["", "/deeper"])
def test_out_that_is_a_file(tmp_path, command, below):
    (tmp_path / "file").write_text("")
    done = run(command, ID, "--out", str(tmp_path / "file") + below)
    assert (done.exit_code, done.stderr) == (2, f"commenv: {tmp_path / 'file'} is a file: choose another --out\n")


def test_what_the_system_refuses_is_said_in_words(monkeypatch):
    def refused(*words, **options):
        raise PermissionError(13, "Permission denied", "place")

    monkeypatch.setattr("experiments.runs.train", refused)
    assert run("train", ID, "--out", "x").stderr == "commenv: place: Permission denied\n"


@pytest.mark.parametrize("words", [["list"], ["list", "--json"], ["limits", ID, "--json"], ["--help"], ["--version"]])
def test_a_reader_that_leaves_is_no_error(words):
    reader, writer = os.pipe()
    os.close(reader)
    code = "from experiments.command import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *words], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert done.returncode == 1
    assert done.stderr in ("", f"limits of {ID} ...\n")  # said where a busy machine takes long


def test_what_cannot_be_learned_is_one_sentence(tmp_path):
    """In a process of its own: here RLlib may have been quieted before."""
    words = ["frontier", ID, "rounds=3", "channel.silence=true", "channel.cap=2", "--out", str(tmp_path / "f")]
    command = [sys.executable, "-c", "from experiments.command import main; main()"]
    done = subprocess.run([*command, *words], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "budget" in done.stderr
    assert not (tmp_path / "f").exists()


def test_damaged_files_end_the_command_in_a_sentence(tmp_path):
    (tmp_path / "frontier.json").write_text("{}")
    done = run("frontier", ID, "--out", str(tmp_path))
    assert done.exit_code == 2
    assert done.stderr == f"commenv: {tmp_path / 'frontier.json'} is damaged: it has no 'points'\n"


def test_a_team_that_speaks_over_its_game_has_no_wire_of_its_own(team):
    done = run("wire", team)
    assert done.exit_code == 2
    assert "speaks over the channel of its game" in done.stderr


def test_evaluate(team, monkeypatch):
    monkeypatch.setattr(watching, "FRAMES", (2, 2))  # a picture takes a moment
    monkeypatch.setattr(watching, "GAMES", 16)
    done = run("evaluate", team).stdout
    assert "efficiency" in done
    assert [line for line in done.splitlines() if line.endswith("episode.gif")]
    assert {"talk.json", "talk.png", "meanings.png", "episode.gif"} <= {path.name for path in Path(team).iterdir()}
    page = json.loads(run("evaluate", team, "--out", f"{team}/pictures", "--json").stdout)
    assert [Path(path).parent.name for path in page["pictures"]] == ["pictures"] * 4
    page = json.loads(run("evaluate", team, "--channel", "error=.1", "--channel", "error=.05,erasure=.2", "--json").stdout)
    assert [cell["reward"] for cell in page["evaluations"]] == pytest.approx([1, 0.9, 0.95 * 0.8 + 0.2 / 8])
    assert "error=0.1" in run("evaluate", team, "--channel", "error=.1").stdout
    done = run("evaluate", team, "--channel", "bits=2")
    assert (done.exit_code, done.stdout) == (2, "")
    page = json.loads(run("evaluate", team, "--no-draw", "--games", "20000", "--json").stdout)
    assert page["evaluations"][0]["games_evaluated"] >= 20_000


def test_cross(team):
    assert json.loads(run("evaluate", team, "--cross", team, "--json").stdout)["pairs"][0]["reward"] == 1
    assert "8 symbols" in run("evaluate", team, "--cross", team).stdout


@pytest.mark.usefixtures("ray_session")
def test_train_and_frontier(tmp_path):
    words = ["frontier", ID, "--bits", "0,1", "--seeds", "1", "--steps", "4096", "--out", str(tmp_path / "f")]
    done = run(*words, "--json")
    assert done.exit_code == 0
    page = json.loads(done.stdout)
    assert [point["bits"] for point in page["points"]] == [0, 1]
    assert page["checks"][0]["passed"]
    assert {"id", "options", "command", "versions", "learn", "total_steps"} <= page.keys()
    assert (tmp_path / "f/frontier.png").is_file()
    assert "bits told" in " ".join(run(*words).stdout.split())
    again = run("train", ID, "bits=1", "--steps", "4096", "--out", str(tmp_path / "f/bits=1/seed=0"), "--json")
    assert json.loads(again.stdout)["status"] == "finished"
    done = run("frontier", ID, "states=6", "--out", str(tmp_path / "f"))
    assert (done.exit_code, "choose another --out" in done.stderr) == (2, True)


def test_interrupted_is_130_and_one_sentence(tmp_path, monkeypatch):
    def interrupted(*words, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("experiments.runs.train", interrupted)
    done = run("train", ID, "--out", "somewhere")
    assert done.exit_code == 130
    assert done.stderr == "Stopped before anything was kept: the same command begins anew.\n"
    (tmp_path / "checkpoint-000002").mkdir()
    done = run("train", ID, "--out", str(tmp_path))
    assert done.stderr == f"Stopped; the same command goes on with what is in {tmp_path}.\n"


def test_a_frontier_is_gone_on_with_once_a_run_has_kept_something(tmp_path, monkeypatch):
    def interrupted(*words, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("experiments.frontier.run", interrupted)
    assert "begins anew" in run("frontier", ID, "--out", str(tmp_path)).stderr
    (tmp_path / "bits=0/seed=0/checkpoint-000002").mkdir(parents=True)
    assert "goes on with what is in" in run("frontier", ID, "--out", str(tmp_path)).stderr


@pytest.mark.parametrize(("turns", "sentence"), [(0, "nothing was finished"), (3, "what was finished is shown")])
def test_an_interrupted_bench_says_what_was_finished(monkeypatch, turns, sentence):
    def bench(progress, seconds=1.0):
        if not turns:
            raise KeyboardInterrupt
        return BenchResult(bench="simulation", rows=[], seconds=seconds, repetitions=turns, interrupted=True)

    monkeypatch.setitem(BENCHES, "simulation", bench)
    done = run("bench", "simulation")
    assert (done.exit_code, bool(done.stdout)) == (130, bool(turns))
    assert done.stderr.startswith("Stopped")
    assert sentence in done.stderr


def test_ctrl_c_of_the_real_thing(tmp_path):
    command = [sys.executable, "-c", "from experiments.command import main; main()"]
    words = ["frontier", ID, "--bits", "0,1", "--seeds", "1", "--out", str(tmp_path / "f")]
    process = subprocess.Popen([*command, *words], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while not (tmp_path / "f/bits=0/seed=0/run.json").is_file():
        time.sleep(0.05)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1].startswith("Stopped")
    assert "Traceback" not in err


@pytest.mark.parametrize("words", [["list"], ["limits", ID, "bits=2", "--json"], ["--help"], ["train", "--help"]])
def test_what_needs_no_training_loads_neither_torch_nor_ray(words):
    code = "import sys\nfrom experiments.command import app\ntry: app()\nexcept SystemExit: pass\n"
    code += "print('heavy', {'torch', 'ray', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "heavy set()"


def test_audit_says_whether_anything_leaks():
    clean = run("audit", "messaging/referential-v0", "bits=1", "--json")
    assert clean.exit_code == 0
    assert json.loads(clean.stdout)["leaks"] == []
    shared = run("audit", "classic/reference-v0", "--strict", "--json")
    assert shared.exit_code == 1
    assert {leak["cause"] for leak in json.loads(shared.stdout)["leaks"]} == {"shared"}
    unknown = run("audit", "nothing:here")
    assert unknown.exit_code == 2
    assert "'nothing:here' cannot be found" in unknown.stderr
