"""Which texts PostgreSQL and UTF-8 can hold."""

NUL = "\x00"


def text_problem(text: str) -> str | None:
    """Why the text cannot be stored; None when it can."""
    if NUL in text:
        return "must not contain the NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "must not contain lone surrogates"
    return None


def storable_text(text: str, limit: int | None = None) -> str:
    """The text with all that cannot be stored replaced by U+FFFD, cut to `limit` characters."""
    cut = text if limit is None or len(text) <= limit else text[: limit - 1] + "…"
    return cut.replace(NUL, "\ufffd").encode("utf-8", "surrogatepass").decode("utf-8", "replace")
