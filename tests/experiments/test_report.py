"""A study writes its table with what made it, and the page of results holds all that stands beside it."""

import pytest

from experiments import report, studies
from experiments.files import read_json, write_json
from experiments.screen import out, study_table


class Asked:
    """Who takes the place of a study's module."""

    __doc__ = "Which seeds were asked?\n\nMore of it."

    @staticmethod
    def study(seeds, folder, tell):
        return studies.Study("Seeds", ["what", "sum"], [["asked", float(sum(seeds))], ["none", None]], ["A note."])


@pytest.fixture
def asked(monkeypatch):
    monkeypatch.setattr(studies, "names", lambda: ["asked"])
    monkeypatch.setattr(studies, "import_module", lambda name: Asked)


def test_a_study_keeps_what_it_found(tmp_path, asked):
    page = studies.run("asked", [1, 2], tmp_path / "asked")
    assert page == read_json(tmp_path / "asked" / "study.json", studies.STUDY)
    assert page["rows"] == [["asked", 3.0], ["none", None]]
    assert study_table(page).row_count == 2
    assert studies.asks("asked") == "Which seeds were asked?"
    told = report.report(tmp_path).read_text()
    assert "| asked | 3 |" in told
    assert "A note." in told


def test_words_are_whole_in_a_narrow_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    rows = [["a long name of a truth", "grassberger", *[1.2345678] * 7]]
    page = {"title": "Estimators", "columns": ["truth", "method", *"abcdefg"], "rows": rows}
    console = out()
    with console.capture() as told:
        console.print(study_table(page))
    assert "grassberger" in told.get()


def test_a_damaged_result_is_named(tmp_path):
    write_json(tmp_path / "x" / "study.json", {"title": "x"})
    with pytest.raises(ValueError, match=r"x/study.json is damaged: it has no 'columns'"):
        report.page(tmp_path)


def test_a_study_that_is_none_is_named(tmp_path):
    with pytest.raises(ValueError, match="study='weather'"):
        studies.run("weather", [0], tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_row_must_fit():
    with pytest.raises(ValueError, match="a row of 1 cells does not fit the 2 columns"):
        studies.Study("x", ["a", "b"], [[1]])


def test_every_study_says_what_it_asks():
    assert all(studies.asks(name) for name in studies.names())
