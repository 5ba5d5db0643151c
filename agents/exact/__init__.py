"""Exact agents: policies that theory gives us, which play through the same interfaces as learned ones."""
