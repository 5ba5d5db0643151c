"""The table of perception: what each bit buys, in order."""

from itertools import pairwise

from experiments.studies import perception


def test_f1_against_bits(monkeypatch, tmp_path):
    monkeypatch.setattr(perception, "BITS", (0, 1, 2))
    monkeypatch.setattr(perception, "SCENES", {"2 x 2": perception.SCENES["2 x 2, all seen by all"]})
    found = perception.study([0], tmp_path)
    for _, bits, silent, filling, best, most, share in found.rows:
        assert silent <= filling <= best <= most
        assert (share is None) == (bits == 0)
    assert all(less[4] < more[4] for less, more in pairwise(found.rows))
