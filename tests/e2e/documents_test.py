"""What the documents say is true: commands exist, configuration and policy by example are accepted, links lead somewhere."""

import json
import re
import subprocess

import pytest
from harness import BIN, ROOT

DOCUMENTS = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "bench/README.md",
                                      "bus/PROTOCOL.md")]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, timeout=60)


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


def commands():
    """`holdpoint reviews list` and the like: the words before the first that is an argument."""
    found = set()
    for document in DOCUMENTS:
        for words in re.findall(r"\bholdpoint((?: [a-z]+)+)", re.sub(r"[|\\]", " ", document.read_text(encoding="utf-8"))):
            found.add(tuple(words.split()[:2]))
    return found


def test_every_command_that_a_document_names_exists():
    groups = set(re.findall(r"^  ([a-z]+) ", run(BIN / "holdpoint", "--help").stdout.split("Subcommands:")[1], re.M))
    assert len(groups) > 10
    named = {words for words in commands() if words[0] in groups}
    assert ("reviews", "list") in named and ("audit", "verify") in named
    for words in named:
        helped = run(BIN / "holdpoint", words[0], "--help").stdout
        subcommands = re.findall(r"^  ([a-z]+) ", helped.split("Subcommands:")[1], re.M) if "Subcommands:" in helped else []
        if subcommands and len(words) > 1:
            assert words[1] in subcommands, f"holdpoint {' '.join(words)} does not exist"


def test_every_script_that_a_document_names_exists():
    for document in DOCUMENTS:
        for path in re.findall(r"^(ops/[a-z]+)", document.read_text(encoding="utf-8"), re.M):
            assert (ROOT / path).exists(), f"{document.name}: {path}"
            assert run("bash", "-n", str(ROOT / path)).returncode == 0


def test_the_configuration_and_the_policy_by_example_are_accepted(tmp_path):
    statement = json.loads(blocks("json")[0])
    assert statement["Effect"] == "Hold"
    (tmp_path / "policies").mkdir()
    (tmp_path / "trust").mkdir()
    (tmp_path / "policies/orders.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    (tmp_path / "trust/coding-agent.json").write_text((ROOT / "ops/demo/trust/coding-agent.json").read_text())
    file = tmp_path / "holdpoint.yaml"
    file.write_text(blocks("yaml")[0])
    done = run(BIN / "holdpoint", "config", "lint", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    file.write_text(blocks("yaml")[0].replace("masking:", "maskign:"))
    done = run(BIN / "holdpoint", "config", "lint", str(file))
    assert done.returncode != 0 and "masking" in done.stderr and "holdpoint.yaml:" in done.stderr, done.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(document):
    for link in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
        assert (document.parent / link).exists(), link
