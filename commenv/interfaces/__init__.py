"""A game as other people's code knows it: PettingZoo parallel and AEC, Gymnasium, RLlib; and theirs with a channel under it."""
