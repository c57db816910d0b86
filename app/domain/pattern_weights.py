"""How large a regular expression becomes when it is compiled, estimated from its text.

Compiling takes 0.2 to 0.4 µs for each state. A repetition such as `\\pL{80}` stands for as many copies of what it
repeats, so seven characters can be 96,000 states. The estimate is made before anything is compiled.
"""

import re

LETTERS = 1_200
"""The states of a class of Unicode, such as `\\pL`: the automaton reads UTF-8 byte by byte."""

MANY = 30
"""The states of `.`, and of a class of everything but some characters."""

FEW = 4
"""The states of a class such as `[a-z]` or `\\d`, and the most of one character."""

BRANCH = 2
"""The states of a choice: of `|`, of `*`, and of each time that a repetition may end."""

A_PATTERN = 100
"""What a pattern costs besides its states."""

_TOKEN = re.compile(
    r"""
      (?P<letters> \\[pP](?:\{[^}]*\}?|.)? )
    | (?P<escape>  \\[\s\S]? )
    | (?P<class>   \[\^?\]?(?:\\[\s\S]|\[:[^\]]*:\]|[^\]\\])*+\]? )
    | (?P<open>    \((?:\?(?:P?<[^>]*>|[a-zA-Z-]*[:)]|[=!]|<[=!])?)? )
    | (?P<close>   \) )
    | (?P<times>   \{(?P<least>\d{1,9})(?P<comma>,)?(?P<most>\d{1,9})?\} )
    | (?P<any>     \. )
    | (?P<free>    [*+?|^$] )
    | (?P<other>   [\s\S] )
    """,
    re.VERBOSE | re.ASCII,
)


def pattern_weight(pattern: str) -> int:
    """The estimated number of states, never below that of what RE2 and Rust's `regex` make of a usual pattern."""
    groups, last = [0], 0
    for token in _TOKEN.finditer(pattern):
        kind = token.lastgroup
        if token["open"] is not None:
            # `(?i)` only sets a flag, and is closed already.
            if not token["open"].endswith(")"):
                groups.append(0)
            last = 0
        elif kind == "close":
            last = groups.pop() if len(groups) > 1 else 0
            groups[-1] += last
        elif token["times"] is not None:
            more = (last + BRANCH) * _times(token) - last
            groups[-1] += more
            last += more
        elif kind == "free":
            groups[-1] += BRANCH
            last += BRANCH
        else:
            last = _states(token)
            groups[-1] += last
    return A_PATTERN + sum(groups) * (2 if "(?i" in pattern else 1)


def _times(token: re.Match[str]) -> int:
    least = int(token["least"])
    if token["comma"] is None:
        return max(least, 1)
    return max(least + 1, int(token["most"] or 0))


def _states(token: re.Match[str]) -> int:
    text = token.group()
    if token.lastgroup == "letters" or "\\p" in text or "\\P" in text:
        return LETTERS * max(1, text.count("\\p") + text.count("\\P"))
    if token.lastgroup == "any" or text.startswith("[^") or text in ("\\D", "\\S", "\\W"):
        return MANY
    if token.lastgroup == "class":
        return max(FEW, len(text) // 2) * (1 if text.isascii() else FEW)
    return 1 if text.isascii() and token.lastgroup == "other" else FEW
