"""What recorded recipes of the standard benchmarks reach beside what was published, and what fell short.

Nothing is trained: ours is read from the files in experiments/results; published figures stand here with their sources.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from commenv.core.game import Options, choose
from commenv.games import rules
from experiments.files import Tell, read_json
from experiments.studies import STUDY, Cell, Study, spread

RESULTS = Path(__file__).parent.parent / "results"
JUNCTION, PREY, RIDDLE = "classic/traffic_junction-v0", "classic/predator_prey-v0", "classic/switch_riddle-v0"
SPEAKER, REFERENCE = "classic/speaker_listener-v0", "classic/reference-v0"
SCRIPT = "scripted, the goal heard a step late"
IC3NET, COMMNET = "IC3Net (Singh et al. 2019)", "CommNet (Singh et al. 2019)"


@dataclass(frozen=True)
class Published:
    """One figure of one method in one setting."""

    id: str
    options: Mapping[str, Any]
    """What makes the setting: results whose options say the same are held against it."""
    measure: str
    """Of a point: success, steps or reward."""
    method: str
    figure: float | None
    """None: a script's, which every point holds as `reachable`."""

    @property
    def setting(self) -> str:
        said = [str(value) if isinstance(value, str) else f"{key} {value}" for key, value in self.options.items()]
        return ", ".join([self.id.removeprefix("classic/").removesuffix("-v0"), *said])

    def matches(self, options: Options) -> bool:
        """Whether these are the same game, but for its channel."""
        ours = choose(rules(self.id), dict(self.options))
        return replace(options, bits=0, channel=None) == replace(ours, bits=0, channel=None)

    def short(self, median: float, figure: float) -> str:
        """By how much the median falls short; steps are to be few, everything else much."""
        gap = median - figure if self.measure == "steps" else figure - median
        return "no" if gap <= 0 else f"by {gap:.3f}"


PUBLISHED = (
    *(
        Published(JUNCTION, {"difficulty": level, "vision": 0}, "success", IC3NET, share)
        for level, share in {"easy": 0.930, "medium": 0.893, "hard": 0.724}.items()
    ),
    *(Published(PREY, {"size": size}, "steps", IC3NET, steps) for size, steps in {5: 8.9, 10: 13.0, 20: 52.4}.items()),
    *(Published(PREY, {"size": size}, "steps", COMMNET, steps) for size, steps in {5: 9.1, 10: 13.1, 20: 76.5}.items()),
    Published(PREY, {"size": 20}, "steps", "TarMAC + IC3Net (Das et al. 2019)", 35.57),
    Published(SPEAKER, {}, "reward", SCRIPT, None),
    Published(REFERENCE, {}, "reward", SCRIPT, None),
)
DIAL = (3, 0.7407407407407407)
"""Prisoners, and the value that Foerster et al. (2016) report: the ceiling."""


def study(seeds: Sequence[int], folder: Path, tell: Tell, results: Path = RESULTS) -> Study:
    return Study(
        "Standard benchmarks: ours beside what was published",
        ["setting", "results", "bits a message", "seeds", "env steps", "measure", "ours", "published", "method", "short"],
        [*_rows(results), *_riddle(results)],
        [
            "Ours: medians over seeds (least to most), read from the results' files, of deployed teams that exchange so many "
            "bits. Published messages are vectors of floats, of every agent to every other. Vision 0 on the junction, at the "
            "maximum add rate.",
            "Short: by how much the median misses the published figure; of settings without results, nothing was recorded. "
            "Results of fewer bits than there are goals or cells show what bits buy.",
            "Where no figure is published in the game's own measure, the script's stands there, which a perfect speaker "
            "allows. A rerun of IC3Net with 5 seeds on the 20x20 grid got 75.31 steps, not 52.4.",
        ],
    )


def _rows(results: Path) -> Iterator[list[Cell]]:
    kinds = {"recipe": dict, "summary": dict, "points": list}
    pages = {path.parent.name: read_json(path, kinds) or {} for path in sorted(results.glob("*/results.json"))}
    for one in PUBLISHED:
        ours = [
            (name, page, options)
            for name, page in pages.items()
            if page["recipe"]["id"] == one.id and one.matches(options := choose(rules(one.id), page["recipe"]["options"]))
        ]
        for name, page, options in ours:
            values = [point[one.measure] for point in page["points"]]
            figure = page["points"][0]["reachable"] if one.figure is None else one.figure
            bits = page["recipe"]["communication"].get("bits", options.link.rate)
            yield [
                one.setting,
                name,
                round(bits, 2),
                len(values),
                page["recipe"]["total_steps"],
                one.measure,
                spread(values),
                round(figure, 4),
                one.method,
                one.short(page["summary"][one.measure]["median"], figure),
            ]
        if not ours:
            yield [one.setting, None, None, None, None, one.measure, None, one.figure, one.method, "not recorded"]


def _riddle(results: Path) -> Iterator[list[Cell]]:
    """The riddle is a study of its own, whose cells are spreads."""
    page = read_json(results / "riddle" / "study.json", STUDY)
    prisoners, figure = DIAL
    for row in page["rows"] if page else ():
        said = dict(zip(page["columns"], row, strict=True)) if page else {}
        if said["prisoners"] == prisoners:
            setting = f"switch_riddle, {prisoners} prisoners, {said['codes side by side']} codes"
            median = float(str(said["value"]).split()[0])
            short = Published(RIDDLE, {}, "reward", "", figure).short(median, round(figure, 4))
            method = "DIAL (Foerster et al. 2016)"
            cells = [said["value"], round(figure, 4), method, short]
            yield [setting, "riddle", 1, said["seeds"], said["env steps"], "reward", *cells]
