"""RLlib agents that learn whom to talk to and what to say.

CommPPOConfig is an RLlib AlgorithmConfig; CommPPO its algorithm; Team what is deployed when training is done.
"""

from agents.algorithm import CommPPO, CommPPOConfig
from agents.team import Team

__all__ = ["CommPPO", "CommPPOConfig", "Team"]
