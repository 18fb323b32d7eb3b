"""A preset's samplers in the words of each kind of server."""

from __future__ import annotations

from rpchat.engine.remote.chain import bias_of, for_completions, for_llama_server, llama_bias, openai_bias
from rpchat.story.preset import Sampling

FULL = Sampling(
    order=("min_p", "temperature", "penalties", "dry", "typical_p"), min_p=0.1, temperature=0.8, repeat_penalty=1.1,
    dry_multiplier=0.8, typical_p=0.9, penalty_last_n=-1,
)  # fmt: skip


def test_llama_server_gets_the_chain_in_its_order() -> None:
    told = for_llama_server(FULL, n_ctx=4096)
    assert told.fields["samplers"] == ["min_p", "temperature", "penalties", "dry", "typ_p"]
    assert (told.fields["min_p"], told.fields["repeat_last_n"]) == (0.1, 4096)
    assert told.unsaid == ()


def test_what_is_neutral_takes_no_part() -> None:
    told = for_llama_server(Sampling(), n_ctx=4096)
    assert told.fields["samplers"] == []
    assert (told.fields["temperature"], told.fields["dry_multiplier"], told.fields["mirostat"]) == (1.0, 0.0, 0)


def test_the_likeliest_token_is_taken_behind_everything_else() -> None:
    told = for_llama_server(Sampling(temperature=0, order=("temperature", "penalties"), repeat_penalty=1.2), n_ctx=9)
    assert told.fields["samplers"] == ["penalties", "temperature"]
    assert told.fields["temperature"] == 0


def test_without_temperature_in_the_order_it_counts_for_nothing() -> None:
    told = for_llama_server(Sampling(temperature=0, order=("min_p",), min_p=0.1), n_ctx=9)
    assert (told.fields["samplers"], told.fields["temperature"]) == (["min_p"], 1.0)


def test_mirostat_leaves_out_what_looks_back() -> None:
    told = for_llama_server(Sampling(mirostat=2, repeat_penalty=1.1, dry_multiplier=0.8), n_ctx=9)
    assert told.fields["mirostat"] == 2
    assert told.unsaid == ("penalties", "dry")


def test_no_breaker_is_said_with_one_that_never_comes() -> None:
    breakers = for_llama_server(Sampling(dry_multiplier=1, dry_breakers=()), n_ctx=9).fields["dry_sequence_breakers"]
    assert breakers == ["\x1f\x1f"]


def test_plain_completions_get_what_they_know_and_the_rest_is_named() -> None:
    told = for_completions(FULL, is_vllm=False)
    assert set(told.fields) == {"temperature", "frequency_penalty", "presence_penalty"}
    assert told.unsaid == ("min_p", "penalties", "dry", "typical_p")


def test_vllm_knows_more() -> None:
    told = for_completions(FULL, is_vllm=True)
    assert (told.fields["min_p"], told.fields["repetition_penalty"]) == (0.1, 1.1)
    assert told.unsaid == ("dry", "typical_p")


def test_taking_the_likeliest_needs_no_cut() -> None:
    told = for_completions(Sampling(temperature=0, min_p=0.1, top_k=40, top_p=0.9), is_vllm=False)
    assert (told.fields, told.unsaid) == ({"temperature": 0.0}, ())


def test_grammars_mirostat_and_dynamic_temperature_are_named() -> None:
    sampling = Sampling(grammar='root ::= "a"', mirostat=2, dynamic_range=0.5)
    assert for_completions(sampling, is_vllm=False).unsaid == ("temperature", "mirostat", "grammar")


def test_a_bias_is_the_sum_over_its_texts() -> None:
    ids = {"a b": [1, 2, 1], "b": [2]}
    biases = bias_of({"a b": 1.5, "b": float("-inf")}, ids)
    assert llama_bias(biases) == [[1, 1.5], [2, False]]
    assert openai_bias(biases) == {"1": 1.5, "2": -100.0}
