"""The study of generalisation tells training from what was held out."""

import pytest

from experiments.studies import generalisation


@pytest.mark.usefixtures("ray_session")
def test_a_short_training_is_told_apart_from_what_was_held_out(monkeypatch, tmp_path):
    settings = {"binary": {"attributes": 2, "values": 2, "held_out": 1, "bits": 2}}
    monkeypatch.setattr(generalisation, "SETTINGS", settings)
    monkeypatch.setattr(generalisation, "STEPS", 60_000)
    found = generalisation.study([0], tmp_path)
    ((name, chance, reachable, trained, held_out, similarity, together),) = found.rows
    assert (name, chance, reachable, together) == ("binary", 0.5, 1.0, None)
    assert float(trained) > 0.8
    assert 0 <= float(held_out) <= 1
    assert similarity is None or -1 <= float(similarity) <= 1
