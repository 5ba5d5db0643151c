"""A picture of one step: the agents, who may act, and what each link has just delivered."""

import math
import textwrap
from collections.abc import Collection, Sequence

import numpy as np

_BEND = 0.16
_LOOP = -1.6
"""Bend of the arrow by which an agent speaks to itself: it stands outside of the ring."""
_POINTS = 122.0
"""Points of paper a unit of the drawing, for circles are measured in points and places in units."""
_INK = {"silence": "#8a8f98", "erased": "#c0392b"}
_SPOKEN, _QUIET = "#1f5fbf", "#d9dce1"
_CROWD = 60
"""Links beyond which words on them would cover each other: then only colours tell."""


def picture(
    names: Sequence[str],
    links: Collection[tuple[str, str]],
    delivered: Collection[tuple[str, str, str]],
    active: Collection[str],
    lines: Sequence[str],
) -> np.ndarray:
    """RGB array (560, 720, 3) of uint8.

    links: (source, target), grey until they deliver. delivered: (source, target, symbol, `silence` or `erased`); where the
    source is none of the agents, for they are anonymous, it is written beside the target. active: who acts next, dark.
    lines: what stands below. Agents stand on a ring, in their order; a link of one with itself is a loop outside.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyArrowPatch

    figure = Figure(figsize=(7.2, 5.6), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.02, 0.16, 0.96, 0.82))
    axes.set(xlim=(-1.75, 1.75), ylim=(-1.35, 1.35), aspect="equal")
    axes.axis("off")
    turn = math.pi if len(names) < 3 else math.pi / 2
    angles = [turn - 2 * math.pi * k / len(names) for k in range(len(names))]
    looped = any(source == target for source, target in links)
    ring = 0.75 if looped else 1.05  # loops and names need room outside
    place = {name: (ring * math.cos(angle), ring * math.sin(angle)) for name, angle in zip(names, angles, strict=True)}
    said = {(source, target): what for source, target, what in delivered if source in place}
    radius = max(5.0, 26.0 - len(names) / 2)
    edge = radius / _POINTS
    for link in sorted(links, key=lambda link: link in said):  # what was said lies on top
        what = said.get(link)
        ink = _QUIET if what is None else _INK.get(what, _SPOKEN)
        (x, y), (u, v), bend, t, gap = place[link[0]], place[link[1]], _BEND, 0.42, radius
        if link[0] == link[1]:
            angle = angles[names.index(link[0])]
            (x, y), (u, v) = ((x + edge * math.cos(angle + s), y + edge * math.sin(angle + s)) for s in (0.5, -0.5))
            bend, t, gap = _LOOP, 0.5, 0.0
        axes.add_patch(
            FancyArrowPatch(
                (x, y),
                (u, v),
                arrowstyle="-|>",
                mutation_scale=14,
                connectionstyle=f"arc3,rad={bend}",
                shrinkA=gap,
                shrinkB=gap,
                color=ink,
                linewidth=1 if what is None else 2,
                linestyle="--" if what in _INK else "-",
            )
        )
        if what is not None and len(said) <= _CROWD:  # on the curve, a quadratic Bézier whose middle point is bent off
            across, along = (x + u) / 2 + bend * (v - y), (y + v) / 2 - bend * (u - x)
            s = 1 - t
            spot = s * s * x + 2 * s * t * across + t * t * u, s * s * y + 2 * s * t * along + t * t * v
            frame = {"boxstyle": "round,pad=.2", "facecolor": "white", "edgecolor": ink}
            axes.text(*spot, textwrap.fill(what, 18), color=ink, fontsize=9, ha="center", va="center", bbox=frame)
    away = (2.0 if looped else 1.0) * radius + 3
    for name, angle in zip(names, angles, strict=True):
        acts = name in active
        axes.plot(
            *place[name],
            marker="o",
            markersize=2 * radius * 0.85,
            markerfacecolor="#263238" if acts else "#eceff1",
            markeredgecolor="#263238",
        )
        heard = ", ".join(what for source, target, what in delivered if target == name and source not in place)
        x, y = math.cos(angle), math.sin(angle)
        axes.annotate(
            f"{name}\nheard {heard}" if heard else name,
            place[name],
            (away * x, away * y),
            textcoords="offset points",
            ha="left" if x > 0.3 else "right" if x < -0.3 else "center",  # away from the circle, on every side of it
            va="bottom" if y > 0.3 else "top" if y < -0.3 else "center",
            fontsize=9 if len(names) < 17 else 6,
        )
    figure.text(0.01, 0.99, "dark: acts next", ha="left", va="top", fontsize=8, color=_INK["silence"])
    wrapped = [part for line in lines for part in textwrap.wrap(line, 100)][:5]
    figure.text(0.5, 0.14, "\n".join(wrapped), ha="center", va="top", fontsize=9)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
