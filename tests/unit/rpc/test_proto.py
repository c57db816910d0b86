"""The proto for callers in other languages: names for their generated code, and the rules of buf."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from app.api.grpc.generated import workflow_pb2 as pb

REPOSITORY = Path(__file__).parents[3]
PROTOS = REPOSITORY / "protos"
BUF = Path(sys.executable).with_name("buf")
EXCEPTIONS = yaml.safe_load((PROTOS / "buf.yaml").read_text())["lint"]["except"]

needs_buf = pytest.mark.skipif(not BUF.exists(), reason="buf is not installed; make installs it with the other tools")


def test_generated_code_of_other_languages_has_names_of_its_own():
    options = pb.DESCRIPTOR.GetOptions()
    assert options.go_package == "workflowservice/workflowpb"
    assert (options.java_package, options.java_multiple_files) == ("workflow.grpc", True)
    assert options.java_outer_classname == "WorkflowProto"
    assert options.csharp_namespace == "Workflow.Grpc"
    assert options.objc_class_prefix == "WFS"
    assert (options.php_namespace, options.php_metadata_namespace) == ("Workflow\\Grpc", "Workflow\\Grpc\\Metadata")
    assert options.ruby_package == "Workflow::Grpc"


def test_names_on_the_wire_are_as_they_were():
    assert pb.DESCRIPTOR.package == "workflow"
    assert pb.DESCRIPTOR.services_by_name.keys() == ["WorkflowService"]


@needs_buf
def test_buf_finds_nothing():
    found = lint()
    assert (found.stdout, found.returncode) == ("", 0)


@needs_buf
@pytest.mark.parametrize("rule", EXCEPTIONS)
def test_every_exception_is_needed_and_explained(rule: str, tmp_path: Path):
    lines = (PROTOS / "buf.yaml").read_text().splitlines()
    line = next(number for number, text in enumerate(lines) if text.strip() == f"- {rule}")
    assert re.match(r"\s*# .{30}", lines[line - 1]) or re.match(r"\s*# .", lines[line - 2])
    stricter = tmp_path / "buf.yaml"
    stricter.write_text("\n".join(lines[:line] + lines[line + 1 :]))
    assert lint("--config", str(stricter)).returncode != 0


def lint(*options: str) -> "subprocess.CompletedProcess[str]":
    command = [str(BUF), "lint", str(PROTOS), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
