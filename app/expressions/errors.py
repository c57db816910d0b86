"""The errors of compiling and of evaluating expressions."""


class ExpressionError(Exception):
    """The text is not a valid expression, or not allowed here. The message has the reason, without the text."""


class EvaluationError(Exception):
    """The expression has no value for the given data. The message has the expression and the reason."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"${{{source}}}: {reason}")
        self.source = source
        self.reason = reason


class TooCostlyError(EvaluationError):
    """The expression was not evaluated to its end: it takes more than the limits allow."""


class NoValue(Exception):
    """A part of an expression has no value. `||`, `&&` and loops can absorb it.

    The message has the reason. It contains no strings of the data, because they can be secrets.
    """


class TooMuch(Exception):
    """An evaluation exceeds a limit. `||`, `&&` and loops do not absorb it."""


class OverBudget(Exception):
    """An evaluation takes more than it may where everything else waits meanwhile. It can be made again elsewhere, with
    the full limits, because evaluations change nothing.
    """
