"""Games in words: what an agent sees as text, and its action from text. So far social/steering."""

import re

import numpy as np

from commenv.core.errors import bad
from commenv.games.social.steering import Options

GAMES = ("social/steering-v0",)
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?![\w.]*\d)")


class TextView:
    """An agent's observations and actions in words. Raises ValueError for a game that has none, or an agent it has not."""

    def __init__(self, id: str, options: Options, agent: str = "planner") -> None:
        if id not in GAMES:
            raise bad("id", id, f"a game that can be told in words: {', '.join(GAMES)}")
        players = ("planner", "agent") if options.crowd == "learned" else ("planner",)
        if agent not in players:
            raise bad("agent", agent, f"one of {', '.join(players)}")
        self.options, self.agent = options, agent
        self.choices = options.levels ** (2 if options.lying else 1) if agent == "planner" else 2

    def rules(self) -> str:
        """What the player is told once."""
        o = self.options
        if self.agent == "agent":
            return (
                "You are one of many who act in turn. The state of the world is 0 (bad) or 1 (good). You know what all before "
                "you made of it, and have one signal of your own, which may err. Name the state; an error costs "
                f"{o.error_cost:g}. Answer with 0 or 1 alone."
            )
        aim = (
            f"each agent that errs costs you {o.error_cost:g}"
            if o.planner == "altruistic"
            else f"each agent that names good earns you {o.preference:g}, whatever is true"
        )
        levels = ", ".join(f"{k}: {q:.4f}" for k, q in enumerate(o.precisions))
        costs = ", ".join(f"{k}: {c:.4f}" for k, c in enumerate(o.plan.cost(o.precisions)))
        announced = (
            f" You may announce another level than you choose: answer level * {o.levels} + announced level." if o.lying else ""
        )
        return (
            "Agents act in turn, each on one signal and on what all before it did, and name the state of the world, bad or good. "
            f"You choose how precise the next agent's signal is; {aim}. An agent follows its signal if the precision is at least "
            f"the belief in the likelier state; else it joins the herd. Levels and precisions: {levels}. Costs: {costs}. After "
            f"each agent the game goes on with probability {o.discount:g}.{announced} Answer with the number of a level alone."
        )

    def say(self, observation: np.ndarray) -> str:
        """An observation, shape (4,), in a sentence."""
        if np.shape(observation) != (4,):
            raise bad("observation", np.shape(observation), f"of shape (4,): one of {self.agent}'s")
        if self.agent == "planner":
            return f"The public belief that the state is good is {observation[0]:.4f}. Which level?"
        signal = int(observation[3])
        return (
            f"The public belief that the state is good is {observation[0]:.4f}. Your signal, right with probability "
            f"{observation[1]:.4f}, says {signal}. Which state?"
        )

    def hear(self, text: str) -> int:
        """The action that a text names: its last whole number. Raises ValueError where there is none, or none that is allowed."""
        found = _NUMBER.findall(text)
        if not found or not 0 <= int(found[-1]) < self.choices:
            raise bad("answer", text, f"a text whose last whole number is from 0 to {self.choices - 1}")
        return int(found[-1])
