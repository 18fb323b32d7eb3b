"""Plain data into YAML that people like to read, and into YAML they wrote themselves without disturbing it.

Imported inside the functions that save only. What is returned has been read back and holds exactly what was asked:
a file this module cannot change without loss is refused, not damaged.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import LiteralScalarString, ScalarString
from ruamel.yaml.util import load_yaml_guess_indent

from rpchat.errors import FileError
from rpchat.store.reading import load_yaml
from rpchat.store.scalars import plain


def fresh(values: Mapping[str, object], *, name: str) -> bytes:
    """Return `values` as a YAML file, texts of several lines as blocks. Raises FileError (see `edited`)."""
    return edited(b"", values, name=name)


def edited(source: bytes, values: Mapping[str, object], *, name: str) -> bytes:
    """Return the YAML file `source` changed so that it holds exactly `values`.

    Comments, quotes, and all that already has its value stay as they are; fields keep the order of the file, the
    keys inside them take the order of `values`. Raises FileError naming `name` if the file cannot be changed so,
    because it uses aliases, for instance.
    """
    if source and _same(load_yaml(source, name=name), values):
        return source
    text = source.decode("utf-8-sig")
    for block in (True, False):  # a block cannot hold every text: some need quotes
        try:
            data = _written(text, values, block=block).encode()
        except YAMLError:
            continue
        if _same(load_yaml(data, name=name), values):
            return data
    raise FileError(f"{name} cannot be changed without losing something", "Edit it by hand")


def _written(text: str, values: Mapping[str, object], *, block: bool) -> str:
    writer = YAML(typ="rt")
    writer.preserve_quotes = True
    writer.width = 1 << 20
    writer.allow_unicode = True
    writer.indent(mapping=2, sequence=4, offset=2)
    document = None
    if text.strip():
        document, indent, offset = load_yaml_guess_indent(text)
        document = writer.load(text)
        if offset is not None and indent is not None:
            writer.indent(mapping=2, sequence=max(indent, offset + 2), offset=offset)
    head = ""
    if document is None:  # nothing in it but comments, which ruamel would drop
        head = text if not text or text.endswith("\n") else text + "\n"
        document = CommentedMap()
    _update(document, values, block=block)
    out = io.StringIO()
    if document:
        writer.dump(document, out)
    return head + out.getvalue()


def _update(document: CommentedMap, values: Mapping[str, object], *, block: bool) -> None:
    """Make the mapping `document` equal `values`, touching what differs."""
    for key in [key for key in document if key not in values]:
        del document[key]
    for key, value in values.items():
        if key not in document:
            document[key] = _styled(value, block=block)
        else:
            document[key] = _changed(document[key], value, block=block)
    if list(document) != list(values):
        for key in values:
            document.move_to_end(key)


def _changed(old: object, value: object, *, block: bool) -> object:
    """Return what stands in a document for `value`, where `old` stood."""
    if _same(old, value):
        return old
    if isinstance(old, CommentedMap) and isinstance(value, Mapping):
        _update(old, value, block=block)
        return old
    if isinstance(old, CommentedSeq) and isinstance(value, Sequence) and not isinstance(value, str):
        _update_list(old, value, block=block)
        return old
    new = _styled(value, block=block)
    comment = getattr(old, "comment", None)
    if isinstance(old, ScalarString) and comment is not None:
        # ruamel hangs what follows a block of text on the text itself.
        kept = LiteralScalarString(str(new))
        kept.comment = comment
        return kept
    return new


def _update_list(old: CommentedSeq, values: Sequence[object], *, block: bool) -> None:
    kept = min(len(old), len(values))
    for index in range(kept):
        old[index] = _changed(old[index], values[index], block=block)
    trailing = old.ca.items.get(len(old) - 1)
    if len(values) < len(old):
        del old[kept:]
        if trailing is not None and kept and kept - 1 not in old.ca.items:
            old.ca.items[kept - 1] = trailing
    for value in values[kept:]:
        old.append(_styled(value, block=block))


def _styled(value: object, *, block: bool) -> object:
    match value:
        case str():
            return LiteralScalarString(value) if block and "\n" in value.strip("\n") else value
        case Mapping():
            return CommentedMap({key: _styled(item, block=block) for key, item in value.items()})
        case list() | tuple():
            return CommentedSeq([_styled(item, block=block) for item in value])
        case _:
            return plain(value)


def _same(left: object, right: object) -> bool:
    """Whether two values are the same data, in the same order; numbers may still carry their spelling."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return list(left) == list(right) and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return left == right
