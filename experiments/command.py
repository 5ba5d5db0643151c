"""The `commenv` command. Each command is a typed function whose docstring is its help; what it needs is imported when it runs."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.screen import (
    cross_tables,
    evaluation_tables,
    frontier_tables,
    limits_table,
    progress,
    rank_tables,
    refusals,
    repeats_table,
    run_table,
    show,
    study_table,
    table,
    waiting,
)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Id = Annotated[str, typer.Argument(metavar="ID", help="A game: see `commenv list`.")]
Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KEY=VALUE",
        help="The game's options: states=6 reward=ordered prior=[.5,.3,.2] channel.error=.05. Values are JSON or plain words.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Pure JSON on stdout; progress goes to stderr.")]
Learn = Annotated[
    str,
    typer.Option(
        help="`differentiable`: gradients pass through the channel. `marginal`: the same where all act at once. "
        "`independent`: messages are actions."
    ),
]
Steps = Annotated[int | None, typer.Option(help="Environment steps to train for; the agents' own default if not given.")]


def _version(asked: bool) -> None:
    if asked:
        from experiments.files import versions

        print(f"commenv {versions()['commenv']}", flush=True)
        raise typer.Exit


def _stopped(folder: Path) -> str:
    from experiments.runs import kept

    if kept(folder):
        return f"Stopped; the same command goes on with what is in {folder}."
    return "Stopped before anything was kept: the same command begins anew."


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is, and end.")
    ] = False,
) -> None:
    """How much reward does a bit of communication buy, how much could it buy at best, and which agents get there?

    First steps:

    - `commenv list`
    - `commenv limits messaging/referential-v0 bits=2`
    - `commenv frontier messaging/referential-v0 --bits 0,1,2,3`
    """


@app.command("list")
def list_games(as_json: Json = False) -> None:
    """The games, each in a line."""
    with refusals():
        import commenv

        games = [{"id": id, "title": commenv.page(id).partition("\n")[0]} for id in commenv.ids()]
        made = table("", "id", "what it is", left=2)
        for game in games:
            made.add_row(game["id"], game["title"])
        show(games, as_json, made)


@app.command()
def limits(id: Id, words: Words = None, as_json: Json = False) -> None:
    """What the best team could earn: silent, at this rate, and with any code.

    Examples:

    - `commenv limits messaging/referential-v0 bits=2`
    - `commenv limits messaging/referential-v0 reward=ordered channel.symbols=3 channel.error=.05`
    """
    with refusals():
        import commenv
        from experiments.options import parse

        asked = " ".join([id, *(words or [])])
        options = parse(words or [])
        with waiting(f"limits of {asked}"):
            found = commenv.limits(id, **options).as_dict()
        show(found, as_json, limits_table(asked, found))


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="Folder of this run; one that was interrupted continues.")],
    id: Annotated[str | None, typer.Argument(metavar="ID", help="A game: see `commenv list`. Not with --recipe.")] = None,
    words: Words = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same team.")] = 0,
    learn: Learn = "differentiable",
    steps: Steps = None,
    recipe: Annotated[str | None, typer.Option(metavar="NAME", help="A recorded recipe, instead of an ID.")] = None,
    bits: Annotated[int | None, typer.Option(help="Bits a message, of a recipe.")] = None,
    as_json: Json = False,
) -> None:
    """Train one team into a folder.

    Ctrl-C leaves a checkpoint, and the same command goes on from it. RLlib's checkpoints are pickles, which may execute anything
    when they are read: continue only runs that you trust.

    Examples:

    - `commenv train messaging/referential-v0 bits=2 --out runs/two-bits`
    - `commenv train messaging/referential-v0 bits=3 --learn independent --seed 7 --out runs/alone`
    - `commenv train --recipe traffic_junction-easy --bits 2 --out runs/junction`
    """
    with refusals(lambda: _stopped(out)):
        from experiments import recipes, runs
        from experiments.options import parse

        if recipe:
            chosen = recipes.recipe(recipe, seed, parse([id, *(words or [])] if id else []), bits, steps)
        elif id is None:
            raise ValueError("say what to train: an ID (see `commenv list`), or --recipe NAME")
        elif bits is not None:
            raise ValueError(f"--bits={bits} belongs to a recipe: of a game, write bits={bits}")
        else:
            chosen = runs.Recipe(id, parse(words or []), seed, learn, steps)
        with progress(f"training {recipe or chosen.id}") as (tell, _):
            page = runs.train(chosen, out, tell)
        show(page, as_json, run_table(page), f"the team is in {out}; next: commenv evaluate {out}")


@app.command()
def evaluate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A run, or a frontier with all its teams.")],
    channel: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=VALUE,...", help="Play over this channel as well; fields not said stay. May be repeated."),
    ] = None,
    cross: Annotated[
        Path | None, typer.Option(metavar="OTHER", help="Pair the speakers of DIR with the listeners of this folder.")
    ] = None,
    games: Annotated[int | None, typer.Option(help="Play so many games, even where an exact sum is possible.")] = None,
    change: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of the game other than in training. May be repeated.")
    ] = None,
    draw: Annotated[
        bool | None, typer.Option("--draw/--no-draw", help="Pictures of what a team says; by default of a single run alone.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the pictures; each team's own if not given.")] = None,
    as_json: Json = False,
) -> None:
    """What trained teams earn: exactly where possible, else over 1,000,000 games; and what they say.

    With other channels it is a train x test matrix; a channel may differ in noise and budget, not in its number of symbols.

    Pictures: talk.png, who talks to whom with bits on the edges; meanings.png, symbols against states; episode.gif, a game with
    its messages; and their numbers in talk.json.

    Examples:

    - `commenv evaluate runs/two-bits`
    - `commenv evaluate runs/two-bits --games 10000 --out pictures`
    - `commenv evaluate runs/prey --change sizes=[8,8]`
    - `commenv evaluate runs/two-bits --channel error=.1 --channel error=.05,erasure=.2`
    - `commenv evaluate runs/messaging-referential-v0 --cross runs/messaging-referential-v0`
    """
    with refusals():
        from experiments.options import parse

        if (channel or change) and cross:
            raise ValueError(f"--{'channel' if channel else 'change'} and --cross are two questions: ask them one at a time")
        channels = [parse(one.split(",")) for one in channel or []]
        with progress("loading") as (tell, _):
            from experiments import comparisons

            page: dict[str, Any]
            if cross:
                page = comparisons.cross(folder, cross, games, tell)
            else:
                page = comparisons.over_channels(folder, channels, games, tell, parse(change or []))
                single = (folder / "team.json").is_file() and not (channels or change)
                if draw or (draw is None and single):
                    from experiments.drawing import draw_teams

                    page["pictures"] = [str(path) for path in draw_teams(folder, out, tell)]
        shown = cross_tables(page) if cross else evaluation_tables(page)
        show(page, as_json, *shown, *page.get("pictures", []))


@app.command()
def frontier(
    id: Annotated[str | None, typer.Argument(metavar="ID", help="A game: see `commenv list`. Not with --recipe.")] = None,
    words: Words = None,
    bits: Annotated[str, typer.Option(help="Rates, in bits a message.")] = "0,1,2,3",
    seeds: Annotated[str, typer.Option(help="A count (5: seeds 0 to 4) or a list (`3,7`; `3,` is seed 3 alone).")] = "3",
    out: Annotated[Path | None, typer.Option(help="Folder; `runs/` and the game's name if not given.")] = None,
    learn: Learn = "differentiable",
    steps: Steps = None,
    recipe: Annotated[str | None, typer.Option(metavar="NAME", help="A recorded recipe, instead of an ID.")] = None,
    axis: Annotated[
        str, typer.Option(help="Of the figure: `capacity`, `payload` or `entropy`, each with its own limits.")
    ] = "capacity",
    as_json: Json = False,
) -> None:
    """Train teams at every rate, and draw what they earn beside the limits.

    Writes frontier.json, frontier.png and a folder for each team. Started again on the same folder it does only what is missing.

    Examples:

    - `commenv frontier messaging/referential-v0 --bits 0,1,2,3 --seeds 5`
    - `commenv frontier messaging/referential-v0 reward=ordered --bits 1,2 --out runs/ordered`
    - `commenv frontier messaging/referential-v0 --axis entropy`
    - `commenv frontier --recipe traffic_junction-easy --bits 1,2,4`
    - `commenv frontier coding/code_maze-v0`, whose frontier is its study's: exact agents, over temperatures and rates
    """
    from experiments.studies import FRONTIERS

    if id in FRONTIERS and not words and not recipe:
        return study(FRONTIERS[id], seeds, out, as_json)
    folder = out or Path("runs") / (recipe or id or "").replace("/", "-")
    with refusals(lambda: _stopped(folder)):
        from commenv.core.errors import bad
        from experiments import frontier as frontiers
        from experiments import recipes, runs
        from experiments.figure import AXES, draw, title
        from experiments.options import parse, rates
        from experiments.options import seeds as seeds_of

        if recipe:
            asked = recipes.recipe(recipe, 0, parse([id, *(words or [])] if id else []), None, steps)
        elif id is None:
            raise ValueError("say what to train: an ID (see `commenv list`), or --recipe NAME")
        else:
            asked = runs.Recipe(id, parse(words or []), 0, learn, steps)
        which = rates(bits), seeds_of(seeds)
        if axis not in AXES:
            raise bad("axis", axis, f"one of {', '.join(AXES)}")
        with progress(f"frontier of {recipe or id}") as (tell, say):
            page = frontiers.run(asked, *which, folder, tell, lambda point: say(frontiers.line(point)))
            tell(1, 1, "drawing")
            drawn = draw(page, folder, axis)
        tables = frontier_tables(title(page), frontiers.summary(page), page["checks"])
        show(page, as_json, *tables, f"{folder / 'frontier.json'}, {drawn}")


@app.command("recipe")
def repeat(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A recorded recipe: see experiments/recipes.py.")],
    words: Words = None,
    seeds: Annotated[str, typer.Option(help="A count (5: seeds 0 to 4) or a list (`3,7`; `3,` is seed 3 alone).")] = "5",
    out: Annotated[Path | None, typer.Option(help="Folder; `runs/` and the recipe's name if not given.")] = None,
    bits: Annotated[int | None, typer.Option(help="Bits a message.")] = None,
    steps: Steps = None,
    games: Annotated[int | None, typer.Option(help="Games of each evaluation.")] = None,
    as_json: Json = False,
) -> None:
    """Train and evaluate a recorded recipe with several seeds and draw how they learned; started again it does what is missing.

    Examples:

    - `commenv recipe speaker_listener --seeds 5`
    - `commenv recipe speaker_listener channel.symbols=2 --out runs/two-symbols`
    """
    folder = out or Path("runs") / name
    with refusals(lambda: _stopped(folder)):
        from experiments import learning, recipes, repeats
        from experiments.options import parse
        from experiments.options import seeds as seeds_of

        chosen = recipes.recipe(name, 0, parse(words or []), bits, steps)
        with progress(f"recipe {name}") as (tell, say):
            page = repeats.run(chosen, seeds_of(seeds), folder, games, tell, lambda point: say(repeats.line(point)))
            made = [str(folder / "results.json"), *map(str, learning.draw(folder, name))]
        show(page, as_json, repeats_table(f"{name}: {chosen.id}", page), *made)


@app.command()
def rank(
    places: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Folders with teams, or module:callable that makes one; of one game.")
    ],
    matches: Annotated[
        str,
        typer.Option(help="`partners`: speakers with each other's listeners. `rivals`: the higher return on the same seed wins."),
    ] = "partners",
    alpha: Annotated[float, typer.Option(help="Intensity of selection; infinite: only better and worse count.")] = float("inf"),
    population: Annotated[int, typer.Option(help="Individuals in each population.")] = 50,
    noise: Annotated[float, typer.Option(help="Where alpha is infinite: how often the worse takes over.")] = 0.01,
    delta: Annotated[float, typer.Option(help="Probability that any comparison that is called sure is wrong.")] = 0.1,
    games: Annotated[int, typer.Option(help="Games of each team or pair, at most.")] = 10_000,
    scale: Annotated[
        str | None, typer.Option(metavar="LOW,HIGH", help="Least and largest return of a game, for partners who are played.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of rank.json and rank.png.")] = Path("runs/rank"),
    as_json: Json = False,
) -> None:
    """Rank teams by alpha-Rank: how much of the time evolving populations of them would spend with each.

    Examples:

    - `commenv rank runs/messaging-referential-v0/bits=2/seed=0 runs/messaging-referential-v0/bits=2/seed=1`
    - `commenv rank runs/junction --matches rivals`
    """
    with refusals():
        from experiments import rank as ranks
        from experiments.options import span

        with progress("ranking") as (tell, _):
            found = ranks.contestants(places)
            chain = {"alpha": alpha, "population": population, "noise": noise}
            played = {"delta": delta, "games": games, "scale": span(scale) if scale else None}
            page = ranks.rank(found, matches, out, tell, **played, **chain)
        show(page, as_json, *rank_tables(page), f"{out / 'rank.json'}, {out / 'rank.png'}")


@app.command()
def study(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A study; without one, all are listed.")] = None,
    seeds: Annotated[str, typer.Option(help="A count (5: seeds 0 to 4) or a list (`3,7`; `3,` is seed 3 alone).")] = "5",
    out: Annotated[Path | None, typer.Option(help="Folder; `runs/` and the study's name if not given.")] = None,
    as_json: Json = False,
) -> None:
    """A question that is neither a frontier nor a recipe: a table, made by one command, with its figures in a folder.

    Examples:

    - `commenv study`
    """
    folder = out or Path("runs") / (name or "")
    with refusals():
        from experiments import studies
        from experiments.options import seeds as seeds_of

        if name is None:
            made, rows = table("", "study", "what it asks", left=2), {one: studies.asks(one) for one in studies.names()}
            for row in rows.items():
                made.add_row(*row)
            return show(rows, as_json, made)
        with progress(f"study {name}") as (tell, _):
            page = studies.run(name, seeds_of(seeds), folder, tell)
        show(page, as_json, study_table(page), *page["notes"], str(folder / "study.json"))


@app.command()
def report(
    results: Annotated[Path | None, typer.Argument(metavar="DIR", help="Folder of results; our own if not given.")] = None,
    as_json: Json = False,
) -> None:
    """One page, README.md in the folder, of all results in it: frontiers, recipes over seeds, studies."""
    with refusals():
        from experiments import report as reports

        path = reports.report(results or reports.RESULTS)
        show({"page": str(path)}, as_json, str(path))


@app.command()
def wire(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A run, whose team talks over a graph.")],
    games: Annotated[int, typer.Option(help="Games to play both ways.")] = 3,
    seed: Annotated[int, typer.Option(help="Of the games.")] = 0,
    as_json: Json = False,
) -> None:
    """Does a team play the same when its agents share nothing but bytes? Exit code 1 if it does not.

    Each agent is a process of its own, with its own networks alone; they exchange their messages over sockets on this machine,
    and every action and bit is held against those of the team in one place.

    Examples:

    - `commenv wire runs/junction`
    """
    with refusals():
        from agents import load
        from experiments.over_wire import compare, passed

        with progress(f"wire test of {folder}") as (tell, _):
            page = compare(load(folder), games, seed=seed, tell=tell)
        made = table(f"{page['id']}: {page['processes']} processes, {page['games']} games, {page['steps']} steps", "", "")
        for key in list(page)[4:]:
            made.add_row(key.replace("_", " "), f"{page[key]:,.10g}")
        same = passed(page)
        show({**page, "passed": same}, as_json, made, "the same actions, and bits" if same else "NOT THE SAME")
    if not same:
        raise typer.Exit(1)


@app.command()
def audit(
    what: Annotated[str, typer.Argument(metavar="ID|MODULE:CALLABLE", help="A game, or what makes a PettingZoo ParallelEnv.")],
    words: Words = None,
    strict: Annotated[
        bool, typer.Option(help="State that shows where acts do, or that several agents see, is a leak, too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Does anything reach an agent outside of the channel? Exit code 1 if it does.

    Games are played again with one message, act or private state changed, and what everybody else gets is compared bit for bit.
    Where agents see each other act, that is reported with its bits, and no leak.

    Examples:

    - `commenv audit messaging/referential-v0 bits=2`
    - `commenv audit mpe2.simple_reference_v3:parallel_env`
    """
    with refusals():
        from dataclasses import asdict

        from experiments.audit import audit_of
        from experiments.audit import table as audit_table
        from experiments.options import parse

        with waiting(f"audit of {what}"):
            found = audit_of(what, strict=strict, **parse(words or []))
        show({**asdict(found), "leaks": [asdict(leak) for leak in found.leaks]}, as_json, audit_table(what, found))
    if found.leaks:
        raise typer.Exit(1)


@app.command()
def bench(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="`simulation`: steps a second. `growth`: what one more agent costs. `sampling`: inside RLlib. "
            "`information`: estimates and limits. `training`: time until a team has learned.",
        ),
    ],
    seconds: Annotated[
        float | None, typer.Option(help="CPU time for each contender, 1 if not given; of `training` the most a run has, 120.")
    ] = None,
    game: Annotated[str | None, typer.Option(metavar="ID", help="Only this game, or task.")] = None,
    batch: Annotated[int | None, typer.Option(help="Only this many games at once.")] = None,
    seeds: Annotated[int | None, typer.Option(help="Of `training`, how many seeds; 5 if not given.")] = None,
    as_json: Json = False,
) -> None:
    """How fast, beside what you would otherwise take. The others come with the extra `[bench]`.

    Examples:

    - `commenv bench simulation --game classic/reference-v0 --batch 1024`
    - `commenv bench growth`
    - `commenv bench training --seeds 3`
    """
    result = None

    def stopped() -> str:
        return "Stopped; what was finished is shown." if result else "Stopped; nothing was finished, so there is nothing to show."

    with refusals(stopped):
        from inspect import signature

        from experiments.bench import BENCHES

        if name not in BENCHES:
            raise ValueError(f"unknown bench {name!r}; there are {', '.join(BENCHES)}")
        asked = {"game": game, "batch": batch, "seeds": seeds, "seconds": seconds}
        chosen = {option: value for option, value in asked.items() if value is not None}
        if foreign := sorted(set(chosen) - set(signature(BENCHES[name]).parameters)):
            raise ValueError(f"bench {name} has no choice of --{foreign[0]}")
        with progress(name) as (tell, _):
            result = BENCHES[name](progress=tell, **chosen)
        show(result.as_dict(), as_json, result.table())
        if result.interrupted:
            raise KeyboardInterrupt


def main() -> None:
    try:
        app()
    except KeyboardInterrupt:  # before a command had begun
        sys.exit(130)
