"""How a session stands, in words, for the one who runs it. Annotators do not read this: a lead that is seen steers."""

from mlgate.gate.planning import outlook
from mlgate.labelling.deciding import better, difference
from mlgate.labelling.standing import Noise, Standing

WIDTH = 61  # characters of the picture: odd, so that there is a middle


def status(standing: Standing) -> str:
    """Return how a session stands: what was labelled, where the lead is in its corridor, and what is to be expected."""
    line = standing.session.line
    walk = standing.walk
    lines = [
        f"Candidate {line['candidate'][:12]} against production {line['production'][:12]}",
        f"on {line['rows']['count']:,} rows of {line['name']}, {line['different']:,} answered differently.",
        "",
        f"{len(standing.outcomes):,} labels count, of {len(standing.given):,} there (at most {line['horizon']:,}).",
        better(standing, difference(standing)).reason + ".",
    ]
    if walk.label:
        lines += ["", *picture(standing)]
    lines += ["", *expected(standing), *slices(standing), *noise(standing.noise)]
    lines.append("Stop whenever you like: what is not decided is a HOLD, and production stays.")
    return "\n".join(lines)


def picture(standing: Standing) -> list[str]:
    """Return the lead in its corridor as a line of text, from REJECT to PROMOTE."""
    walk = standing.walk
    for_wins, for_losses = standing.session.rule.needed(walk.ties)
    decisive = walk.label - len(walk.ties)
    lead = walk.wins - walk.losses
    high = 2 * for_wins[walk.label - 1] - decisive  # the lead at which the wins would be enough
    low = decisive - 2 * for_losses[walk.label - 1]
    place = round((WIDTH - 1) * (lead - low) / max(1, high - low))
    track = ["·"] * WIDTH
    track[round((WIDTH - 1) * (0 - low) / max(1, high - low))] = "|"
    track[min(WIDTH - 1, max(0, place))] = "●"
    return [f"REJECT at {low:+d} {''.join(track)} PROMOTE at {high:+d}   (lead {lead:+d})"]


def expected(standing: Standing) -> list[str]:
    """Return the chance that it still gets decided, and after how many labels, if it goes on as it began."""
    walk = standing.walk
    if walk.status != "undecided" or standing.ended or walk.wins + walk.losses == 0:
        return []
    share = walk.wins / (walk.wins + walk.losses)
    found = outlook(standing.session.rule, share, walk.wins, walk.losses)
    return [
        f"If the candidate goes on winning {share:.0%}: PROMOTE with a probability of {found.promoted:.2f}, REJECT with"
        f" {found.rejected:.2f}, typically after {found.labels:,} labels in all."
    ]


def slices(standing: Standing) -> list[str]:
    """Return which slices have to be labelled first before a promotion."""
    if standing.walk.status != "pass":
        return []
    return [f"  slice {part.name}: {part.labelled:,} of {part.wanted:,} labels" for part in standing.slices]


def noise(found: Noise | None) -> list[str]:
    """Return what two people's labels say of the noise, and what it costs."""
    if found is None:
        return []
    low, high = found.interval
    return [
        f"Two people agree on {found.alike:,} of {found.rows:,} rows: about {found.errors:.0%} of labels are wrong"
        f" ({low:.0%} to {high:.0%}), so {found.factor:.2f} times as many are needed. It fools nobody, if errors favour"
        " neither model."
    ]
