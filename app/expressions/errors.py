"""What can be wrong with an expression, when it is written and when it is evaluated."""


class ExpressionError(Exception):
    """The text is no expression, or may not be one here. The message says what is wrong with it, without the text."""


class EvaluationError(Exception):
    """The expression has no value for these data. The message holds the expression and the reason."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"${{{source}}}: {reason}")
        self.source = source
        self.reason = reason
