"""The bare loop of the riddle plays by the rules, and in the way that they are told, or its roof would be none."""

import numpy as np

from experiments.bench import riddle


def test_bare_loop_plays_the_riddle():
    n, draw = 50, np.random.default_rng(1)
    inside, light, been, t = (np.zeros(n, np.int8) for _ in range(4))
    seen, reward, done = np.zeros((n, riddle.PRISONERS, 2), np.float32), np.zeros(n, np.float32), np.zeros(n, np.bool_)
    counter = np.zeros(1, np.uint64)
    games = [(0, False, set(), 0)] * n  # who is inside, the light, who has been there, steps
    visits, wins = np.zeros(riddle.PRISONERS), 0
    for _ in range(200):
        actions = draw.choice(3, p=[0.5, 0.35, 0.15], size=(n, riddle.PRISONERS)).astype(np.int32)
        riddle.step(counter, actions, inside, light, been, t, seen, reward, done)
        for i, (who, lit, visitors, steps) in enumerate(games):
            visitors = visitors | {who}
            told = actions[i, who] == riddle.TELL
            assert reward[i] == (0 if not told else 1 if len(visitors) == riddle.PRISONERS else -1)
            over = told or steps + 1 == riddle.HORIZON
            assert done[i] == over
            lit = not over and lit != (actions[i, who] == riddle.SWITCH)
            following = int(seen[i, :, 0].argmax())
            assert seen[i, :, 0].sum() == 1
            assert seen[i, :, 1].tolist() == [float(lit and a == following) for a in range(riddle.PRISONERS)]
            games[i] = following, lit, set() if over else visitors, 0 if over else steps + 1
            visits[following] += 1
            wins += reward[i] == 1
    assert wins > 0
    shares, expected = visits / visits.sum(), 1 / riddle.PRISONERS
    assert np.allclose(shares, expected, atol=4 * np.sqrt(expected * (1 - expected) / visits.sum()))
