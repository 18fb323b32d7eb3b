from __future__ import annotations

import pytest

from rpchat.errors import ModelError
from rpchat.fetch.curated import offer_named, offers
from rpchat.fetch.wanted import Listing, RemoteFile, Wanted, chosen_files, wanted
from rpchat.store.model_names import model_name, not_a_model, part_of, quantisation_in


def listing(*names: str) -> Listing:
    return Listing("somebody/Some-GGUF", "abc", tuple(RemoteFile(name, 10) for name in names))


def chosen(names: tuple[str, ...], *, file: str = "", quantisation: str = "") -> list[str]:
    wish = Wanted(repository="somebody/Some-GGUF", file=file, quantisation=quantisation)
    return [one.path for one in chosen_files(listing(*names), wish)]


QUANTISED = ("Some.Q4_K_M.gguf", "Some.Q8_0.gguf", "Some.i1-IQ4_XS.gguf", "some.imatrix.gguf", "mmproj-Some-f16.gguf")


@pytest.mark.parametrize(
    ("text", "quantisation", "wish"),
    [
        ("owner/repo", "", Wanted(repository="owner/repo")),
        ("owner/repo:x-Q8_0.gguf", "", Wanted(repository="owner/repo", file="x-Q8_0.gguf")),
        ("owner/repo:q8_0", "", Wanted(repository="owner/repo", quantisation="Q8_0")),
        ("owner/repo", "q6_k", Wanted(repository="owner/repo", quantisation="Q6_K")),
        ("antler-7b-rp-v3", "Q8_0", Wanted(repository="Aratako/Antler-7B-RP-v3-GGUF", quantisation="Q8_0")),
        ("Antler", "", Wanted(repository="Aratako/Antler-7B-RP-v3-GGUF", quantisation="Q4_K_M")),
    ],
)
def test_what_is_asked_for(text: str, quantisation: str, wish: Wanted) -> None:
    assert wanted(text, quantisation=quantisation, memory=6_000_000_000) == wish


@pytest.mark.parametrize(
    ("text", "line"),
    [("nothing", "there is no `nothing`"), ("", "there is no"), ("a/b/c", "there is no"), ("shori", "GGUF repository"),
     ("../etc", "there is no"), ("x\x1b[31m", "there is no")],
)  # fmt: skip
def test_what_cannot_be_asked_for(text: str, line: str) -> None:
    with pytest.raises(ModelError, match=line) as refusal:
        wanted(text)
    assert "\x1b" not in str(refusal.value)


def test_more_memory_gets_the_better_quantisation() -> None:
    offer = offer_named("backyardai-party-12b")
    assert offer is not None
    assert [offer.quantisation_for(size) for size in (1, 8_000_000_000, 10_000_000_000, 16_000_000_000)] == [
        "Q3_K_S", "Q3_K_S", "Q4_K_M", "Q5_K_M",
    ]  # fmt: skip


def test_every_offer_can_be_fetched_or_says_what_to_do() -> None:
    for offer in offers():
        assert offer.repository or offer.by_hand, offer.id
        assert bool(offer.repository) == bool(offer.quantisations), offer.id
        assert all(offer.size(one) > 0 for one in offer.quantisations), offer.id
    assert len({offer.id for offer in offers()}) == len(offers())


def test_the_best_known_quantisation_is_taken_by_itself() -> None:
    assert chosen(QUANTISED) == ["Some.Q4_K_M.gguf"]
    assert chosen(("a/Some.Q8_0.gguf", "Some.IQ4_XS.gguf")) == ["Some.IQ4_XS.gguf"]
    assert chosen(("README.md", "only-one.gguf")) == ["only-one.gguf"]


def test_a_quantisation_or_a_file_is_found() -> None:
    assert chosen(QUANTISED, quantisation="IQ4_XS") == ["Some.i1-IQ4_XS.gguf"]
    assert chosen(QUANTISED, file="Some.Q8_0.gguf") == ["Some.Q8_0.gguf"]


def test_all_parts_come_in_order() -> None:
    names = ("q/B-Q8_0-00002-of-00002.gguf", "q/B-Q8_0-00001-of-00002.gguf")
    assert chosen(names) == [names[1], names[0]]
    assert chosen(names, file="B-Q8_0-00002-of-00002.gguf") == [names[1], names[0]]
    with pytest.raises(ModelError, match="1 of the 2 files"):
        chosen(names[:1])


def test_what_is_not_there_is_refused_with_what_is() -> None:
    with pytest.raises(ModelError, match=r"has no Q2_K. It has Q4_K_M, Q8_0, IQ4_XS\."):
        chosen(QUANTISED, quantisation="Q2_K")
    with pytest.raises(ModelError, match=r"has no `other.gguf`"):
        chosen(QUANTISED, file="other.gguf")
    with pytest.raises(ModelError, match="no GGUF models"):
        chosen(("model.safetensors", "mmproj-f16.gguf"))
    with pytest.raises(ModelError, match=r"several models. It has one.gguf, two.gguf\."):
        chosen(("one.gguf", "two.gguf"))


@pytest.mark.parametrize(
    "name", ["a\x1b]0;x-Q4_K_M.gguf", ".hidden-Q4_K_M.gguf", "con:x-Q4_K_M.gguf", "a\\b-Q4_K_M.gguf"]
)
def test_a_name_that_is_none_for_a_file_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match="no name for a file") as refusal:
        chosen((name,))
    assert "\x1b" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "quantisation"),
    [
        ("Antler-7B-RP-v3.Q4_K_M.gguf", "Q4_K_M"), ("qwen2.5-1.5b-instruct-q4_k_m.gguf", "Q4_K_M"),
        ("ggml-model-f16.gguf", "F16"), ("x.i1-IQ3_XXS.gguf", "IQ3_XXS"), ("x-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("x-Q8_0-00001-of-00002.GGUF", "Q8_0"), ("x-BF16.gguf", "BF16"), ("7b-v0.75d.gguf", ""), ("q.gguf", ""),
    ],
)  # fmt: skip
def test_quantisations_in_names(name: str, quantisation: str) -> None:
    assert quantisation_in(name) == quantisation


def test_what_names_tell() -> None:
    assert part_of("x-Q8_0-00002-of-00003.gguf") == ("x-Q8_0", 2, 3)
    assert part_of("x-2-of-3.gguf") is None
    assert model_name("x-Q8_0-00002-of-00003.gguf") == "x-Q8_0"
    assert not_a_model("mmproj-model-f16.gguf") == "projector"
    assert not_a_model("limarp-lora-f16.gguf") == "adapter"
    assert not_a_model("Floral-7b.gguf") is None
