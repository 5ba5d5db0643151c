"""The principal of acquisition/hiring by theory, agents who obey, and what learned agents do in the terms of theory."""

from collections.abc import Mapping

import numpy as np

from agents.team import Deployed, Team
from commenv.games.acquisition.hiring import EFFORT, REPORT, SETTLE, Options
from commenv.solvers.hiring import Strategy

ID = "acquisition/hiring-v0"


class Principal:
    """Decides best for agents who obey, by what it told them and what of their reports arrived; its mechanism is the game's."""

    def __init__(self, options: Options) -> None:
        self.instance, self.plans = options.plans()
        size = options.link.size
        noise = options.link.matrix if size > 1 else np.ones((1, 1))
        # P(what is heard | message), a column a symbol, then an erasure, and nothing, which tells nothing where it never comes
        self.heard = np.ones((size, size + 2))
        self.heard[:, : noise.shape[1]] = noise

    def act(self, seen: np.ndarray) -> np.ndarray:
        """Decisions (n,) from observations (n, w)."""
        sizes, profile, place = self.plans.sizes, np.zeros(len(seen), int), 3
        for plans in sizes:
            profile = profile * plans + seen[:, place : place + plans].argmax(axis=1)
            place += plans
        boxes = seen[:, place:].reshape(len(seen), len(sizes), -1)
        said = np.where(boxes.any(axis=2), boxes.argmax(axis=2), boxes.shape[2])
        keys, back = np.unique(np.column_stack([profile, said]), axis=0, return_inverse=True)
        decided = np.array([self._decide(int(key[0]), key[1:]) for key in keys])
        return decided[back.ravel()]

    def _decide(self, profile: int, said: np.ndarray) -> int:
        likely = np.ones(1)
        for messages, y in zip(self.instance.signals, said, strict=True):
            likely = np.outer(likely, self.heard[:messages, y]).ravel()
        return int((likely @ self.instance.decided[profile]).argmax())


class Obedient:
    """Agent i makes the effort it is told, and sends the message that its code has for what it saw."""

    def __init__(self, options: Options, i: int) -> None:
        _, plans = options.plans()
        self.effort, self.code = plans.effort[i], plans.code[i]
        self.efforts = options.instance.efforts[i]

    def act(self, seen: np.ndarray) -> np.ndarray:
        """Actions (n, 2) of effort and message from observations (n, w); of who has but one effort, messages (n,)."""
        plan = seen[:, 3 : 3 + len(self.effort)].argmax(axis=1)
        signal = seen[:, 3 + len(self.effort) + self.efforts :].argmax(axis=1)
        says = self.code[plan, signal]
        return np.column_stack([self.effort[plan], says]) if self.efforts > 1 else says


class Company(Deployed):
    """The principal and its agents, all of them as theory has them."""

    def __init__(self, options: Options) -> None:
        super().__init__(ID, options)
        self.principal = Principal(options)
        self.hired = {f"agent_{i}": Obedient(options, i) for i in range(len(options.instance.costs))}

    def player(self, games: int) -> "Company":
        return self

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        return {name: agent.act(seen[name]) for name, agent in self.hired.items()} | {
            "principal": self.principal.act(seen["principal"])
        }


# ------------------------------------------------------------------------------------------- learned agents, in theory
def views(options: Options, i: int) -> tuple[np.ndarray, np.ndarray]:
    """All that agent i may see: before its effort (P, w), by plan; before its report (P, B, S, w), by plan, effort, signal."""
    _, plans = options.plans()
    P, B, S = plans.sizes[i], options.instance.efforts[i], options.instance.signals[i]
    begin, made, saw = 3, 3 + P, 3 + P + B
    before = np.zeros((P, saw + S), np.float32)
    before[:, EFFORT] = 1
    before[np.arange(P), begin + np.arange(P)] = 1
    after = np.zeros((P, B, S, saw + S), np.float32)
    after[..., REPORT] = 1
    for plan, effort, signal in np.ndindex(P, B, S):
        after[plan, effort, signal, [begin + plan, made + effort, saw + signal]] = 1
    return before, after


def strategy(team: Team, i: int) -> Strategy:
    """What agent i of a learned team does, greedily, as `commenv.solvers.hiring.audit` takes it: in plans and messages."""
    options = team.options
    assert isinstance(options, Options)
    instance, plans = options.plans()
    messages = instance.signals[i]
    made = np.zeros(plans.sizes[i], np.int64)
    report = np.zeros((plans.sizes[i], messages), np.int64)
    for plan, (effort, says) in enumerate(zip(*_acts(team, i), strict=True)):
        made[plan], report[plan] = _as_plan(effort, says.clip(max=messages - 1), plans.effort[i], plans.code[i], messages)
    return Strategy(made, report)


def earned(team: Team) -> float:
    """What the principal of a learned team earns, all of them greedy: the sum over all they are told and all that comes up.

    It hears what was sent, while payments read messages beyond those of a code as the last one.
    """
    options = team.options
    assert isinstance(options, Options)
    base, (instance, plans), committed = options.instance, options.plans(), options.committed()
    n, places = len(base.costs), options.link.places
    efforts, says = zip(*(_acts(team, i) for i in range(n)), strict=True)
    heard, payments, laws = [], [], []
    for b, told in enumerate(np.ndindex(*plans.sizes)):
        law = (
            committed.probability[b]
            * base.prior[:, None]
            * base.kernel[tuple(e[t] for e, t in zip(efforts, told, strict=True))].reshape(len(base.prior), -1)
        )
        for k, signals in enumerate(np.ndindex(*base.signals)):
            said = [int(says[i][told[i], signals[i]]) for i in range(n)]
            read = [min(message, most - 1) for message, most in zip(said, instance.signals, strict=True)]
            seen = np.zeros(3 + sum(plans.sizes) + n * places, np.float32)
            seen[SETTLE] = 1
            seen[[3 + sum(plans.sizes[:i]) + plan for i, plan in enumerate(told)]] = 1
            seen[[3 + sum(plans.sizes) + i * places + message for i, message in enumerate(said)]] = 1
            heard.append(seen)
            laws.append(law[:, k])
            payments.append(committed.payments[:, b, np.ravel_multi_index(read, instance.signals)].sum(axis=0))
    utility = base.utility[team.act("principal", np.array(heard))]
    return float((np.array(laws) * (utility - np.array(payments))).sum())


def _acts(team: Team, i: int) -> tuple[np.ndarray, np.ndarray]:
    """Agent i's effort, by plan, and its message after that, by plan and signal, as they are sent."""
    assert isinstance(team.options, Options)
    before, after = views(team.options, i)
    efforts = _parts(team.act(f"agent_{i}", before))[0]
    return efforts, np.array([_parts(team.act(f"agent_{i}", after[plan, effort]))[1] for plan, effort in enumerate(efforts)])


def _parts(actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Effort and message; of who has but one effort, an action is the message."""
    return (actions[:, 0], actions[:, 1]) if actions.ndim == 2 else (np.zeros_like(actions), actions)


def _as_plan(effort: int, says: np.ndarray, efforts: np.ndarray, codes: np.ndarray, messages: int) -> tuple[int, np.ndarray]:
    """The plan of this effort, and what is reported of its messages, that come to saying `says` [signal]."""
    for plan in np.flatnonzero(efforts == effort):
        report = np.zeros(messages, np.int64)
        report[codes[plan]] = says
        if np.array_equal(report[codes[plan]], says):
            return int(plan), report
    raise AssertionError("any way to speak has a partition into as many cells as there are messages")


def as_told(options: Options, strategies: list[Strategy]) -> tuple[float, float]:
    """Share of efforts made as told, and of signals, as they come up when all obey, that are reported by the code: means over
    agents."""
    instance, plans = options.plans()
    mechanism = options.committed()
    seen = np.einsum("b,bts->bs", mechanism.probability, instance.law).reshape(*instance.efforts, *instance.signals)
    obeyed, true, n = 0.0, 0.0, len(strategies)
    for i, played in enumerate(strategies):
        others = tuple(axis for axis in range(2 * n) if axis not in (i, n + i))
        mass = seen.sum(axis=others)  # [plan told, message its code has]
        told = np.arange(len(played.made))
        obeyed += float(mass.sum(axis=1) @ (plans.effort[i][played.made] == plans.effort[i])) / n
        says = played.report[told[:, None], plans.code[i][played.made]]  # [plan told, signal]
        right = np.array([[(says[p][plans.code[i][p] == m] == m).all() for m in range(mass.shape[1])] for p in told])
        true += float((mass * right).sum()) / n
    return obeyed, true
