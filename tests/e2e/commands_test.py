"""Every command that a document shows is run here as it stands there, with names in place of its placeholders."""

import json
import re
import subprocess

import pytest

import harness
from documents_test import DOCUMENTS

ROOT = harness.ROOT
ENTER = re.compile(r"http://\S+/enter\?code=\S+")


def shell_lines(text):
    for block in re.findall(r"```sh\n(.*?)```", text, re.S):
        for line in block.splitlines():
            yield line.split("  #")[0].strip()


def spans(line):
    """Commands in back quotes; behind `holdpoint reviews list` in a table, `show ID` and `reviews show ID` mean its like."""
    group = None
    for span in re.findall(r"`([^`]+)`", line.replace("\\|", "|")):
        if span.startswith("holdpoint "):
            group = span.split()[:2]
            yield span
        elif group and line.startswith("|") and re.fullmatch(r"[a-z]+( [a-z]+)?( [A-Z]+)?( --[a-z]+ …)?", span):
            yield " ".join([*group, span.removeprefix(group[1] + " ")])


def documented():
    found = set()
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        found.update(filter(None, shell_lines(text)))
        for line in text.splitlines():
            found.update(span for span in spans(line) if "holdpoint." not in span)
    return found


def scripts():
    return {command for command in documented() if command.startswith(("ops/", "/usr/bin/python3 ")) or "pytest" in command}


def shell(deployment, script, stdin=""):
    environment = {**deployment.environment, "PATH": f"{harness.BIN}:{deployment.environment['PATH']}", "AWS_PAGER": "",
                   "AWS_DEFAULT_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=environment, cwd=deployment.folder, input=stdin,
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout


def ours(deployment, command):
    return command.replace("http://127.0.0.1:7400", deployment.gateway)


def held_call(deployment):
    """A deletion that waits, and the id of its review."""
    waiting = deployment.start_aws("dynamodb delete-table --table-name scratch")
    return waiting, deployment.waiting_review()["review_id"]


def decided(deployment, command, reviewer=" --as alice --groups sre"):
    waiting, review = held_call(deployment)
    shell(deployment, command.replace("ID", review).replace("…", "'not today'") + reviewer)
    output, _ = waiting.communicate(timeout=60)
    return waiting.returncode, output


def test_a_client_is_pointed_at_the_gateway_as_the_readme_says(deployment):
    lines = [line for line in shell_lines((ROOT / "README.md").read_text()) if line.startswith(("eval ", "aws "))]
    assert len(lines) == 2
    (deployment.folder / "token.jwt").write_text(deployment.token())
    item = json.loads(shell(deployment, "\n".join(ours(deployment, line) for line in lines)))
    assert item["Item"]["id"] == {"S": "1001"}


def token(deployment, command):
    assert shell(deployment, command).count(".") == 2


def lint(deployment, command):
    shell(deployment, command.replace("FILE", str(deployment.folder / "configuration/holdpoint.yaml")))


def lint_policy(deployment, command):
    shell(deployment, command.replace("FILE", str(deployment.folder / "configuration/policies/orders.json")))


def apply(deployment, command):
    version = deployment.holdpoint_json("config show")["version"]
    assert str(version) in shell(deployment, command)


def set_credentials(deployment, command):
    shell(deployment, command.replace("NAME", "demo-gateway"), (deployment.folder / "targets/upstream.json").read_text())


def list_reviews(deployment, command):
    waiting, review = held_call(deployment)
    assert review in shell(deployment, command)
    shell(deployment, f"holdpoint reviews reject {review} --as alice --groups sre --reason no")
    waiting.communicate(timeout=60)


def show_review(deployment, command):
    waiting, review = held_call(deployment)
    assert "dynamodb:DeleteTable" in shell(deployment, command.replace("ID", review))
    shell(deployment, f"holdpoint reviews reject {review} --as alice --groups sre --reason no")
    waiting.communicate(timeout=60)


def approve(deployment, command):
    assert decided(deployment, command)[0] == 0


def reject(deployment, command):
    code, output = decided(deployment, command)
    assert code != 0 and "not today" in output, output


def console(deployment, command):
    link = shell(deployment, f"{command} --as alice")  # on a port of its own, which the command finds
    assert ENTER.search(link) and deployment.console in link, link


def list_sessions(deployment, command):
    deployment.aws("dynamodb list-tables")
    assert "agent-7" in shell(deployment, command)


def replay(deployment, command):
    def operations():
        session = deployment.holdpoint_json("sessions list")[0]["session_id"]
        return "ListTables" in shell(deployment, command.replace("ID", session))

    deployment.aws("dynamodb list-tables")
    harness.wait_for(operations, "the session is in the record")


def explain(deployment, command):
    said = shell(deployment, command.replace("…", f"--role {harness.ROLE} --action dynamodb:DeleteTable --groups agents"))
    assert "hold" in said.lower()


def revoke(deployment, command):
    kinds = re.search(r"revoke (\S+) NAME", command).group(1).split("|")
    assert len(kinds) == 4
    names = {"principal": "local:nobody", "session": "01a00000-0000-7000-8000-000000000000", "role": harness.ROLE,
             "target": "demo"}
    for kind, name in [("principal", "nobody"), ("principal", "nowhere:nobody"), ("session", "nobody"),
                       ("role", harness.ROLE + "-x"), ("target", "Demo")]:
        done = deployment.holdpoint(["revoke", kind, name], check=False)
        assert done.returncode == 1 and "is revoked" not in done.stdout, (kind, name, done.stdout, done.stderr)
    for kind in kinds:
        shell(deployment, f"holdpoint revoke {kind} {names[kind]}")
        shell(deployment, f"holdpoint revoke {kind} {names[kind]} --undo")


def verify(deployment, command):
    assert "intact" in shell(deployment, command)


def prove(deployment, command):
    # A proof needs a checkpoint behind the entry.
    harness.wait_for(lambda: deployment.holdpoint(f"{command.removeprefix('holdpoint ')} 1", check=False).returncode == 0,
                     "entry 1 can be proved", 60)


def export(deployment, command):
    assert len(shell(deployment, command).splitlines()) > 3


def configured(deployment, command):
    return command.replace("FILE", str(deployment.folder / "configuration/holdpoint.yaml"))


def try_masks(deployment, command):
    body = {"id": 1, "content_type": "application/json", "text": '{"password":"Tr0ub4dor&3x"}'}
    (deployment.folder / "bodies.jsonl").write_text(json.dumps(body) + "\n")
    said = shell(deployment, configured(deployment, command))
    assert json.loads(said.splitlines()[0])["changed"] and "Tr0ub4dor" not in said, said


def try_masks_on_the_record(deployment, command):
    deployment.aws("dynamodb get-item --table-name orders --key '{\"id\":{\"S\":\"1001\"}}'")
    harness.wait_for(lambda: '"findings"' in shell(deployment, configured(deployment, command)), "a recorded call")


def doctor(deployment, command):
    shell(deployment, command)


RUNS = {"holdpoint token issue --subject agent-7 --groups agents": token, "holdpoint config lint FILE": lint,
        "holdpoint config apply": apply, "holdpoint credentials set NAME": set_credentials,
        "holdpoint reviews list": list_reviews, "holdpoint reviews show ID": show_review,
        "holdpoint reviews approve ID": approve, "holdpoint reviews reject ID --reason …": reject,
        "holdpoint console": console, "holdpoint sessions list": list_sessions, "holdpoint sessions replay ID": replay,
        "holdpoint policy explain …": explain, "holdpoint policy lint FILE": lint_policy,
        "holdpoint revoke principal|session|role|target NAME": revoke, "holdpoint audit verify": verify,
        "holdpoint audit prove": prove, "holdpoint audit export": export,
        "holdpoint mask --config FILE --jsonl --report-only < bodies.jsonl": try_masks,
        "holdpoint audit export | holdpoint mask --config FILE --jsonl --report-only": try_masks_on_the_record,
        "holdpoint doctor": doctor}
# `holdpoint up` starts every deployment of these tests.
ELSEWHERE = {"holdpoint up"}


def test_no_documented_command_is_left_out():
    shown = {command for command in documented() - scripts() - ELSEWHERE if not command.startswith(("eval ", "aws "))}
    assert shown == set(RUNS)


@pytest.mark.parametrize("command", RUNS)
def test_it_does_what_the_documents_say(deployment, command):
    RUNS[command](deployment, command)


def help_of(words):
    return subprocess.run([str(harness.BIN / "holdpoint"), *words, "--help"], capture_output=True, text=True, check=True).stdout


def commands(words=()):
    """Every command, groups too, as its words."""
    below = re.findall(r"^  ([a-z]+) ", help_of(words).partition("Subcommands:")[2].partition("Examples:")[0], re.M)
    for name in below:
        yield [*words, name]
        yield from commands([*words, name])


def test_every_command_has_help_with_examples():
    found = list(commands())
    assert ["audit", "verify"] in found and ["down"] in found and len(found) > 40, found
    for words in found:
        assert re.search(r"Examples:\n(.*\n)*.*holdpoint (--json )?" + words[0], help_of(words)), words


def test_a_command_that_does_not_exist_is_named():
    for words, said in [(["bogus"], 'there is no command "bogus"'), (["reviews", "lst"], 'did you mean "list"?')]:
        done = subprocess.run([str(harness.BIN / "holdpoint"), *words], capture_output=True, text=True)
        assert done.returncode == 2 and said in done.stderr, done.stderr


@pytest.mark.parametrize("command", sorted(scripts()))
def test_a_documented_script_knows_these_words(command):
    if "pytest" in command:
        assert (ROOT / command.split()[-1]).exists()
        return
    interpreter = ["/usr/bin/python3"] if command.startswith("/usr/bin/python3 ") else ["bash"]
    script, *words = command.removeprefix("/usr/bin/python3 ").split()
    helped = subprocess.run([*interpreter, str(ROOT / script), "--help"], capture_output=True, text=True, timeout=60).stdout
    assert script in helped
    # What stands behind a word of ops/dev belongs to the program that it starts.
    for word in words[:1] if script == "ops/dev" else [word for word in words if word.startswith("--")]:
        assert re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", helped), helped
