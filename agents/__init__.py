"""RLlib agents that learn whom to talk to and what to say.

CommPPOConfig is an RLlib AlgorithmConfig; CommPPO its algorithm; Team and TalkingTeam what is deployed when training is done,
`load` what reads them.
"""

from agents.algorithm import CommPPO, CommPPOConfig
from agents.team import TalkingTeam, Team, load

__all__ = ["CommPPO", "CommPPOConfig", "TalkingTeam", "Team", "load"]
