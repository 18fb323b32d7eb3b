from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise, permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpchat.story.card import Card
from rpchat.story.casting import Candidate, Choice, Strategy, next_in_line, next_speaker, seed_of
from rpchat.story.scene import Member, Scene
from rpchat.story.turn import Turn

TURNS = 500
STRATEGIES: tuple[Strategy, ...] = ("manual", "list", "pooled", "natural", "blend")
# Values a chi-square variable exceeds once in a thousand, by degrees of freedom.
CRITICAL = {3: 16.27, 4: 18.47, 15: 37.70}

ENGLISH = tuple(
    Candidate(card_id=name.lower(), names=(name,), talkativeness=talk)
    for name, talk in (("Bram", 0.9), ("Chen", 0.6), ("Ilse", 0.5), ("Mira", 0.3), ("Tock", 0.1))
)
JAPANESE = tuple(
    Candidate(card_id=card_id, names=names)
    for card_id, names in (
        ("hana", ("花",)),
        ("oka", ("桜花",)),
        ("sakura", ("さくら",)),
        ("mika", ("ミカ",)),
        ("misaki", ("美咲", "みーちゃん")),
    )
)


def story(*lines: tuple[str, str]) -> list[Turn]:
    """Turns of `(card id, text)`; the user's without a card id."""
    return [
        Turn(id=at, parent=at - 1, side="member" if who else "user", speaker=who or "Robin", member=who, text=text)
        for at, (who, text) in enumerate(lines, start=1)
    ]


def chi_square(counts: Mapping[str, int], odds: Mapping[str, float]) -> float:
    """The statistic of `counts` against `odds`; who cannot come may not have come."""
    total = sum(counts.values())
    assert all(odds[who] > 0 for who, count in counts.items() if count)
    return sum((counts.get(who, 0) - total * p) ** 2 / (total * p) for who, p in odds.items() if p)


def fair_odds(talks: Mapping[str, float]) -> dict[str, float]:
    """The odds of the natural strategy by its own words: over all orders, and all ways of feeling like it."""
    odds = dict.fromkeys(talks, 0.0)
    orders = list(permutations(talks))
    for wishes in product((True, False), repeat=len(talks)):
        willing = {who for who, wish in zip(talks, wishes, strict=True) if wish}
        chance = math.prod(talks[who] if who in willing else 1 - talks[who] for who in talks)
        for order in orders if willing else ():
            odds[next(who for who in order if who in willing)] += chance / len(orders)
        if not willing:
            for who, talk in talks.items():
                odds[who] += chance * (talk / sum(talks.values()) if any(talks.values()) else 1 / len(talks))
    return odds


def played(strategy: Strategy, *, scores: Mapping[str, float] | None = None, user_every: int = 0) -> list[str]:
    """Who spoke in 500 turns of the five, the user's lines (every so many of theirs) between them."""
    told = story(("", "Once upon a time."))
    who: list[str] = []
    while len(who) < TURNS:
        if user_every and who and len(who) % user_every == 0:
            told += story(("", "Go on."))
        choice = next_speaker(strategy, ENGLISH, told[-40:], seed=seed_of(7, len(told)), scores=scores)
        assert choice.who is not None
        who.append(choice.who)
        told += story((choice.who, "Hm."))
    return who


# 500 turns


def test_manual_never_chooses() -> None:
    assert {next_speaker("manual", ENGLISH, story(("", "Bram?")), seed=seed).who for seed in range(TURNS)} == {None}


def test_list_goes_round() -> None:
    assert played("list", user_every=3) == ["bram", "chen", "ilse", "mira", "tock"] * 100


@pytest.mark.parametrize("user_every", [0, 5, 10])
def test_pooled_hears_everyone_in_every_round(user_every: int) -> None:
    who = played("pooled", user_every=user_every)
    rounds = [who[at : at + 5] for at in range(0, TURNS, 5)]
    assert all(len(set(heard)) == 5 for heard in rounds)
    assert len({tuple(heard) for heard in rounds}) > 50


def test_pooled_gives_nobody_two_turns_in_a_row() -> None:
    who = played("pooled")
    assert all(one != other for one, other in pairwise(who))


def test_pooled_draws_evenly_after_the_users_line() -> None:
    who = played("pooled", user_every=1)
    assert chi_square(Counter(who), {candidate.card_id: 0.2 for candidate in ENGLISH}) < CRITICAL[4]


def test_natural_speaks_as_talkativeness_says() -> None:
    told = story(("", "What now?"))
    counts = Counter(next_speaker("natural", ENGLISH, told, seed=seed_of(3, at)).who or "" for at in range(TURNS))
    talks = {candidate.card_id: candidate.talkativeness for candidate in ENGLISH}
    assert chi_square(counts, fair_odds(talks)) < CRITICAL[4]
    assert chi_square(counts, dict.fromkeys(talks, 0.2)) > CRITICAL[4]


@pytest.mark.parametrize("user_every", [0, 1, 4])
def test_natural_speaks_as_talkativeness_says_of_all_but_the_last_speaker(user_every: int) -> None:
    who = played("natural", user_every=user_every)
    talks = {candidate.card_id: candidate.talkativeness for candidate in ENGLISH}
    total = 0.0
    for last in talks:
        counts = Counter(after for before, after in pairwise(who) if before == last)
        total += chi_square(counts, fair_odds({one: talk for one, talk in talks.items() if one != last}))
    assert total < CRITICAL[15]
    assert set(who) == set(talks)


def test_blend_speaks_as_scores_and_talkativeness_say() -> None:
    scores = {"bram": 2.0, "chen": 1.0, "ilse": 4.0, "mira": 6.0, "tock": 9.0}
    told = story(("", "What now?"))
    counts = Counter(next_speaker("blend", ENGLISH, told, seed=seed, scores=scores).who or "" for seed in range(TURNS))
    weights = {candidate.card_id: scores[candidate.card_id] * candidate.talkativeness for candidate in ENGLISH}
    odds = {who: weight / sum(weights.values()) for who, weight in weights.items()}
    assert chi_square(counts, odds) < CRITICAL[4]
    assert chi_square(counts, dict.fromkeys(weights, 0.2)) > CRITICAL[4]


FRAMES = {
    "en": (ENGLISH, ("{}, come here.", "And *{}'s* lamp?", "I ASK {}!", "“{}-san”, she said.", "It was _{}_.")),
    "ja": (JAPANESE, ("{}、来て。", "今日は{}と行く。", "「{}さん」", "{}ちゃんも{}の本も", "ねえ{}は?", "{}様!")),
}


@pytest.mark.parametrize("language", FRAMES)
def test_natural_always_honours_a_mention(language: str) -> None:
    cast, frames = FRAMES[language]
    told: list[Turn] = []
    for turn in range(TURNS):
        called = cast[turn * 7 % 5]
        text = frames[turn % len(frames)].replace("{}", called.names[turn % len(called.names)])
        told += story(("", text.upper() if "ASK" in text else text))
        choice = next_speaker("natural", cast, told[-10:], seed=seed_of(1, turn))
        assert choice.who == called.card_id, text
        assert choice.why == f"{called.names[0]} was named"
        told += story((called.card_id, "…"))


# The same again


@st.composite
def states(draw: st.DrawFn) -> tuple[list[Candidate], list[Turn]]:
    chances = st.sampled_from([0.0, 0.1, 0.5, 1.0])
    size = draw(st.integers(0, 7))
    cast = [
        Candidate(card_id=f"m{at}", names=(f"Name{at}",), talkativeness=draw(chances), muted=draw(st.booleans()))
        for at in range(size)
    ]
    speakers = st.sampled_from(["", "gone", *(candidate.card_id for candidate in cast)])
    texts = st.sampled_from(["Hm.", "Name1?", "Name0 and Name3", "name5さん"])
    return cast, story(*draw(st.lists(st.tuples(speakers, texts), max_size=12)))


@given(states(), st.sampled_from(STRATEGIES), st.integers(0, 2**32 - 1))
def test_equal_seed_and_state_give_an_equal_choice(
    state: tuple[list[Candidate], list[Turn]], strategy: Strategy, seed: int
) -> None:
    cast, told = state
    scores = {candidate.card_id: float(at) for at, candidate in enumerate(cast)}

    def choice() -> Choice:
        return next_speaker(strategy, list(cast), tuple(told), seed=seed, scores=dict(scores))

    first = choice()
    assert first == choice()
    assert list(first.odds) == [candidate.card_id for candidate in cast]
    assert all(chance >= 0 for chance in first.odds.values())
    if first.who is None:
        assert strategy == "manual" or all(candidate.muted for candidate in cast)
        assert not any(first.odds.values())
    else:
        assert sum(first.odds.values()) == pytest.approx(1)
        assert first.odds[first.who] > 0
        assert not any(first.odds[candidate.card_id] for candidate in cast if candidate.muted)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=5))
def test_the_odds_shown_are_the_odds_played(talks: list[float]) -> None:
    cast = [Candidate(card_id=str(at), names=(str(at),), talkativeness=talk) for at, talk in enumerate(talks)]
    expected = fair_odds({candidate.card_id: candidate.talkativeness for candidate in cast})
    assert next_speaker("natural", cast, [], seed=0).odds == pytest.approx(expected)


def test_the_choice_is_the_same_everywhere() -> None:
    """Written down once: scenes reopened with another version of the program, or of Python, go on alike."""
    told = story(("", "What now?"))
    row = [next_speaker("natural", ENGLISH, told, seed=seed_of(1, turns)).who for turns in range(8)]
    assert [seed_of(1, 0), seed_of(1, 1), seed_of(2, 0)] == [1581361928, 2262236565, 1684556879]
    assert row == ["bram", "chen", "mira", "chen", "mira", "chen", "chen", "bram"]


# Natural


def test_everyone_the_user_named_answers_in_turn() -> None:
    told = story(("", "Chen, Mira and Bram: what do you say?"))
    order = []
    for _ in range(3):
        choice = next_speaker("natural", ENGLISH, told, seed=1)
        order.append((choice.who, choice.why))
        told += story((choice.who or "", "I say no."))
    assert order == [
        ("chen", "Chen was named"),
        ("mira", "Mira was named by the user and has not spoken since"),
        ("bram", "Bram was named by the user and has not spoken since"),
    ]


def test_the_last_line_goes_before_the_users() -> None:
    told = story(("", "Chen? Mira?"), ("chen", "Ask Tock."))
    assert next_speaker("natural", ENGLISH, told, seed=1).who == "tock"
    told += story(("tock", "Me, Tock? No."))
    assert next_speaker("natural", ENGLISH, told, seed=1).who == "mira"


@pytest.mark.parametrize("line", [(), (("", "Hm."),)])
def test_the_last_speaker_is_barred(line: tuple[tuple[str, str], ...]) -> None:
    told = story(("bram", "I, Bram, am here."), *line)
    choices = [next_speaker("natural", ENGLISH, told, seed=seed) for seed in range(100)]
    assert {choice.who for choice in choices} == {"chen", "ilse", "mira", "tock"}
    assert choices[0].odds["bram"] == 0


def test_the_last_speaker_is_not_barred_when_addressed() -> None:
    told = story(("bram", "Hm."), ("", "And then, Bram?"))
    assert next_speaker("natural", ENGLISH, told, seed=1).who == "bram"


def test_the_last_speaker_is_not_barred_when_nobody_else_can_speak() -> None:
    cast = [replace(candidate, muted=candidate.card_id != "tock") for candidate in ENGLISH]
    choice = next_speaker("natural", cast, story(("tock", "Hm.")), seed=1)
    assert (choice.who, choice.why, choice.odds["tock"]) == ("tock", "nobody else can", 1)


def test_a_muted_member_named_stays_silent() -> None:
    cast = [replace(candidate, muted=candidate.card_id == "bram") for candidate in ENGLISH]
    told = story(("", "Bram and Chen!"))
    assert next_speaker("natural", cast, told, seed=1).who == "chen"


def test_natural_says_why() -> None:
    def why(*talks: float) -> set[tuple[str | None, str]]:
        cast = [Candidate(card_id=str(at), names=(str(at),), talkativeness=talk) for at, talk in enumerate(talks)]
        choices = [next_speaker("natural", cast, [], seed=seed) for seed in range(50)]
        return {(choice.who, choice.why) for choice in choices}

    assert why(1.0, 0.0) == {("0", "talks a lot")}
    assert why(0.0, 0.5) >= {("1", "felt like talking"), ("1", "nobody felt like talking: by lot")}
    assert why(0.0, 0.0) == {(who, "nobody felt like talking: by lot") for who in ("0", "1")}


# List, pooled, blend


def test_list_skips_the_muted_who_keep_their_place() -> None:
    cast = [replace(candidate, muted=candidate.card_id in {"chen", "tock"}) for candidate in ENGLISH]

    def after(who: str) -> str | None:
        return next_speaker("list", cast, story((who, "Hm."), ("", "Hm.")), seed=1).who

    assert [after(who) for who in ("bram", "chen", "ilse", "mira", "tock", "gone")] == [
        "ilse", "ilse", "mira", "bram", "bram", "bram",
    ]  # fmt: skip
    assert next_speaker("list", cast, [], seed=1).who == "bram"


def test_pooled_leaves_out_who_spoke_since_the_users_line() -> None:
    told = story(("mira", "Before."), ("", "Now."), ("bram", "Hm."), ("gone", "Hm."), ("tock", "Hm."))
    choice = next_speaker("pooled", ENGLISH, told, seed=1)
    assert choice.odds == pytest.approx({"bram": 0, "chen": 1 / 3, "ilse": 1 / 3, "mira": 1 / 3, "tock": 0})
    assert choice.why == "has not spoken this round"


def test_pooled_begins_anew_when_those_left_are_muted() -> None:
    cast = [replace(candidate, muted=candidate.card_id not in {"bram", "chen"}) for candidate in ENGLISH]
    choice = next_speaker("pooled", cast, story(("", "Now."), ("bram", "Hm."), ("chen", "Hm.")), seed=1)
    assert (choice.who, choice.why) == ("bram", "a new round")


def test_blend_leaves_the_models_odds_where_all_talk_alike() -> None:
    cast = [replace(candidate, talkativeness=0.5) for candidate in ENGLISH]
    scores = {"bram": 1.0, "chen": 3.0, "ilse": 4.0}
    choice = next_speaker("blend", cast, story(("mira", "Hm."), ("", "Hm.")), seed=1, scores=scores)
    assert choice.odds == pytest.approx({"bram": 1 / 8, "chen": 3 / 8, "ilse": 4 / 8, "mira": 0, "tock": 0})


def test_blend_lets_nobody_answer_himself() -> None:
    scores = {"mira": 0.9, "chen": 0.1}
    alone = next_speaker("blend", ENGLISH, story(("mira", "Hm.")), seed=1, scores=scores)
    assert (alone.who, alone.why) == ("chen", "the likeliest")
    asked = next_speaker("blend", ENGLISH, story(("mira", "Hm."), ("", "Why?")), seed=1, scores=scores)
    assert asked.odds["mira"] == pytest.approx(0.9 * 0.3 / (0.9 * 0.3 + 0.1 * 0.6))


def test_blend_without_scores_goes_by_talkativeness() -> None:
    choice = next_speaker("blend", ENGLISH, [], seed=1)
    assert choice.odds == pytest.approx(
        {"bram": 9 / 24, "chen": 6 / 24, "ilse": 5 / 24, "mira": 3 / 24, "tock": 1 / 24}
    )
    assert choice.why == "by talkativeness alone"


@pytest.mark.parametrize("score", [-1.0, math.nan, math.inf])
def test_blend_refuses_scores_that_are_none(score: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        next_speaker("blend", ENGLISH, [], seed=1, scores={"bram": score})


# Nobody, and the order of the cast


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_nobody_can_speak(strategy: Strategy) -> None:
    muted = [replace(candidate, muted=True) for candidate in ENGLISH]
    assert next_speaker(strategy, muted, [], seed=1).why == "everyone is muted"
    assert next_speaker(strategy, [], [], seed=1) == Choice(who=None, why="nobody is here", odds={})


def test_next_in_line() -> None:
    cast = tuple(Member(name, Card(name=name)) for name in ("a", "b"))
    scene = Scene(id=1, title="", cast=cast)
    assert next_in_line(scene).card_id == "a"
    for turn, after in zip(story(("a", "Hm."), ("", "Hm."), ("b", "Hm.")), "bba", strict=True):
        scene = scene.with_turn(turn).apply(scene.adding(turn))
        assert next_in_line(scene).card_id == after
