"""What everybody who watches a coupled sender believes of its message, and how the sender's actions are coupled with it.

At every step the most uncertain part of the message is coupled with the marginal policy of the action: the joint J has the
belief and the policy as its marginals, so actions are distributed as if there were no message, and the posterior is J's column,
exactly. Sokota et al. (2022), MEME; parts in turn: FIMEC, Sokota et al. (2024); through a signal of limited entropy: Ebrahimi,
Chen, Khisti (2024), MEC-B. Both sides run this same code on what both see, with ties to the lowest index: they cannot fall
apart.
"""

import numpy as np
from numba import njit

from commenv.info.bottleneck import best_cells, bits_of, compact, paper_cells, smallest_cells, uniform_cells
from commenv.info.coupling import pair_largest

TIE = 1e-12
"""Beliefs and entropies within this are equal."""
IMPOSSIBLE = 1e-15
"""Belief below which a message is out of the question."""

WHOLE, PAPER, SMALLEST, UNIFORM, BEST = range(5)
"""How a belief is compressed before it is coupled; WHOLE: not at all."""


@njit(cache=True, error_model="numpy")
def uncertain_part(beliefs):
    """Index of the part of most entropy, of beliefs (parts, K)."""
    best, most = 0, -1.0
    for k in range(len(beliefs)):
        bits = bits_of(beliefs[k])
        if bits > most + TIE:
            best, most = k, bits
    return best


@njit(cache=True, error_model="numpy")
def likeliest(belief):
    """Index of the largest belief."""
    best = 0
    for m in range(1, len(belief)):
        if belief[m] > belief[best] + TIE:
            best = m
    return best


@njit(cache=True, error_model="numpy")
def compress(belief, rate, method, labels):
    """Fill `labels` with the signal t(m) of each message, of at most `rate` bits of entropy; -1 where it is out of the question.

    Returns the number of signals."""
    K, n = len(belief), 0
    masses, places = np.empty(K), np.empty(K, np.int64)
    for m in range(K):
        labels[m] = -1
        if belief[m] > IMPOSSIBLE:
            masses[n], places[n] = belief[m], m
            n += 1
    own = np.empty(n, np.int64)
    q = masses[:n] / masses[:n].sum()
    if method == UNIFORM:  # neighbours among all messages, whatever is known by now
        whole = np.empty(K, np.int64)
        uniform_cells(K, rate, whole)
        for k in range(n):
            own[k] = whole[places[k]]
        cells = compact(own)
    elif method == WHOLE or bits_of(q) <= rate + TIE:
        for k in range(n):
            own[k] = k
        cells = n
    elif method == PAPER:
        cells = paper_cells(q, rate, own)
    elif method == SMALLEST:
        cells = smallest_cells(q, rate, own)
    else:
        cells = best_cells(q, rate, own)
    for k in range(n):
        labels[places[k]] = own[k]
    return cells


@njit(cache=True, error_model="numpy")
def couple(belief, policy, labels, cells, joint):
    """Fill joint (cells, A) of signal and action by the greedy coupling of their marginals; returns the signals' masses."""
    A = len(policy)
    masses = np.zeros(cells)
    for m in range(len(belief)):
        if labels[m] >= 0:
            masses[labels[m]] += belief[m]
    masses /= masses.sum()
    flat = np.concatenate((masses, policy))
    starts = np.array([0, cells, cells + A])
    most = cells + A
    indices, found = np.empty((most, 2), np.int64), np.empty(most)
    count = pair_largest(flat, starts, np.empty(cells + A, np.int64), indices, found)
    joint[:] = 0.0
    for k in range(count):
        joint[indices[k, 0], indices[k, 1]] = found[k]
    return masses


@njit(cache=True, error_model="numpy")
def watch(belief, policy, labels, cells, noise, available, executed):
    """The posterior, in place, after `executed` was seen: exact, with actuator noise as well."""
    joint = np.empty((cells, len(policy)))
    masses = couple(belief, policy, labels, cells, joint)
    chance = noise / available.sum()
    total, after = 0.0, np.empty(len(belief))
    for m in range(len(belief)):
        known = labels[m] >= 0 and masses[labels[m]] > 0.0
        likelihood = joint[labels[m], executed] / masses[labels[m]] if known else 0.0
        after[m] = belief[m] * ((1.0 - noise) * likelihood + chance)
        total += after[m]
    if total > 0.0:  # else it was an action of no probability at all, which tells nothing
        for m in range(len(belief)):
            belief[m] = after[m] / total


@njit(cache=True, error_model="numpy")
def watch_all(beliefs, fixed, policies, rate, method, noise, available, executed, moved):
    """Update the beliefs (n, parts, K) of games where `moved`, of actions executed (n,) drawn by policies (n, A) among those
    available (n, A). fixed (n, K): signals that were chosen once and stay, or of length 0."""
    labels = np.empty(beliefs.shape[2], np.int64)
    for i in range(len(beliefs)):
        if moved[i]:
            k = uncertain_part(beliefs[i])
            if fixed.shape[1]:
                labels[:] = fixed[i]
                cells = labels.max() + 1
            else:
                cells = compress(beliefs[i, k], rate, method, labels)
            watch(beliefs[i, k], policies[i], labels, cells, noise, available[i], executed[i])


@njit(cache=True, error_model="numpy")
def signal_all(beliefs, fixed, rate, method, messages, acts, signals):
    """What a source that sees messages (n, parts) tells in each game that `acts`: the signal of the most uncertain part."""
    labels = np.empty(beliefs.shape[2], np.int64)
    for i in range(len(beliefs)):
        if acts[i]:
            k = uncertain_part(beliefs[i])
            if fixed.shape[1]:
                labels[:] = fixed[i]
            else:
                compress(beliefs[i, k], rate, method, labels)
            signals[i] = max(labels[messages[i, k]], 0)


@njit(cache=True, error_model="numpy")
def act_all(beliefs, fixed, policies, rate, method, signals, acts, draws, actions):
    """Sample in each game that `acts` the action given the signal (n,), with a uniform draw (n,)."""
    A = policies.shape[1]
    labels = np.empty(beliefs.shape[2], np.int64)
    for i in range(len(beliefs)):
        if acts[i]:
            k = uncertain_part(beliefs[i])
            if fixed.shape[1]:
                labels[:] = fixed[i]
                cells = labels.max() + 1
            else:
                cells = compress(beliefs[i, k], rate, method, labels)
            joint = np.empty((cells, A))
            couple(beliefs[i, k], policies[i], labels, cells, joint)
            row = joint[min(signals[i], cells - 1)]
            total = row.sum()
            row = row if total > 0.0 else policies[i]
            left, chosen = draws[i] * row.sum(), -1
            for a in range(A):
                if row[a] > 0.0:
                    chosen = a
                    left -= row[a]
                    if left < 0.0:
                        break
            actions[i] = chosen


@njit(cache=True, error_model="numpy")
def name_all(beliefs, parts, acts, named):
    """The likeliest value of part parts[i] in each game that `acts`."""
    for i in range(len(beliefs)):
        if acts[i]:
            named[i] = likeliest(beliefs[i, parts[i]])
