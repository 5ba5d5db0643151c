"""A game as other people's code knows it: PettingZoo parallel and AEC, RLlib."""
