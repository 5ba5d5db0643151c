"""Markov coding games: a message is written into the actions of an MDP, and read from its trajectory."""
