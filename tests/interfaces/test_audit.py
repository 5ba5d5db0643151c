"""The audit catches every way around the channel that we could think of, and nothing else."""

import io
import sys
import types
from typing import Any

import pytest
from examples import CAPTURE, JUNCTION, PREY, REFERENTIAL, RING
from rich.console import Console
from strangers import Visitors, Whisperers

import commenv
from commenv.games import CATALOGUE
from commenv.games.classic import predator_prey
from commenv.games.classic.predator_prey import look
from commenv.games.messaging import referential
from commenv.interfaces.audit import Audit, Finding, audit
from commenv.interfaces.seats import Speech
from experiments.audit import audit_of, table

WAYS = ["sight", "mask", "info", "end", "agents"]


def toss(env: Any, agent: str, rng: Any) -> None:
    """Another secret for one agent of the whisperers."""
    env.secret[agent] = int(rng.integers(2))


def whisperers(leak: str | None = None, **arguments: Any) -> Audit:
    return audit(lambda: commenv.metered(Whisperers(leak), {"bits": 1}), **arguments)


def causes(result: Audit) -> set[tuple[str, str, str, str]]:
    return {(finding.source, finding.cause, finding.target, finding.where) for finding in result.findings}


def test_clean_environments_pass():
    assert not whisperers().findings
    assert not whisperers(private=toss).findings
    assert whisperers(private=toss).rewards  # the guesses' rewards depend on the secrets: listed apart
    assert not audit(lambda: commenv.make(REFERENTIAL, rounds=3, channel={"error": 0.2})).findings


@pytest.mark.parametrize("leak", WAYS)
def test_a_private_state_is_caught_wherever_it_shows(leak):
    where = "observation" if leak == "sight" else leak
    result = whisperers(leak, private=toss)
    assert not result.passed
    assert ("a", "state", "b", where) in causes(result)
    assert all(finding.target == "b" for finding in result.findings)


@pytest.mark.parametrize("leak", WAYS)
def test_without_a_hand_on_the_state_the_sharing_is_measured(leak):
    where = "observation" if leak == "sight" else leak
    result = whisperers(leak)
    (found,) = (f for f in result.findings if (f.source, f.target, f.where) == ("a", "b", where))
    assert found.bits == pytest.approx(1, abs=0.02)  # a fair bit
    assert result.passed
    assert not whisperers(leak, strict=True).passed


def test_a_message_around_the_channel_is_caught():
    """The environment shows the listener the word itself, beside the slice that the channel fills."""
    speech = Speech({"a": 2}, {"b": {"a": slice(2, 6)}})
    result = audit(lambda: commenv.metered(Whisperers("message"), takes_over=speech))
    assert causes(result) == {("a", "message", "b", "observation")}
    assert not result.passed
    assert result.leaks[0].places == (1,)
    assert result.leaks[0].bits == 2  # one of four words


def test_acts_that_show_are_reported():
    result = whisperers("act", private=toss)
    assert causes(result) == {("a", "act", "b", "observation")}
    assert result.passed
    assert result.findings[0].bits == 1
    assert result.seen == {"observation"}


def observe_state(p, game, agents, board, i, obs):
    for k in range(len(obs)):
        obs[k] = 0.0
    obs[game.state] = 1.0


def observe_messages(p, game, agents, board, i, obs):
    for k in range(len(obs)):
        obs[k] = 0.0
    obs[0] = agents[0].messages


def observe_another(p, game, agents, board, i, obs):
    look(p, game.prey, agents[i].cell, board, obs)
    obs[p.grid * p.grid] = agents[(i + 1) % len(agents)].cell  # the spare place


def like(rules: Any, observe: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of a game that observes otherwise, in the catalogue."""
    module: Any = types.ModuleType("tests_leaking")
    module.__dict__.update({k: v for k, v in vars(rules).items() if not k.startswith("__")})
    module.observe = observe
    monkeypatch.setitem(sys.modules, "tests_leaking", module)
    monkeypatch.setitem(CATALOGUE, "tests/leaking-v0", "tests_leaking")
    return module


@pytest.fixture
def leaking(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    module = like(referential, request.param, monkeypatch)
    module.layout = lambda options: referential.Layout(
        roles=(referential.Role("sender", 1, options.states), referential.Role("receiver", options.states, options.states)),
        links=((0, 1),),
        turns=True,
    )
    return "tests/leaking-v0"


@pytest.mark.parametrize("leaking", [observe_state], indirect=True)
def test_a_state_that_the_receiver_sees_too_is_shared(leaking):
    result = audit(lambda: commenv.make(leaking))
    assert {(f.cause, f.target) for f in result.findings} == {("shared", "sender"), ("shared", "receiver")}
    assert not audit(lambda: commenv.make(leaking), strict=True).passed


@pytest.mark.parametrize("leaking", [observe_messages], indirect=True)
def test_whether_something_was_said_is_a_message_too(leaking):
    """With silence, a count of messages tells the receiver what an erasure hides."""
    result = audit(lambda: commenv.make(leaking, channel={"silence": True, "erasure": 1.0}))
    assert ("sender", "message", "receiver", "observation") in causes(result)
    assert not result.passed


def test_the_ring_s_pot_leaks_tolls():
    """Its players see a pot that pays less for messages that are not 0."""
    result = audit(lambda: commenv.make(RING))
    assert not result.passed
    assert {finding.places for finding in result.leaks if finding.cause == "message"} == {(2,)}


@pytest.mark.parametrize("id", commenv.ids())
def test_our_games_do_not_leak(id):
    result = audit_of(id, seeds=2, steps=8)
    assert result.passed, result.leaks
    assert not any(finding.cause == "message" for finding in result.findings)


@pytest.mark.parametrize("channel", [{"floats": 2, "bits": 3}, {"floats": 31, "bits": 2, "silence": True}], ids=str)
def test_floats_can_be_audited(channel):
    assert audit(lambda: commenv.make(REFERENTIAL, channel=channel)).passed
    assert {finding.cause for finding in audit(lambda: commenv.make(RING, channel=channel)).leaks} == {"message"}  # its pot
    assert audit(lambda: commenv.metered(Visitors(), channel)).passed


@pytest.mark.parametrize(
    ("id", "options"),
    [(JUNCTION, {"add_rate": 0.05, "cars": 2}), (JUNCTION, {"add_rate": 0.05}), (PREY, {"grid": 20}), (CAPTURE, {"vision": 0})],
)
def test_games_with_a_map_of_their_agents_are_audited_without_tearing_it(id, options):
    """Where nobody meets anybody no act shows; an agent put elsewhere, and not on the map, would be a leak or a crash."""
    result = audit_of(id, **options)
    assert result.passed, result.leaks
    assert not result.exchanged
    assert not any(finding.cause == "state" for finding in result.findings)
    assert "cannot be exchanged" in str(table(id, result).title)


def test_a_planted_leak_in_a_map_is_measured(monkeypatch):
    like(predator_prey, observe_another, monkeypatch)

    def shared(id: str) -> Finding:
        result = audit_of(id, strict=True, seeds=2, steps=4)
        assert not result.passed  # strictly, for those who share a cell see each other in the game as it is, too
        return next(f for f in result.findings if (f.source, f.cause, f.target) == ("predator_1", "shared", "predator_0"))

    assert shared("tests/leaking-v0").bits > 2 * shared(PREY).bits > 0


def test_state_that_shows_where_acts_do_is_a_leak_if_asked_strictly():
    act, state = (Finding("a", cause, "b", "observation", 1.0) for cause in ("act", "state"))
    elsewhere = Finding("a", "state", "b", "mask", 1.0)
    assert Audit((act, state), (), 0, strict=False, exchanged=True).passed
    assert Audit((act, state, elsewhere), (), 0, strict=False, exchanged=True).leaks == (elsewhere,)
    assert Audit((act, state), (), 0, strict=True, exchanged=True).leaks == (state,)


def test_who_comes_and_goes_can_be_audited():
    assert audit(lambda: commenv.metered(Visitors(), {"bits": 1})).passed


# ------------------------------------------------------------------------------------------------ the table, and errors
def test_the_table_says_what_leaks():
    for result, word in ((whisperers("sight", private=toss), "LEAK"), (whisperers("act"), "seen")):
        console = Console(width=120, file=io.StringIO())
        console.print(table("tests", result))
        assert word in console.file.getvalue()


def test_anybody_s_environment_by_its_name():
    assert audit_of("strangers:Whisperers").passed
    assert not audit_of("strangers:Whisperers", leak="sight", strict=True).passed
    pytest.importorskip("mpe2")
    assert audit_of("mpe2.simple_speaker_listener_v4:parallel_env", seeds=2, steps=4).passed


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("chess-v9", "chess-v9"),
        ("nowhere:make", "nowhere"),
        ("strangers:make", "make"),
        ("strangers:np", "no callable"),
        ("builtins:dict", "env="),
    ],
)
def test_what_cannot_be_found_is_named(what, says):
    with pytest.raises(ValueError, match=says):
        audit_of(what)


def test_an_environment_must_repeat_itself():
    class Dice(Visitors):
        def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
            return super().reset(None, options)

    with pytest.raises(ValueError, match="repeat"):
        audit(lambda: commenv.metered(Dice()))
    with pytest.raises(ValueError, match="commenv"):
        audit(Visitors)
    with pytest.raises(ValueError, match="seeds=1"):
        audit(lambda: commenv.metered(Visitors()), seeds=1)
