"""Where a line of text is broken: by cell width, at spaces, and by the rules Japanese is set with (kinsoku)."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len, split_graphemes

NOT_FIRST = frozenset(
    "、。，．,.・：；:;?!？！‼⁇⁈⁉゛゜´｀ヽヾゝゞ々〻ー～〜…‥♪♡♥"
    "’”»›)）]］}｝〉》」』】〕〗〙〟｡､･ｰﾞﾟ」｣"
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶ"
)
"""No line begins with one of these: it would be read as belonging to nothing."""

NOT_LAST = frozenset("‘“«‹(（[［{｛〈《「『【〔〖〘〝｢")
"""No line ends with one of these."""


@lru_cache(maxsize=4096)
def breaks(line: str, width: int) -> tuple[int, ...]:
    """Return the indices in `line` (without newlines) at which a new row begins, each row at most `width` cells wide.

    White space at the end of a row may hang over. A single grapheme wider than `width` stands alone.
    """
    if cell_len(line) <= width:
        return ()
    graphemes = _graphemes(line)
    found: list[int] = []
    first = 0
    used = 0
    index = 0
    while index < len(graphemes):
        start, end, cells = graphemes[index]
        if used + cells > width and index > first and not line[start:end].isspace():
            index = first = _break_before(line, graphemes, first=first, over=index)
            found.append(graphemes[first][0])
            used = 0
        else:
            used += cells
            index += 1
    return tuple(found)


def _graphemes(line: str) -> list[tuple[int, int, int]]:
    """Return start, end and cells of every grapheme."""
    if line.isascii():
        return [(index, index + 1, 1) for index in range(len(line))]
    graphemes, _ = split_graphemes(line)
    # Of a joiner with nothing in front of it rich tells other cells here than where it paints.
    return [(start, end, cell_len(line[start:end])) for start, end, _ in graphemes]


def _break_before(line: str, graphemes: list[tuple[int, int, int]], *, first: int, over: int) -> int:
    """Return the grapheme that begins the next row, where `over` is the first one that no longer fits."""
    for index in range(over, first, -1):
        if _may_break(line, graphemes, index):
            return index
    return over


def _may_break(line: str, graphemes: list[tuple[int, int, int]], index: int) -> bool:
    left, right = line[graphemes[index - 1][0]], line[graphemes[index][0]]
    if right.isspace() or right in NOT_FIRST or left in NOT_LAST:
        return False
    if left.isspace():
        return True
    return _breaks_anywhere(left, graphemes[index - 1][2]) or _breaks_anywhere(right, graphemes[index][2])


def _breaks_anywhere(character: str, cells: int) -> bool:
    """Whether rows may break beside it without a space: kana, kanji, full width, emoji; and behind a dash."""
    return cells == 2 or character in "—–"
