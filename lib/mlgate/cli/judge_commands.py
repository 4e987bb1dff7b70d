"""`mlgate judge` and `mlgate count`: their options, and what they do."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mlgate.cli import asked_options, results_options
from mlgate.cli.commands import EXIT, FAIL_ON, say
from mlgate.root import METRICS, write_atomically

if TYPE_CHECKING:
    from mlgate.answers import Columns
    from mlgate.cli.parser import Commands
    from mlgate.gate import Verdict


POSITIVE = "the label whose probability the scores are, for auc, log_loss and brier (default: 1 or true)"
CLUSTERS = "rows that belong together and count as one: of one user, document or prompt"


def add(added: "Commands") -> None:
    """Add `mlgate judge` and `mlgate count`."""
    help = "compare two models on your own rows: no notebook, no card, no ledger"
    judge = added.add("judge", judge_command, help)
    judge.add_argument("--production", metavar="A.pkl", type=Path, help="a fitted scikit-learn Pipeline")
    judge.add_argument("--candidate", metavar="B.pkl", type=Path, help="the one that wants to replace it")
    judge.add_argument(
        "--data", metavar="rows.csv", type=Path, help="labelled texts, or a table: a file, folder or pattern"
    )
    help = "with a table: its columns (default: those that the models were fitted on)"
    judge.add_argument("--features", metavar="a,b,c", help=help)
    asked_options.add(judge)
    help = "have the workers of this Dask cluster ask the models, or count, file by file"
    judge.add_argument("--dask", metavar="ADDRESS", help=help)
    help = "instead: labels beside both models' answers: files, folders, patterns, URLs, or - (standard input)"
    judge.add_argument("--answers", metavar="rows.csv", type=Path, nargs="+", help=help)
    judge.add_argument("--production-column", metavar="NAME", help="with --answers: production's answers")
    judge.add_argument("--candidate-column", metavar="NAME", help="with --answers: the candidate's answers")
    help = "with --answers, instead of labels and answers: columns that say whether each model was right"
    judge.add_argument("--right-columns", metavar=("A", "B"), nargs=2, help=help)
    judge.add_argument(
        "--cards", metavar="card.json", type=Path, nargs="+", help="instead: what `mlgate count` counted"
    )
    help = "instead: a line for each combination of label and answers, and in a column n how many rows have it"
    judge.add_argument("--counts", metavar="counts.csv", type=Path, help=help)
    help = "instead: ids, labels and production's answers"
    judge.add_argument("--production-answers", metavar="A.csv", type=Path, help=help)
    judge.add_argument("--candidate-answers", metavar="B.csv", type=Path, help="ids and the candidate's answers")
    judge.add_argument(
        "--id-column", metavar="NAME", help="what joins these two (default: id); with --answers: names each row"
    )
    judge.add_argument("--answer-column", metavar="NAME", help="where their answers are (default: answer)")
    results_options.add(judge)
    add_columns(judge)
    judge.add_argument("--cluster-column", metavar="NAME", help=CLUSTERS)
    judge.add_argument("--policy", metavar="gate.toml", type=Path, help="what to demand (default: no floors)")
    judge.add_argument("--metric", choices=METRICS, help="what decides (default: gate.toml's, else accuracy)")
    judge.add_argument("--positive", metavar="LABEL", help=POSITIVE)
    judge.add_argument("--json", metavar="verdict.json", type=Path, help="write the verdict there")
    judge.add_argument("--markdown", metavar="verdict.md", type=Path, help="and there, for people")
    judge.add_argument("--junit", metavar="verdict.xml", type=Path, help="and there, for what shows tests")
    judge.add_argument("--metrics", metavar="metrics.txt", type=Path, help="and there, as OpenMetrics")
    help = "exit 0 on every other decision (default: 3 on HOLD, 4 on REJECT)"
    judge.add_argument("--fail-on", choices=tuple(FAIL_ON), help=help)
    _add_count(added)


def _add_count(added: "Commands") -> None:
    help = "count a part of the answers, where it is: cards of parts are judged as one"
    count = added.add("count", count_command, help)
    count.add_argument("answers", metavar="rows.csv", type=Path, nargs="+", help="labels beside both models' answers")
    count.add_argument("--label-column", metavar="NAME", default="label")
    count.add_argument("--production-column", metavar="NAME", required=True)
    count.add_argument("--candidate-column", metavar="NAME", required=True)
    count.add_argument("--slice-column", metavar="NAME", help="a part of the traffic to guard on its own")
    count.add_argument("--cluster-column", metavar="NAME", help=CLUSTERS)
    count.add_argument("--metric", choices=METRICS, help="where answers are numbers: what they will be judged by")
    count.add_argument("--positive", metavar="LABEL", help=POSITIVE)
    count.add_argument("--out", metavar="card.json", type=Path, required=True, help="write the card there")


def add_columns(parser: ArgumentParser) -> None:
    """Add the columns of a file of labelled rows."""
    parser.add_argument("--text-column", metavar="NAME", default="text")
    parser.add_argument("--label-column", metavar="NAME", default="label")
    parser.add_argument("--slice-column", metavar="NAME", help="a part of the traffic to guard on its own")


def judge_command(options: Namespace) -> int:
    from mlgate.reporting import exchange, report

    with _at_hand(options):
        verdict = _judged(options)
    if options.json:
        report.write(options.json, verdict)
    for path, form in (
        (options.markdown, report.markdown),
        (options.junit, exchange.junit),
        (options.metrics, exchange.openmetrics),
    ):
        if path:
            write_atomically(path, form(verdict).encode())
    say(verdict)
    if options.fail_on and verdict.decision not in FAIL_ON[options.fail_on]:
        return 0
    return EXIT[verdict.decision]


FILES = ("answers", "cards", "counts", "data", "production_answers", "candidate_answers")


@contextmanager
def _at_hand(options: Namespace) -> Iterator[None]:
    """Have what is named as `-` or as a URL copied to this machine meanwhile, and the copies named in its place."""
    from mlgate.corpus.fetching import fetched

    with fetched() as fetcher:
        for name in FILES:
            named = getattr(options, name, None)
            if isinstance(named, list):
                setattr(options, name, [fetcher.local(path) for path in named])
            elif named is not None:
                setattr(options, name, fetcher.local(named))
        yield


def _judged(options: Namespace) -> "Verdict":
    """Return the verdict on what was named: answers in one file, in two, or two models and rows."""
    from mlgate import judge_files, judge_parts
    from mlgate.answers import Pair
    from mlgate.corpus import Source

    way = _way(options)
    if way in ("answers", "right"):
        columns = _columns(options)
        if options.dask:
            return judge_parts.judge_answers(
                options.answers, columns, options.dask, policy=options.policy, metric=options.metric
            )
        return judge_files.judge_answers(
            options.answers,
            label=columns.label,
            production=columns.production,
            candidate=columns.candidate,
            slices=columns.slice,
            policy=options.policy,
            metric=options.metric,
            clusters=columns.cluster,
            id=columns.id,
            pass_from=options.pass_from,
            positive=options.positive,
        )
    if way == "results":
        reading = results_options.reading(options)
        both = (options.production_answers, options.candidate_answers)
        return judge_files.judge_results(*both, reading, policy=options.policy, metric=options.metric)
    if way == "joined":
        pair = Pair(
            options.production_answers,
            options.candidate_answers,
            id=options.id_column or "id",
            answer=options.answer_column or "answer",
            label=options.label_column,
            slice=options.slice_column,
            cluster=options.cluster_column,
        )
        return judge_files.judge_joined(pair, options.policy, options.metric, options.positive)
    if way == "cards":
        return judge_files.judge_cards(options.cards, options.policy, options.metric)
    if way == "counts":
        return judge_files.judge_counts(options.counts, _columns(options), options.policy, options.metric)
    features = tuple(options.features.split(",")) if options.features else ()
    source = Source(options.data, options.text_column, options.label_column, options.slice_column, features)
    if way == "asked":
        production, candidate = (asked_options.asked(options, side) for side in asked_options.SIDES)
        return judge_files.judge_asked(
            production, candidate, source, policy=options.policy, metric=options.metric, positive=options.positive
        )
    return judge_parts.judge_models(
        options.production,
        options.candidate,
        source,
        address=options.dask,
        policy=options.policy,
        metric=options.metric,
        positive=options.positive,
    )


WAYS = {  # to name what is judged: the options of each, of which those in brackets may be left out
    "models": ("production", "candidate", "data", "[features]", "[dask]"),
    "answers": ("answers", "production_column", "candidate_column", "[cluster_column]", "[id_column]", "[dask]"),
    "right": ("answers", "right_columns", "[cluster_column]", "[id_column]", "[pass_from]"),
    "cards": ("cards",),
    "counts": ("counts", "production_column", "candidate_column", "[cluster_column]"),
    "asked": (
        "data",
        *(f"[{name}]" for name in (*asked_options.REMOTE, *asked_options.MANNERS)),
        *("[production_column]", "[candidate_column]", "[features]"),
    ),
    "results": ("production_answers", "candidate_answers", "[format]", "[score]", "[pass_from]"),
    "joined": ("production_answers", "candidate_answers", "[id_column]", "[answer_column]", "[cluster_column]"),
}


def _way(options: Namespace) -> str:
    """Return which of WAYS was gone. One of them, whole, and no mixture: else it is wrong usage."""
    way = "models"
    for name in ("answers", "cards", "counts"):
        if getattr(options, name):
            way = name
    if options.answers and options.right_columns:
        way = "right"
    if options.production_answers or options.candidate_answers:
        way = "results" if results_options.meant(options) else "joined"
    if any(getattr(options, name) for name in asked_options.REMOTE):
        way = "asked"
    own = {name.strip("[]") for name in WAYS[way]}
    others = [name.strip("[]") for names in WAYS.values() for name in names if name.strip("[]") not in own]
    needed = [name for name in WAYS[way] if name in own]
    wrong = [f"{_option(name)} is missing" for name in needed if getattr(options, name) is None]
    if way == "cards":
        others += ["slice_column", "positive"]  # a card knows its own
    wrong += [f"{_option(name)} does not go with it" for name in others if getattr(options, name) is not None]
    if wrong:
        options.usage(
            "judge takes --production, --candidate and --data, or --answers or --counts with its columns, or --cards,"
            " or --production-answers and --candidate-answers, or --data with a command or URL for each model:"
            f" {wrong[0]}"
        )
    return way


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _columns(options: Namespace) -> "Columns":
    from mlgate.answers import RIGHT, Columns

    named = (options.label_column, options.production_column, options.candidate_column)
    if getattr(options, "right_columns", None):
        named = (RIGHT, *options.right_columns)
    return Columns(
        *named,
        slice=options.slice_column,
        cluster=options.cluster_column,
        id=getattr(options, "id_column", None),
    )


def count_command(options: Namespace) -> int:
    from mlgate.answers import count

    card = count(options.answers, _columns(options), options.metric or "accuracy", options.positive)
    write_atomically(options.out, card)
    print(f"Counted. Judge it, alone or with others: mlgate judge --cards {options.out}")
    return 0
