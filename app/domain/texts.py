"""Texts that PostgreSQL and UTF-8 can store."""

NUL = "\x00"


def text_problem(text: str) -> str | None:
    """Why the text cannot be stored; None if it can."""
    if NUL in text:
        return "must not contain the NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "must not contain lone surrogates"
    return None


def storable_text(text: str, limit: int | None = None) -> str:
    """The text cut to `limit` characters, with U+FFFD for every character that cannot be stored."""
    cut = text if limit is None or len(text) <= limit else text[: limit - 1] + "…"
    return cut.replace(NUL, "\ufffd").encode("utf-8", "surrogatepass").decode("utf-8", "replace")
