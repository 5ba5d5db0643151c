"""The study of tracking: its errors are those of the limits, and rates that are too low show."""

import numpy as np
import pytest

from commenv.solvers.tracking import distortions
from experiments.studies import tracking


def test_the_table_holds_its_errors_against_the_limit(monkeypatch, tmp_path):
    small = {"GAINS": (0.9, 2.0), "RATES": (1, 3), "STEPS": 12, "GAMES": 256, "WATCHED": ((2.0, 0),), "MOMENTS": (2, 6)}
    for name, value in small.items():
        monkeypatch.setattr(tracking, name, value)
    found = tracking.study([0], tmp_path, lambda *news: None)
    rows = {(row[0], row[1]): row for row in found.rows}
    assert len(rows) == 4
    assert float(rows["0.9", 3][4]) == pytest.approx(distortions(3, 0.9, 12).mean(), rel=1e-3)
    assert rows["2", 1][6] == "inf"
    assert all(float(row[5]) > 1 for row in found.rows)
    assert "below log2 a = 1.000" in found.notes[1]
    assert (tmp_path / "tracking.png").stat().st_size > 10_000


def test_without_bits_errors_are_the_plants_own(monkeypatch):
    monkeypatch.setattr(tracking, "GAMES", 2000)
    errors = tracking.errors_of(2.0, 0, 6, 0)
    np.testing.assert_allclose(errors.mean(axis=0), distortions(0, 2.0, 6), rtol=0.15)
