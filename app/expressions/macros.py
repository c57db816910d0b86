"""CEL's macros: `has`, and the loops. doc/langdef.md of cel-spec, "Macros"."""

from app.expressions.errors import ExpressionError
from app.expressions.syntax import Has, Index, Loop, Name, Node, Select

LOOPS = {"all": (2,), "exists": (2,), "exists_one": (2,), "existsOne": (2,), "filter": (2,), "map": (2, 3)}
"""The numbers of arguments that each accepts."""

_FORMS = {
    "map": "list.map(x, result) or list.map(x, condition, result)",
    "filter": "list.filter(x, condition)",
    "all": "list.all(x, condition)",
    "exists": "list.exists(x, condition)",
    "exists_one": "list.exists_one(x, condition)",
    "existsOne": "list.existsOne(x, condition)",
}


def expanded(name: str, target: Node | None, arguments: tuple[Node, ...], at: int) -> Node | None:
    """The node of a macro call; None for other calls. Raise `ExpressionError` for wrong arguments of a macro."""
    if name == "has" and target is None:
        return _has(arguments)
    if name not in LOOPS:
        return None
    if target is None or len(arguments) not in LOOPS[name] or not isinstance(arguments[0], Name):
        raise ExpressionError(f"{name} is written {_FORMS[name]}")
    variable, *others = arguments[0].name, *arguments[1:]
    condition = None if name == "map" and len(others) == 1 else others[0]
    return Loop(name, target, variable, condition, others[-1] if name == "map" else None, at)


def _has(arguments: tuple[Node, ...]) -> Has:
    if len(arguments) == 1 and isinstance(arguments[0], Select):
        return Has(arguments[0].operand, arguments[0].field)
    if len(arguments) == 1 and isinstance(arguments[0], Index):
        raise ExpressionError("has requires a field, as in has(input.name); for other names write 'any name' in input")
    raise ExpressionError("has requires one field, as in has(input.name)")
