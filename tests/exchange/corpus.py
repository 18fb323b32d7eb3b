"""Odd but valid and hostile card files, made here: each with its name, its bytes, and the card's name if it is one."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable, Iterator

from rpchat.exchange.archive import write_archive
from rpchat.exchange.png import SIGNATURE
from tests.exchange.makers import (
    END,
    PICTURE,
    PIXEL,
    V1_CARD,
    as_json,
    charx,
    chunk,
    header,
    png,
    text_chunk,
    v2_card,
    v3_card,
)

File = bytes | Callable[[], bytes]
"""A file's content, or for large ones how it is made."""

Case = tuple[str, File, str | None]
"""What it is, the file, and the name of the card in it; None if it must be refused."""


def cases() -> Iterator[Case]:
    """Yield the whole corpus; the same every time."""
    for group in (_json_shapes, _json_values, _json_hostile, _yaml_odd, _yaml_hostile, _png_odd, _png_hostile,
                  _zip_odd, _zip_hostile, _other):  # fmt: skip
        for what, data, expected in group():
            yield f"{group.__name__[1:]}-{what}", data, expected


def content(file: File) -> bytes:
    """Return the bytes of a file of the corpus."""
    return file if isinstance(file, bytes) else file()


def _json_shapes() -> Iterator[Case]:
    yield "v1", as_json(V1_CARD), "Mio"
    yield "v2", as_json(v2_card()), "Mio"
    yield "v3", as_json(v3_card()), "Mio"
    yield "byte-order-mark", b"\xef\xbb\xbf" + as_json(V1_CARD), "Mio"
    yield "blank-lines-in-front", b"\n \t\r\n" + as_json(V1_CARD), "Mio"
    yield "v1-name-and-greeting", as_json({"name": "A", "first_mes": "hi"}), "A"
    yield "v1-with-v2-fields", as_json({**V1_CARD, "system_prompt": "x", "extensions": {"a": 1}}), "Mio"
    yield "spec-without-data", as_json({"spec": "chara_card_v2", **V1_CARD}), "Mio"
    yield "spec-with-data-null", as_json({"spec": "chara_card_v2", "data": None, **V1_CARD}), "Mio"
    yield "data-without-spec", as_json({"data": V1_CARD}), "Mio"
    yield "unknown-spec", as_json({**v2_card(), "spec": "my_card"}), "Mio"
    yield "newer-version", as_json({**v3_card(), "spec_version": "3.1"}), "Mio"
    yield "version-of-tomorrow", as_json({**v3_card(), "spec_version": "9.9.9"}), "Mio"
    yield "version-a-number", as_json({**v3_card(), "spec_version": 3}), "Mio"
    yield "name-only-outside", as_json({"spec": "chara_card_v2", "name": "Out", "data": {"description": "x"}}), "Out"
    yield "mirrors", as_json({**v2_card(), **V1_CARD, "name": "Old", "fav": True, "chat": "Mio - 2024"}), "Mio"
    yield "pygmalion", as_json({"char_name": "P", "char_persona": "x", "char_greeting": "hi"}), "P"
    yield (
        "pygmalion-with-empty-v1",
        as_json({"name": "", "char_name": "P", "description": "", "char_persona": "x"}),
        "P",
    )
    yield "webui", as_json({"name": "W", "context": "x", "greeting": "hi"}), "W"
    yield "no-name-but-a-description", as_json({**V1_CARD, "name": ""}), "Unnamed"
    yield "no-name-but-a-nickname", as_json(v3_card(name="  ", nickname="Mi")), "Mi"
    yield "own-words", as_json({"name": "O", "sheet": {"Age": "9"}, "first_message": "hi"}), "O"
    yield "lorebook", as_json({"spec": "lorebook_v3", "data": {"entries": []}}), None
    yield "world-info", as_json({"entries": {"0": {"key": ["a"], "content": "b"}}}), None
    yield "instruct-preset", as_json({"name": "M", "input_sequence": "a", "output_sequence": "b"}), None
    yield "nothing-in-it", b"{}", None
    yield "data-empty", as_json({"spec": "chara_card_v2", "data": {}}), None
    yield "data-a-list", as_json({"spec": "chara_card_v2", "data": []}), None
    yield "data-a-text", as_json({"spec": "chara_card_v3", "data": "name"}), None
    yield "only-a-name", as_json(v2_card(**dict.fromkeys(V1_CARD, ""))), None
    yield "list-of-cards", as_json([V1_CARD]), None


def _json_values() -> Iterator[Case]:
    for what, value in (("number", 7), ("fraction", 1.5), ("flag", True), ("null", None), ("list", ["a", "b"]),
                        ("object", {"a": 1}), ("nested-list", [["a"]]), ("empty", "")):  # fmt: skip
        yield f"description-{what}", as_json(v2_card(description=value)), "Mio"
        yield f"tags-{what}", as_json(v2_card(tags=value)), "Mio"
        yield f"greetings-{what}", as_json(v2_card(alternate_greetings=value)), "Mio"
        yield f"extensions-{what}", as_json(v2_card(extensions=value)), "Mio"
        yield f"book-{what}", as_json(v2_card(character_book=value)), "Mio"
        yield f"assets-{what}", as_json(v3_card(assets=value)), "Mio"
        yield f"talkativeness-{what}", as_json(v2_card(extensions={"talkativeness": value})), "Mio"
        yield f"rpchat-{what}", as_json(v2_card(extensions={"rpchat": value, "tavern": value})), "Mio"
    yield "name-a-number", as_json(v2_card(name=7)), "7"
    yield "name-an-object", as_json(v2_card(name={"a": 1})), "Unnamed"
    yield "talkativeness-a-text", as_json(v2_card(extensions={"talkativeness": "0.75"})), "Mio"
    yield "talkativeness-not-a-number", as_json(v2_card(extensions={"talkativeness": "nan"})), "Mio"
    yield "talkativeness-huge", as_json(v2_card(extensions={"talkativeness": 10**399})), "Mio"
    yield "half-a-surrogate", b'{"name": "A\\ud800", "first_mes": "\\udc00"}', "A"
    yield "escapes", as_json({**V1_CARD, "name": "\x1b]52;c;QUJD\x07A\u202e\x00\x9b"}), "]52;c;QUJDA"
    yield "markup", as_json({**V1_CARD, "name": "[/x][@click=app.quit]"}), "[/x][@click=app.quit]"
    yield "path-for-a-name", as_json({**V1_CARD, "name": "../../etc/passwd"}), "../../etc/passwd"
    yield "device-for-a-name", as_json({**V1_CARD, "name": "CON"}), "CON"
    yield "long-name", as_json({**V1_CARD, "name": "x" * 5000}), "x" * 5000
    yield "sheet-of-ours-broken", as_json(v2_card(extensions={"rpchat": {"fields": {"sheet": [1]}}})), "Mio"
    yield "deep-but-allowed", as_json(v2_card(zzz=_nested(80))), "Mio"


def _json_hostile() -> Iterator[Case]:
    yield "empty", b"", None
    yield "blank", b" \n ", None
    yield "half", as_json(v2_card())[:-5], None
    yield "two", as_json(V1_CARD) * 2, None
    yield "depth-bomb", b'{"name":' + b"[" * 100_000, None
    yield "depth-closed", b'{"name":"A","first_mes":"","x":' + b"[" * 500 + b"]" * 500 + b"}", None
    yield "depth-of-objects", b'{"a":' * 5_000 + b"1" + b"}" * 5_000, None
    yield "long-number", b'{"name":"A","first_mes":"","x":' + b"9" * 4_301 + b"}", None
    yield "huge-exponent", b'{"name":"A","first_mes":"","x":1e999}', None
    yield "not-a-number", b'{"name":"A","first_mes":"","x":NaN}', None
    yield "infinity", b'{"name":"A","first_mes":"","x":-Infinity}', None
    yield "key-twice", b'{"name":"A","name":"B","first_mes":""}', None
    yield "million-values", lambda: b'{"name":"A","first_mes":"","x":[' + b"0," * 1_000_000 + b"0]}", None
    yield "million-keys", lambda: b'{"a":{' + b",".join(b'"%d":0' % i for i in range(600_000)) + b"}}", None
    yield "too-large", lambda: b'{"name":"A","first_mes":"' + b"x" * (9 << 20) + b'"}', None
    yield "utf-16", b"\xff\xfe" + '{"name":"A"}'.encode("utf-16-le"), None
    yield "latin-1", b'{"name":"\xe9","first_mes":""}', None
    yield "comment", b'{"name":"A", /* x */ "first_mes":""}', None
    yield "trailing-comma", b'{"name":"A","first_mes":"",}', None
    yield "single-quotes", b"{'name':'A'}", None


def _yaml_odd() -> Iterator[Case]:
    yield "ours", b"name: Y\npersonality: calm\nsheet:\n  Age: 007\n  Likes: [tea, rain]\n", "Y"
    yield "webui", b"name: W\ngreeting: |-\n  Hello\ncontext: |\n  Long.\n", "W"
    yield "webui-with-more", b"name: W\ncontext: x\nyour_name: You\nturn_template: x\n", "W"
    yield "pygmalion", b"char_name: P\nchar_persona: x\n", "P"
    yield "v1", b"name: V\nfirst_mes: hi\nmes_example: ''\n", "V"
    yield "v2", b"spec: chara_card_v2\ndata: {name: V, tags: 'a, b'}\n", "V"
    yield "name-a-number", b"name: 007\nfirst_mes: x\n", "007"
    yield "aliases", b"name: &n A\ndescription: *n\n", "A"
    yield "flow", b"? name\n: Q\n", "Q"
    yield "japanese", "name: 桜\n一人称: x\n".encode().replace("一人称".encode(), b"personality"), "桜"


def _yaml_hostile() -> Iterator[Case]:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))
    merge = "m0: &m0 {a: 1}\n" + "".join(f"m{i}: &m{i} {{<<: [*m{i - 1}, *m{i - 1}]}}\n" for i in range(1, 40))
    yield "alias-bomb", f"name: A\n{bomb}".encode(), None
    yield "merge-bomb", f"name: A\n{merge}".encode(), None
    yield "tag", b"name: !!python/object/apply:os.system [ls]\n", None
    yield "depth", b"name: A\nx: " + b"[" * 2_000, None
    yield "unknown-field", b"name: A\nfirst_mesage: x\n", None
    yield "two-documents", b"name: A\n---\nname: B\n", None
    yield "list", b"- name: A\n", None
    yield "text", b"Once upon a time", None
    yield "comment", b"# nothing\n", None
    yield "key-twice", b"name: A\nname: B\n", None
    yield "too-large", lambda: b"name: A\ndescription: " + b"x" * (1 << 20), None
    yield "tab", b"name: A\n\tdescription: x\n", None
    yield "unknown-anchor", b"name: *a\n", None
    yield "no-name", b"description: x\n", None
    yield "binary", bytes(range(256)), None


def _png_odd() -> Iterator[Case]:
    two = text_chunk("chara", v2_card(name="Two"))
    three = text_chunk("ccv3", v3_card(name="Three"))
    yield "chara", png(two), "Two"
    yield "ccv3", png(three), "Three"
    yield "both", png(two, three), "Three"
    yield "keyword-in-capitals", png(text_chunk("CHARA", v2_card())), "Mio"
    yield "several-ccv3", png(three, text_chunk("ccv3", v3_card(name="Later"))), "Three"
    yield "several-chara", png(two, text_chunk("Chara", v2_card(name="Later"))), "Two"
    yield "v1-in-chara", png(text_chunk("chara", V1_CARD)), "Mio"
    yield "broken-ccv3-good-chara", png(text_chunk("ccv3", b"{"), two), "Two"
    yield "ccv3-no-base64", png(chunk(b"tEXt", b"ccv3\0!"), two), "Two"
    yield "wrong-checksum", png(chunk(b"tEXt", two[8:-4], checksum=7)), "Two"
    yield "wrong-checksum-of-pixels", SIGNATURE + header() + chunk(b"IDAT", b"x", checksum=1) + two + END, "Two"
    yield "no-end", png(two, end=b""), "Two"
    yield "cut-in-pixels", SIGNATURE + header() + two + PIXEL[:-3], "Two"
    yield "endless-chunk", png(two, struct.pack(">I4s", 0xFFFFFFFF, b"IDAT"), end=b""), "Two"
    yield "behind-the-end-too", png(two) + three, "Two"
    yield "no-picture-at-all", SIGNATURE + two + END, "Two"
    yield "huge-picture", SIGNATURE + header(2**31 - 1, 2**31 - 1) + PIXEL + two + END, "Two"
    yield "no-pixels", SIGNATURE + header(0, 0) + two + END, "Two"
    wrapped = b"\n".join(base64.encodebytes(as_json(v2_card())).splitlines()).rstrip(b"=")
    yield "base64-in-lines", png(chunk(b"tEXt", b"chara\0" + wrapped)), "Mio"
    urlsafe = base64.urlsafe_b64encode(as_json(v2_card(description="???>>>~~~")))
    yield "base64-of-addresses", png(chunk(b"tEXt", b"chara\0" + urlsafe)), "Mio"
    yield "other-texts", png(text_chunk("parameters", b"x"), chunk(b"tEXt", b"no end"), two), "Two"
    yield "assets", png(text_chunk("chara-ext-asset_:0", b"abc"), text_chunk("chara-ext-asset_1", b"d"), two), "Two"
    yield (
        "broken-assets",
        png(chunk(b"tEXt", b"chara-ext-asset_:\0A"), chunk(b"tEXt", b"chara-ext-asset_:0\0A"), two),
        ("Two"),
    )


def _png_hostile() -> Iterator[Case]:
    packed = chunk(b"zTXt", b"chara\0\0" + zlib.compress(base64.b64encode(as_json(v2_card()))))
    yield "no-card", PICTURE, None
    yield "signature-only", SIGNATURE, None
    yield "zipped-text", png(packed), None
    yield "international-text", png(chunk(b"iTXt", b"chara\0\0\0\0\0" + base64.b64encode(as_json(v2_card())))), None
    yield "bomb-in-zipped-text", lambda: png(chunk(b"zTXt", b"chara\0\0" + zlib.compress(bytes(20 << 20)))), None
    yield "empty-text", png(chunk(b"tEXt", b"chara\0")), None
    yield "no-text", png(chunk(b"tEXt", b"chara")), None
    yield "base64-of-nothing", png(text_chunk("chara", b"")), None
    yield "base64-of-rubbish", png(text_chunk("chara", b"\xff\xfe\x00")), None
    yield "one-letter", png(chunk(b"tEXt", b"chara\0A")), None
    yield "card-is-a-list", png(text_chunk("chara", [])), None
    yield "card-is-a-bomb", png(text_chunk("chara", b"[" * 100_000)), None
    yield "card-is-cut", png(text_chunk("chara", v2_card()))[:120], None
    yield "million-chunks", lambda: SIGNATURE + chunk(b"IDAT", b"") * 1_000_000, None
    yield "thousands-of-cards", lambda: png(*[text_chunk("chara", b"{")] * 5_000), None
    yield "text-too-large", lambda: png(chunk(b"tEXt", b"chara\0" + b"A" * (17 << 20))), None


def _zip_odd() -> Iterator[Case]:
    yield "plain", charx(v3_card()), "Mio"
    yield "v2", charx(v2_card()), "Mio"
    yield "behind-a-jpeg", b"\xff\xd8\xff\xe0 picture \xff\xd9" + charx(v3_card()), "Mio"
    yield "with-a-comment", charx(v3_card())[:-2] + b"\x05\x00hello", "Mio"
    yield "module-of-risu", charx(v3_card(), {"module.risum": b"\0"}), "Mio"
    yield "slip", charx(v3_card(), {"../../evil.png": b"x", "/etc/passwd": b"x", "a/../b": b"x"}), "Mio"
    yield "damaged-asset", charx(v3_card(), {"a.png": b"\x01" * 9}).replace(b"a.png", b"b.png", 1), "Mio"
    yield "thousand-assets", charx(v3_card(), {f"assets/other/{i}": b"" for i in range(1_000)}), "Mio"
    yield "icon-elsewhere", charx(v3_card(assets=[{"type": "icon", "uri": "https://example.org/a.png"}])), "Mio"
    yield "icon-missing", charx(v3_card(assets=[{"type": "icon", "uri": "embeded://no.png"}, 7, None])), "Mio"


def _zip_hostile() -> Iterator[Case]:
    whole = charx(v3_card())
    end = whole.rfind(b"PK\x05\x06")
    directory = whole.rfind(b"PK\x01\x02")
    yield "no-card", write_archive({"readme": b"x"}), None
    yield "card-in-a-folder", write_archive({"x/card.json": as_json(v3_card())}), None
    yield "nothing-in-it", write_archive({}), None
    yield "no-directory", whole[:end], None
    yield "cut-in-front", whole[40:], None
    yield "encrypted", _patched(whole, directory + 8, b"\x01\x00"), None
    yield "packed-strangely", _patched(whole, directory + 10, b"\x0e\x00"), None
    yield "wrong-checksum", _patched(whole, directory + 16, b"\0\0\0\0"), None
    yield "lies-about-its-size", _patched(whole, directory + 24, struct.pack("<I", 5)), None
    yield "claims-four-gigabytes", _patched(whole, directory + 24, b"\xff\xff\xff\xff"), None
    yield "starts-nowhere", _patched(whole, directory + 42, b"\xff\xff\xff\x7f"), None
    yield "more-entries-than-there-are", _patched(whole, end + 8, struct.pack("<HH", 60, 60)), None
    yield "too-many-entries", _patched(whole, end + 8, b"\xff\xff\xff\xff"), None
    yield "directory-beyond-the-file", _patched(whole, end + 16, b"\xff\xff\xff\xff"), None
    yield "second-disk", _patched(whole, end + 4, b"\x01\x00"), None
    yield "overlapping", _overlapping(), None
    yield "bomb", lambda: write_archive({"card.json": as_json(v3_card()), "zeros": bytes(97 << 20)}), None
    yield "bomb-for-a-card", lambda: write_archive({"card.json": bytes(90 << 20)}), None
    yield "jpeg-only", b"\xff\xd8\xff\xe0 picture \xff\xd9", None


def _other() -> Iterator[Case]:
    yield "gguf", b"GGUF\x03\0\0\0" + bytes(100), None
    yield "webp", b"RIFF\x10\0\0\0WEBPVP8 ", None
    yield "gif", b"GIF89a" + bytes(30), None
    yield "html", b"<!DOCTYPE html><html><body>Not found</body></html>", None
    yield "zeros", bytes(4096), None
    yield "too-large", lambda: bytes((64 << 20) + 1), None
    yield "large-but-allowed", _large, "Mio"
    yield "chat", b'{"user_name":"You","character_name":"A"}\n{"name":"A","mes":"hi"}\n', None


def _nested(depth: int) -> object:
    value: object = "x"
    for _ in range(depth):
        value = [value]
    return value


def _patched(data: bytes, at: int, instead: bytes) -> bytes:
    return data[:at] + instead + data[at + len(instead) :]


def _large() -> bytes:
    """Return an archive near every limit: a long text with a letter that makes each of its letters four bytes."""
    return charx(v3_card(zzz="😀" + "x" * (7 << 20)), {f"{number}.bin": bytes(8 << 20) for number in range(10)})


def _overlapping() -> bytes:
    """Return an archive whose second file begins in the first one."""
    whole = charx(v3_card(), {"b": bytes(50)})
    return _patched(whole, whole.rfind(b"PK\x01\x02") + 42, struct.pack("<I", 0))
