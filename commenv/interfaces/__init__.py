"""A game as other people's code knows it: PettingZoo parallel and AEC, Gymnasium, RLlib; and theirs with a channel under it.

Importing any of them tells gymnasium our ids: see registration.py.
"""

from commenv.interfaces.registration import register

register()
