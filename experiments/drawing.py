"""Pictures of what a team says: who talks to whom, what the symbols mean, and an episode that moves."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.comparisons import teams
from experiments.files import Tell, not_a_file, silent, write, write_json
from experiments.watching import STATES, Watched, watch

if TYPE_CHECKING:
    from agents import TalkingTeam, Team

LABELLED = 24
"""Links beyond which their figures would cover each other: then only colours tell."""
TABLES = 6
"""Tables of meanings in a figure; of more speakers the first."""
MILLISECONDS = 900
"""How long a step of the episode stands."""
INK = "#555555"


def draw(team: "Team | TalkingTeam", folder: Path, tell: Tell = silent) -> list[Path]:
    """Watch a team and write talk.json, talk.png, meanings.png and episode.gif into the folder; what does not apply is left out.

    talk.json holds the numbers of both figures, and notes on what is missing. Old pictures of the same names go.
    """
    watched = watch(team, tell)
    for name in ("talk.png", "meanings.png"):
        (folder / name).unlink(missing_ok=True)
    page = {"id": team.id, **watched.as_dict()}
    write_json(folder / "talk.json", page)
    paths = [folder / "talk.json"]
    figures = {"talk.png": graph(watched, team.id), "meanings.png": meanings(watched, team.id)}
    for name, figure in figures.items():
        if figure is not None:
            write(folder / name, lambda aside, figure=figure: figure.savefig(aside, format="png", dpi=150))
            paths.append(folder / name)
    write(folder / "episode.gif", lambda aside: animate(watched, aside, tell))
    return [*paths, folder / "episode.gif"]


def draw_teams(folder: Path, out: Path | None = None, tell: Tell = silent) -> list[Path]:
    """`draw` for each team of a folder: into its own folder, or under `out` by its name there. Raises FileNotFoundError where
    there is no team."""
    made = []
    for name, team in teams(folder).items():
        alone = (folder / "team.json").is_file()
        where = (out or folder) if alone else (out or folder) / name
        not_a_file(where)
        made += draw(team, where, tell)
    return made


def graph(watched: Watched, title: str) -> Any:
    """A matplotlib Figure of who talks to whom: an arrow from speaker to listener, with the bits it carries a game. None where
    nobody says anything."""
    import networkx
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize
    from matplotlib.figure import Figure

    net = networkx.DiGraph()
    net.add_nodes_from(watched.names)
    names = watched.names
    for i, j in zip(*np.nonzero(watched.bits), strict=True):
        net.add_edge(names[i], names[j], bits=float(watched.bits[i, j]))
    if not net.edges:
        return None
    figure = Figure(figsize=(7.2, 6.0 if len(names) > 2 else 3.0), layout="constrained")
    axes = figure.subplots()
    place = networkx.circular_layout(net) if len(names) > 2 else {names[0]: (-1, 0), names[-1]: (1, 0)}
    weights = [net.edges[edge]["bits"] for edge in net.edges]
    scale = Normalize(0, max(weights))
    colours = LinearSegmentedColormap.from_list("bits", ["#c9d8ec", "#1f5fa8", "#0b2545"])
    bend = {"connectionstyle": "arc3,rad=0.15"}
    size = 900 if len(names) <= 8 else 350
    networkx.draw_networkx_nodes(net, place, ax=axes, node_color="#263238", node_size=size)
    networkx.draw_networkx_edges(
        net,
        place,
        ax=axes,
        node_size=size,
        edge_color=weights,
        edge_cmap=colours,
        edge_vmin=0,
        edge_vmax=max(weights),
        width=[0.8 + 2.4 * w / max(weights) for w in weights],
        arrowsize=14,
        **bend,
    )
    if len(net.edges) <= LABELLED:
        told = {edge: f"{net.edges[edge]['bits']:.3g}" for edge in net.edges}
        networkx.draw_networkx_edge_labels(net, place, told, ax=axes, font_size=8, label_pos=0.4, rotate=False, **bend)
    for name, (x, y) in place.items():  # outside of the ring, where no arrow is
        away = 1.22 if len(names) > 2 else 1.0
        down = 0.0 if len(names) > 2 else -0.32
        axes.text(away * x, away * y + down, name, ha="center", va="center", fontsize=9, color=INK)
    axes.set(xlim=(-1.5, 1.5), ylim=(-1.35, 1.35) if len(names) > 2 else (-0.6, 0.6))
    axes.axis("off")
    figure.colorbar(ScalarMappable(scale, colours), ax=axes, shrink=0.6, label="bits a game")
    control = f", and {watched.control_bits:.3g} bits a game to schedule them" if watched.control_bits else ""
    axes.set_title(f"{title}: who talks to whom\n{watched.bits.sum():.4g} bits heard a game{control}", fontsize=10, loc="left")
    return figure


def meanings(watched: Watched, title: str) -> Any:
    """A matplotlib Figure of symbols against states: the share of each symbol in each state. None where there is no table."""
    from matplotlib.figure import Figure

    shown = watched.meanings[:TABLES]
    if not shown:
        return None
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    widest = max(len(m.symbols) for m in shown)
    highest = max(len(m.states) for m in shown)
    width, height = 1.6 + 0.34 * max(widest, 6), 1.7 + 0.24 * max(highest, 6)
    figure = Figure(figsize=(max(4.8, columns * width), rows * height + 0.4), layout="constrained")
    image = None
    for m, axes in zip(shown, figure.subplots(rows, columns, squeeze=False).ravel(), strict=False):
        share = m.counts / m.counts.sum(1, keepdims=True)
        image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.set_xticks(range(len(m.symbols)), [str(s) for s in m.symbols], fontsize=7, rotation=90 if widest > 12 else 0)
        axes.set_yticks(range(len(m.states)), [" ".join(map(str, state)) for state in m.states], fontsize=7)
        axes.set_xlabel("symbol", fontsize=8)
        axes.set_ylabel(", ".join(m.about), fontsize=8)
        again = f", round {m.round}" if any(other.round > 1 for other in watched.meanings) else ""
        axes.set_title(f"{m.speaker}{again}: tells {m.bits:.2f} bits", fontsize=9)
        if m.counts.size <= STATES:
            for (y, x), value in np.ndenumerate(share):
                if value:
                    axes.text(x, y, f"{value:.2f}", ha="center", va="center", fontsize=6, color="white" if value > 0.6 else INK)
    for axes in figure.axes[len(shown) :]:
        axes.axis("off")
    figure.colorbar(image, ax=figure.axes, label="share of the symbol in the state", shrink=0.8)
    left_out = f" (the first {TABLES} of {len(watched.meanings)})" if len(watched.meanings) > TABLES else ""
    figure.suptitle(f"{title}: what messages mean{left_out}", fontsize=10, x=0.02, ha="left")
    return figure


def animate(watched: Watched, path: Path, tell: Tell = silent) -> None:
    """An episode of game 0 as a GIF, a step a frame: what has been said, where everybody is, what they then do."""
    from PIL import Image

    from commenv.interfaces.picture import picture

    drawn = []
    for k, frame in enumerate(watched.frames):
        tell(k, len(watched.frames), "drawing the episode")
        pixels = picture(watched.names, watched.links, frame.delivered, frame.active, frame.lines)
        drawn.append(Image.fromarray(pixels).quantize(64))
    drawn[0].save(path, format="GIF", save_all=True, append_images=drawn[1:], duration=MILLISECONDS, loop=0)
