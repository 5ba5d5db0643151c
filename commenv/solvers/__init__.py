"""Exact optima of tasks: dynamic and linear programs, enumerations, closed forms.

Pure functions on arrays that know no game: a game's limits and the exact agents call them, and rollouts are tested against them.
"""
