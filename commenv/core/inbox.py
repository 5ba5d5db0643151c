"""What an agent is told of messages: its inbox, which stands behind its own part of the observation."""

import numpy as np

from commenv.core.generator import rule
from commenv.core.memory import window
from commenv.core.transmission import ERASED, NOTHING, SILENCE


@rule
def clear(observation, start, stop):
    """Zeros, of many games at once: what they hear is then a few ones."""
    for place in range(start, stop):
        observation[np.uint64(place)] = 0.0


@rule
def hear(wire, shape, state, lo, hi, a, inboxes, apart):
    """Write into the cleared inboxes of agent a in games lo..hi-1, which stand so far apart: for each of its links, or for all,
    then for each that it eavesdrops on, a one-hot vector, the last place an erasure; or floats and a place for an erasure."""
    places, first, count = wire.places, shape.ear[a], shape.ears[a]
    ears, taps, boxes = count[0], count[1] if wire.plain == 0 else 0, count[2]
    for e in range(ears + taps):
        k = np.uint64(first[0] + e if e < ears else first[1] + e - ears)
        start = (e if boxes == ears else max(e - ears + 1, 0)) * places
        for each in range(lo, hi):
            i = np.uint64(each)
            y = state.heard[i, k]
            if wire.floats == 0:
                at = np.uint64(start + (y if y >= 0 else places - 1))
                if boxes == ears or y != NOTHING:
                    inboxes[at] = 1.0 if y != NOTHING else 0.0  # no branch on what was said: no processor can guess it
            elif y == ERASED:
                inboxes[start + places - 1] = 1.0
            elif y >= 0 and (wire.silence == 0 or y != SILENCE):
                link = np.int64(k) if e < ears else shape.tapped[k - len(shape.source)]
                unpack(wire, shape, state, i, link, y, window(inboxes, start, places))
            start += apart


@rule
def unpack(wire, shape, state, i, k, y, box):
    """The levels that a message stands for, and the noise on them."""
    rest = y - wire.silence
    for place in range(wire.floats):
        component = wire.floats - 1 - place
        step = rest & ((1 << wire.depth) - 1)
        rest = rest >> wire.depth
        value = (2 * step + (1 << shape.lines[k].cut)) / (1 << wire.depth) - 1.0
        box[component] = value + state.shaken[i, k, component] if wire.gaussian > 0.0 else value
