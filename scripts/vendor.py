"""Writes the JavaScript libraries of the dashboard and of its tests, and their locks. This alone needs npm.

    python scripts/vendor.py

The versions stand below. `scripts/check_vendor.py` compares the files with the locks.
"""

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
DASHBOARD = REPOSITORY / "app/api/dashboard/static/vendor"
TESTS = REPOSITORY / "tests/ui/vendor"
LOCK = "vendor.lock"
LICENCES = "licences"
BUNDLER = "esbuild@0.28.0"

OURS = {
    "preact": "./preact.js",
    "preact/hooks": "./preact-hooks.js",
    "@preact/signals-core": "./signals-core.js",
}
"""Where a module of this folder finds the others: a page needs no import map, and so no script within itself."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package of npm.

    files: the files that are taken, and their names here.
    licence: the files with the licence.
    """

    name: str
    version: str
    files: Mapping[str, str]
    licence: Sequence[str] = ("LICENSE",)


@dataclass(frozen=True, slots=True)
class Bundle:
    """Several packages that are of use only together, made into one module.

    packages: the packages, with their versions.
    """

    name: str
    version: str
    file: str
    packages: Mapping[str, str]
    source: str = field(repr=False)


PACKAGES = (
    Package("preact", "11.2.0", {"dist/preact.mjs": "preact.js", "hooks/dist/hooks.mjs": "preact-hooks.js"}),
    Package("htm", "3.1.1", {"dist/htm.module.js": "htm.js"}),
    Package("@preact/signals-core", "1.14.5", {"dist/signals-core.mjs": "signals-core.js"}),
    Package("@preact/signals", "2.11.4", {"dist/signals.mjs": "signals.js"}),
    Package("@dagrejs/dagre", "3.1.3", {"dist/dagre.esm.js": "dagre.js"}),
    Package(
        "swagger-ui-dist",
        "5.35.0",
        {"swagger-ui-bundle.js": "swagger-ui-bundle.js", "swagger-ui.css": "swagger-ui.css"},
        ("LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"),
    ),
)

EDITOR = Bundle(
    "codemirror",
    "6",
    "codemirror.js",
    {
        "@codemirror/autocomplete": "6.20.4",
        "@codemirror/commands": "6.11.1",
        "@codemirror/lang-json": "6.0.2",
        "@codemirror/lang-yaml": "6.1.3",
        "@codemirror/language": "6.13.1",
        "@codemirror/lint": "6.9.8",
        "@codemirror/merge": "6.12.3",
        "@codemirror/search": "6.7.2",
        "@codemirror/state": "6.7.6",
        "@codemirror/view": "6.43.15",
        "@lezer/highlight": "1.2.5",
    },
    """
export {EditorState, Compartment, EditorSelection, StateEffect, StateField} from "@codemirror/state";
export {EditorView, keymap, lineNumbers, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars,
    drawSelection, placeholder, Decoration} from "@codemirror/view";
export {defaultKeymap, history, historyKeymap, indentWithTab} from "@codemirror/commands";
export {bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit, syntaxHighlighting, HighlightStyle,
    syntaxTree} from "@codemirror/language";
export {linter, lintGutter, setDiagnostics, lintKeymap} from "@codemirror/lint";
export {searchKeymap, highlightSelectionMatches} from "@codemirror/search";
export {autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap} from "@codemirror/autocomplete";
export {MergeView, unifiedMergeView} from "@codemirror/merge";
export {json, jsonLanguage} from "@codemirror/lang-json";
export {yaml, yamlLanguage} from "@codemirror/lang-yaml";
export {tags} from "@lezer/highlight";
""",
)

FOR_TESTS = (Package("axe-core", "4.14.1", {"axe.min.js": "axe.min.js"}, ("LICENSE", "LICENSE-3RD-PARTY.txt")),)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        _write(DASHBOARD, [*(_vendored(p, DASHBOARD, work) for p in PACKAGES), _bundled(EDITOR, DASHBOARD, work)])
        _write(TESTS, [_vendored(package, TESTS, work) for package in FOR_TESTS])


def _vendored(package: Package, target: Path, work: Path) -> dict[str, object]:
    spec = f"{package.name}@{package.version}"
    packed = _run(["npm", "pack", "--silent", spec], work).split()[-1]
    unpacked = work / packed.removesuffix(".tgz")
    with tarfile.open(work / packed) as archive:
        archive.extractall(unpacked, filter="data")
    root = unpacked / "package"
    for source, name in package.files.items():
        _save(target / name, _settled((root / source).read_text("utf-8")))
    licence = "\n".join((root / name).read_text("utf-8") for name in package.licence)
    stem = package.name.replace("@", "").replace("/", "-")
    _save(target / LICENCES / f"{stem}.txt", licence)
    declared = json.loads((root / "package.json").read_text("utf-8"))
    return _entry(
        package.name,
        package.version,
        declared["license"],
        target,
        [*package.files.values(), f"{LICENCES}/{stem}.txt"],
    )


def _bundled(bundle: Bundle, target: Path, work: Path) -> dict[str, object]:
    folder = work / bundle.name
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": bundle.packages}), "utf-8")
    (folder / "bundle.js").write_text(bundle.source, "utf-8")
    _run(["npm", "install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
    options = ["--bundle", "--format=esm", "--minify", "--target=es2022", "--legal-comments=none", "--outfile=out.js"]
    _run(["npx", "--yes", BUNDLER, "bundle.js", *options], folder)
    _save(target / bundle.file, (folder / "out.js").read_text("utf-8"))
    parts = sorted(folder.glob("node_modules/**/package.json"))
    installed = [(path.parent, json.loads(path.read_text("utf-8"))) for path in parts]
    named = {about["name"]: (at, about) for at, about in installed if "version" in about and "name" in about}
    texts = [_licence_of(at, about) for _, (at, about) in sorted(named.items())]
    _save(target / LICENCES / f"{bundle.name}.txt", "\n\n".join(texts))
    licence = " AND ".join(sorted({str(about["license"]) for _, about in named.values()}))
    entry = _entry(bundle.name, bundle.version, licence, target, [bundle.file, f"{LICENCES}/{bundle.name}.txt"])
    return entry | {"packages": {name: about["version"] for name, (_, about) in sorted(named.items())}}


def _licence_of(folder: Path, about: Mapping[str, object]) -> str:
    found = next((path for path in sorted(folder.glob("LICEN[CS]E*"))), None)
    text = found.read_text("utf-8") if found is not None else f"{about['license']}\n"
    return f"{about['name']} {about['version']}\n\n{text}"


def _settled(text: str) -> str:
    """Imports by their path in this folder, and no pointer to a source map that is not here."""
    text = re.sub(r"\n?//# sourceMappingURL=\S+\s*$", "\n", text)
    text = re.sub(r"/\*# sourceMappingURL=.*?\*/\s*$", "\n", text)
    return re.sub(r'(\bfrom|\bimport)"([^"./][^"]*)"', _own_path, text)


def _own_path(found: re.Match[str]) -> str:
    name = found.group(2)
    return f'{found.group(1)}"{OURS[name]}"' if name in OURS else found.group(0)


def _entry(name: str, version: str, licence: str, target: Path, files: Sequence[str]) -> dict[str, object]:
    return {
        "name": name,
        "version": version,
        "licence": licence,
        "files": {file: hashlib.sha512((target / file).read_bytes()).hexdigest() for file in sorted(files)},
    }


def _save(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")


def _write(target: Path, entries: Sequence[Mapping[str, object]]) -> None:
    ordered = sorted(entries, key=lambda entry: str(entry["name"]))
    _save(target / LOCK, json.dumps(ordered, indent=1) + "\n")
    sys.stdout.write(f"{target.relative_to(REPOSITORY)}: {len(ordered)} packages\n")


def _run(command: Sequence[str], folder: Path) -> str:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
