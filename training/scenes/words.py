"""Caption and chain of thought of a scene, from what its sources say of themselves. Every sentence is true of the scene."""
from .kinds.base import choose

COUNT = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
PLURAL = {
    "bounce": "bounces",
    "strike": "strikes",
    "step": "steps",
    "knock": "knocks",
    "close": "closings",
    "slam": "slams",
    "key": "keystrokes",
    "tick": "ticks",
    "tock": "ticks",
    "ring": "strokes",
    "break": "breaks",
    "shard": "landing shards",
    "drop": "drops",
    "pour": "starts of the flow",
    "thunder": "claps of thunder",
    "crack": "cracks",
    "tone": "changes of tone",
    "stroke": "strokes",
    "chirp": "chirps",
    "trill": "trills",
}


def describe(rng, sources, room):
    """(caption, cot) of the scene."""
    words = [source.words(rng) for source in sources]
    first = words[0]
    place = (
        f" {room.name}" if rng.random() < 0.3 and first.clause.count(" in ") == 0 and sources[0].name != "silence" else ""
    )
    if len(words) == 1:
        caption = first.clause + place
    elif sources[1].stage.visible:
        caption = choose(
            rng,
            (
                f"{first.clause} while {words[1].clause}",
                f"{first.clause} and {words[1].clause}",
                f"{words[1].clause} as {first.clause}",
            ),
        )
    else:
        side = "left" if sources[1].stage.centre < 0 else "right"
        caption = choose(
            rng,
            (
                f"{first.clause} and {words[1].clause} out of view",
                f"{first.clause} while {words[1].clause} off screen to the {side}",
            ),
        )
    return caption, " ".join(sentences(rng, sources, words, room))


def sentences(rng, sources, words, room):
    """Two to four: what is seen, when, how it sounds, what must be absent."""
    if sources[0].name == "silence":
        return [
            choose(
                rng, ("The picture shows something that makes no sound.", "Nothing in the picture touches or moves air.")
            ),
            choose(rng, ("Keep the whole clip silent.", "Generate silence from beginning to end.")),
            "Add no noise, no voices and no music.",
        ]
    seen = " and ".join(w.seen for w, s in zip(words, sources) if s.stage.visible)
    out = [choose(rng, (f"The picture shows {seen}.", f"We see {seen}.", f"Visible: {seen}."))]
    main = [e for e in sources[0].events]
    if main:
        name = main[0].kind if len(main) == 1 else PLURAL[main[0].kind]
        count = COUNT[len(main)] if len(main) < len(COUNT) else "many"
        times = ", ".join(f"{e.time_s:.1f}" for e in main[:4])
        dots = "" if len(main) <= 4 else " and on"
        out.append(
            choose(
                rng,
                (
                    f"Place {count} {name}, at {times} s{dots}.",
                    f"There {'is' if len(main) == 1 else 'are'} {count} {name}: at {times} s{dots}.",
                    f"Time the {name} to the picture: {times} s{dots}.",
                ),
            )
        )
    else:
        out.append(choose(rng, ("The sound goes on through the whole clip.", "It is continuous and follows the motion.")))
    sound = (
        f"It sounds like {words[0].sound}" if words[0].sound.startswith(("a ", "an ")) else f"The sound is {words[0].sound}"
    )
    if len(words) > 1:
        sound += f", and {words[1].clause}{'' if sources[1].stage.visible else ' out of view'}"
    out.append(f"{sound}, {room.name}.")
    heard = {s.name for s in sources}
    absent = [a for w in words for a in w.absent if not any(n in a for n in heard) and not clashes(a, heard)]
    absent = absent[:2] or ["music"]
    out.append(
        choose(
            rng,
            (
                f"Avoid {' and '.join(absent)}.",
                f"Leave out {' and '.join(absent)}.",
                f"There must be neither {' nor '.join(absent)}." if len(absent) == 2 else f"Do not add {absent[0]}.",
            ),
        )
    )
    return out


CLASH = {
    "footsteps": "footsteps",
    "breaking glass": "glass_break",
    "engine noise": "engine",
    "an engine": "engine",
    "knocking": "knock",
    "traffic": "engine",
    "a siren": "siren",
    "a bell": "bell",
    "a running stream": "stream",
    "single drops": "drip",
    "birds": "bird",
    "a bird": "bird",
    "a whistle": "whistle",
    "rain": "rain",
    "wind": "wind",
    "thunder": "thunder",
    "a creaking hinge": "door",
}


def clashes(absent: str, heard) -> bool:
    return CLASH.get(absent) in heard
