"""Fails if a file or function is longer than the size budget."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILE_LINES = 400
FUNCTION_LINES = 60
USUAL_FUNCTION_LINES = 30  # nine of ten functions
REPOSITORY = Path(__file__).parents[1]
FOLDERS = ("app", "scripts", "bench", "examples")
EXEMPT = ("app/api/grpc/generated/", "app/adapters/database/tables.py")


@dataclass(frozen=True, slots=True)
class Size:
    """The number of lines of the file or function at `place`."""

    place: str
    lines: int


def files() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            if not path.relative_to(REPOSITORY).as_posix().startswith(EXEMPT):
                yield path


def functions(path: Path) -> Iterator[Size]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            place = f"{path.relative_to(REPOSITORY)}:{node.lineno} {node.name}"
            yield Size(place, node.end_lineno - node.lineno + 1)


def problems(file_sizes: list[Size], function_sizes: list[Size]) -> Iterator[str]:
    for size in file_sizes:
        if size.lines > FILE_LINES:
            yield f"{size.place} has {size.lines} lines; the limit is {FILE_LINES}"
    for size in function_sizes:
        if size.lines > FUNCTION_LINES:
            yield f"{size.place} has {size.lines} lines; the limit is {FUNCTION_LINES}"
    if (lines := usual(function_sizes)) > USUAL_FUNCTION_LINES:
        yield f"a tenth of the functions has more than {lines} lines; the limit is {USUAL_FUNCTION_LINES}"


def usual(sizes: list[Size]) -> int:
    """The 90th percentile of the lines."""
    ordered = sorted(size.lines for size in sizes)
    return ordered[(len(ordered) - 1) * 9 // 10] if ordered else 0


def main() -> None:
    paths = list(files())
    file_sizes = [Size(str(path.relative_to(REPOSITORY)), len(path.read_text("utf-8").splitlines())) for path in paths]
    function_sizes = [size for path in paths for size in functions(path)]
    found = list(problems(file_sizes, function_sizes))
    for problem in found:
        sys.stderr.write(f"{problem}\n")
    longest = max(function_sizes, key=lambda size: size.lines)
    sys.stdout.write(
        f"{len(file_sizes)} files, {len(function_sizes)} functions, nine of ten within {usual(function_sizes)} lines, "
        f"the longest has {longest.lines} ({longest.place})\n"
    )
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
