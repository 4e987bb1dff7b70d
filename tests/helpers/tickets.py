"""Support tickets: a corpus that is not about films."""

import random

WORDS = {
    "billing": "invoice refund charged card payment price receipt bank",
    "login": "password account locked email sign reset code user",
    "shipping": "parcel delivery late courier address box tracking arrived",
}
PADDING = "the my i a please help with is not and still today order can you thanks hello again it was"
QUEUES = tuple(WORDS)


def tickets(count: int, typos: bool = False) -> str:
    """Support tickets in three queues, from two channels, as CSV. typos: every third word that matters has one."""
    chosen = random.Random(0)
    lines = ["body,queue,channel"]
    for number in range(count):
        queue = chosen.choice(list(WORDS))
        telling = chosen.choices(WORDS[queue].split(), k=2)
        if typos:
            telling = [_mistyped(word, chosen) if chosen.random() < 0.3 else word for word in telling]
        words = chosen.choices(PADDING.split(), k=10) + telling
        chosen.shuffle(words)
        lines.append(f"{' '.join(words)} {number},{queue},{chosen.choice(['email', 'chat'])}")
    return "\n".join(lines) + "\n"


def _mistyped(word: str, chosen: random.Random) -> str:
    place = chosen.randrange(len(word))
    return word[:place] + "".join(chosen.choices("abcdefghijklmnopqrstuvwxyz", k=2)) + word[place + 1 :]
