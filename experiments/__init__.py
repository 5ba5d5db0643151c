"""The `commenv` command: train teams, evaluate them, draw their reward over bits beside the limit, time the games."""
