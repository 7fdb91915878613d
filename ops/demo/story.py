"""The main job, told with unmodified clients: each command is printed as a person would type it, then run.

The agent runs as the system user holdpoint-agent, which can read nothing of var/. Ends with an error when anything is
not as the story says.
"""

import argparse
import json
import os
import pathlib
import shlex
import subprocess
import sys
import time

import targets

ROOT = pathlib.Path(__file__).resolve().parents[2]
AGENT_HOME = pathlib.Path("/var/lib/holdpoint-agent")
ROLE = "arn:aws:iam::123456789012:role/coding-agent"


def heading(text):
    print(f"\n--- {text}", flush=True)


def shown(command):
    print("$ " + command, flush=True)


class Story:
    def __init__(self, holdpoint, demo, gateway):
        self.holdpoint = holdpoint
        self.demo = demo
        self.gateway = gateway

    def operator(self, arguments, show=True, check=True):
        """A command of the operator's or reviewer's."""
        if show:
            shown("holdpoint " + arguments)
        done = subprocess.run([self.holdpoint, *shlex.split(arguments)], capture_output=True, text=True, timeout=120)
        if show:
            print(done.stdout + done.stderr, end="", flush=True)
        if check and done.returncode != 0:
            sys.exit(f"error: holdpoint {arguments} failed: {done.stderr}")
        return done.stdout

    def agent_command(self, arguments, environment):
        settings = {"PATH": "/usr/bin:/bin", "HOME": str(AGENT_HOME), "AWS_EC2_METADATA_DISABLED": "true",
                    "AWS_DEFAULT_REGION": "eu-west-1", "AWS_PAGER": "", **environment}
        return (["setpriv", "--reuid=holdpoint-agent", "--regid=holdpoint-agent", "--clear-groups", "env", "-i"]
                + [f"{name}={value}" for name, value in settings.items()] + arguments)

    def agent(self, arguments, expect=0):
        """A command of the agent's, with Debian's AWS CLI, logged in through the container endpoint."""
        shown(arguments)
        done = subprocess.run(self.agent_command(self.aws(arguments), self.container_login()), capture_output=True, text=True,
                              timeout=300, cwd="/")
        print(done.stdout + done.stderr, end="", flush=True)
        if (done.returncode == 0) != (expect == 0):
            sys.exit(f"error: expected exit code {'0' if expect == 0 else 'other than 0'}, got {done.returncode}")
        return done.stdout + done.stderr

    @staticmethod
    def aws(arguments):
        words = shlex.split(arguments)
        return ["/usr/bin/aws", *words[1:]]

    def container_login(self):
        return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.gateway}/credentials?role={ROLE}",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": self.token}

    def waiting_review(self):
        for _ in range(100):
            reviews = json.loads(self.operator("--json reviews list", show=False))
            if reviews:
                return reviews[0]["review_id"]
            time.sleep(0.2)
        sys.exit("error: no review appeared within 20 seconds")

    def held(self, arguments, decision):
        """A held call in the background, the decision, and how the call ends."""
        shown(arguments + "   # waits")
        call = subprocess.Popen(self.agent_command(self.aws(arguments), self.container_login()), stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, cwd="/")
        review = self.waiting_review()
        self.operator("reviews list")
        self.operator(decision.format(review=review))
        output, _ = call.communicate(timeout=120)
        print("# the waiting command says:\n" + output, end="", flush=True)
        return call.returncode, output

    def restore_data(self):
        """What an earlier story deleted is there again."""
        ports = json.loads((self.demo / "targets.json").read_text(encoding="utf-8"))
        targets.seed(*(int(ports[name].rpartition(":")[2]) for name in ("dynamodb_server", "s3_server")))

    def tell(self):
        self.restore_data()
        endpoint = f"--endpoint-url {self.gateway}"
        heading("An agent gets a token, and with it gateway-local credentials (Debian's AWS CLI, container endpoint)")
        self.token = self.operator("token issue --subject agent-7 --groups agents", show=False).strip()
        shown("holdpoint token issue --subject agent-7 --groups agents > token")
        token_file = AGENT_HOME / "token"
        token_file.write_text(self.token, encoding="utf-8")
        shutil_chown(token_file)
        shown(f"export AWS_CONTAINER_CREDENTIALS_FULL_URI={self.gateway}/credentials?role={ROLE}")
        shown("export AWS_CONTAINER_AUTHORIZATION_TOKEN=$(cat token)")
        self.agent(f"aws sts get-caller-identity {endpoint}")

        heading("An allowed read: secrets and the card number come back masked")
        said = self.agent(f"aws dynamodb get-item --table-name orders --key '{{\"id\":{{\"S\":\"1001\"}}}}' {endpoint}")
        said += self.agent(f"aws dynamodb get-item --table-name orders --key '{{\"id\":{{\"S\":\"1002\"}}}}' {endpoint}")
        said += self.agent(f"aws s3 cp s3://reports/2026/summary.csv - {endpoint}")
        for secret in ("4111 1111 1111 1111", "wJalrXUtnFEMI/K7MDENG", "correct-horse-battery-9"):
            if secret in said:
                sys.exit(f"error: {secret} left the gateway unmasked")

        heading("A call outside the role's policy is refused, saying why")
        self.agent(f"aws dynamodb scan --table-name orders {endpoint}", expect=1)

        heading("Deleting a table needs a person: the call waits until somebody has decided")
        code, _ = self.held(f"aws dynamodb delete-table --table-name scratch {endpoint}",
                            "reviews approve {review} --as alice --groups sre --reason 'scratch data, agreed'")
        if code != 0:
            sys.exit("error: the approved call failed")
        heading("The same for another table, rejected: the reason reaches the agent")
        code, output = self.held(f"aws dynamodb delete-table --table-name orders {endpoint}",
                                 "reviews reject {review} --as alice --groups sre --reason 'orders are needed until year end'")
        if code == 0 or "year end" not in output:
            sys.exit("error: the rejection did not reach the agent")

        self.modern_client()
        self.record()
        heading("The agent's account can read nothing of this, vote on nothing, mint nothing")
        shown("sudo -u holdpoint-agent cat var/keys/operator.json")
        done = subprocess.run(self.agent_command(["cat", str(self.demo.parent / "keys/operator.json")], {}),
                              capture_output=True, text=True)
        print(done.stderr, end="")
        if done.returncode == 0:
            sys.exit("error: the agent could read the operator's key")

    def modern_client(self):
        heading("A client that knows AWS_ENDPOINT_URL logs in through the gateway's STS (JavaScript SDK v3)")
        environment = {"AWS_ENDPOINT_URL": self.gateway, "AWS_ROLE_ARN": ROLE, "AWS_REGION": "eu-west-1",
                       "AWS_WEB_IDENTITY_TOKEN_FILE": str(AGENT_HOME / "token")}
        for name, value in environment.items():
            shown(f"export {name}={value}")
        shown("node get_order.js 1001")
        script = (ROOT / "ops/demo/get_order.js").read_text(encoding="utf-8")
        packages = self.demo_packages()
        done = subprocess.run(self.agent_command(["node", "-", "1001"], {**environment, "NODE_PATH": packages}), input=script,
                              capture_output=True, text=True, timeout=120, cwd="/")
        print(done.stdout + done.stderr, end="", flush=True)
        if done.returncode != 0:
            sys.exit("error: the JavaScript client failed")

    def demo_packages(self):
        """The npm packages, where the agent's account can read them: a checkout may lie below a closed folder."""
        source = ROOT / "build/npm/node_modules"
        if all(folder.stat().st_mode & 0o001 for folder in source.parents):
            return str(source)
        copy = AGENT_HOME / "node_modules"
        subprocess.run(["cp", "-a", "--update", f"{source}/.", str(copy)], check=True)
        return str(copy)

    def record(self):
        heading("The whole story, in SQL and with a proof")
        identity = json.loads((self.demo.parent / "keys/operator.json").read_text(encoding="utf-8"))
        sockets = identity["bus_endpoint"].removeprefix("ipc://").removesuffix("/bus")
        query = "SELECT to_char(time,'HH24:MI:SS') AS time, service, operation, decision, status, left(reason,60) AS reason FROM audit.operations ORDER BY operations.time"
        dsn = f"host={sockets}/postgres dbname=holdpoint user=holdpoint_reader"
        shown(f"psql '{dsn}' -c \"{query}\"")
        time.sleep(1)  # the journal ships within a second
        done = subprocess.run(["psql", "-X", "-P", "pager=off", dsn, "-c", query], capture_output=True, text=True)
        print(done.stdout + done.stderr, end="", flush=True)
        if done.returncode != 0 or "DeleteTable" not in done.stdout:
            sys.exit("error: the record does not tell the story")
        self.operator("audit verify")
        self.tamper(sockets)

    def tamper(self, sockets):
        """One byte, altered by somebody who may do anything in the database, is found; put back, the log is intact."""
        heading("One byte of the record is altered, by a superuser who switched the triggers off")
        flip = ("SET session_replication_role = replica; UPDATE audit.entries SET bytes = "
                "set_byte(bytes, 20, get_byte(bytes, 20) # 1) WHERE index = 3;")
        command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", f"host={sockets}/postgres dbname=holdpoint user=postgres", "-c", flip]
        shown(shlex.join(command))
        subprocess.run(command, check=True)
        shown("holdpoint audit verify")
        done = subprocess.run([self.holdpoint, "audit", "verify"], capture_output=True, text=True, timeout=120)
        print(done.stdout + done.stderr, end="", flush=True)
        shown("psql …   # the same again: the byte is as it was")
        subprocess.run(command, check=True)
        if done.returncode == 0:
            sys.exit("error: the altered byte was not found")
        self.operator("audit verify")


def shutil_chown(path):
    subprocess.run(["chown", "holdpoint-agent:holdpoint-agent", str(path)], check=True)
    path.chmod(0o600)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--holdpoint", required=True)
    parser.add_argument("--demo", required=True, type=pathlib.Path)
    parser.add_argument("--gateway", required=True, help="http://ADDRESS:PORT")
    options = parser.parse_args()
    os.environ["HOLDPOINT_VAR"] = str(options.demo.parent)
    Story(options.holdpoint, options.demo, options.gateway).tell()
