"""A private deployment for one test file: targets behind the verifying proxy, `holdpoint up` on free ports, real clients.

Everything lives in one folder and ends with it. Needs the programs in HOLDPOINT_BIN (ctest sets it).
"""

import hashlib
import json
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("HOLDPOINT_BIN", ROOT / "build/release/bin"))
ROLE = "arn:aws:iam::123456789012:role/coding-agent"
SECRETS = ("4111 1111 1111 1111", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "correct-horse-battery-9",
           "DE89 3704 0044 0532 0130 00")
# Of AddressSanitizer, LeakSanitizer, ThreadSanitizer and UndefinedBehaviorSanitizer.
REPORT = re.compile(r"(WARNING|ERROR): \w+Sanitizer:|: runtime error: ")
REPORT_SHOWN = 6000
sys.path.insert(0, str(ROOT / "ops/demo"))

for name in list(os.environ):
    if name.lower().endswith("_proxy") or name.startswith(("AWS_", "PG")):
        del os.environ[name]
os.environ["NO_PROXY"] = "*"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, what, seconds=20):
    """The first true value of `condition()`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"within {seconds} s not: {what}")


class Failed(Exception):
    """A command that ended with an error; its text is the command's."""


class Deployment:
    def __init__(self, gateways=1, maskers=1):
        # Not pytest's folder: that is closed to the services' account.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="holdpoint-e2e-", dir="/var/tmp"))
        self.folder.chmod(0o711)
        self.var = self.folder / "var"
        self.gateway_port, self.console_port = free_port(), free_port()
        self.gateway = f"http://127.0.0.1:{self.gateway_port}"
        self.console = f"127.0.0.1:{self.console_port}"
        self.environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(self.folder),
                            "HOLDPOINT_VAR": str(self.var), "HOLDPOINT_BIN": str(BIN)}
        self.sizes = ["--gateways", str(gateways), "--maskers", str(maskers)]
        self.targets = None
        self.target_process = None
        self.tokens = {}
        self.said_up = ""

    # Life

    def start(self):
        self.start_targets()
        self.write_configuration()
        self.up("--credentials", f"demo-gateway={self.folder}/targets/upstream.json")
        return self

    def start_targets(self):
        folder = self.folder / "targets"
        log = open(self.folder / "targets.log", "w", encoding="utf-8")
        self.target_process = subprocess.Popen(["/usr/bin/python3", str(ROOT / "ops/demo/targets.py"), str(folder),
                                                "--free-ports", "--die-with-parent"], stdout=log, stderr=log,
                                               stdin=subprocess.DEVNULL)
        ready = folder / "targets.json"
        try:
            wait_for(lambda: ready.exists() or self.target_process.poll() is not None, "targets started", 60)
            self.targets = json.loads(ready.read_text(encoding="utf-8"))
        except (AssertionError, OSError) as error:
            raise AssertionError("targets: " + (self.folder / "targets.log").read_text()) from error

    def write_configuration(self, edit=lambda text: text):
        folder = self.folder / "configuration"
        if not folder.exists():
            shutil.copytree(ROOT / "ops/demo", folder, ignore=shutil.ignore_patterns("*.py", "*.js", "__pycache__"))
        text = (ROOT / "ops/demo/holdpoint.yaml").read_text(encoding="utf-8")
        text = text.replace("127.0.0.1:7400", f"127.0.0.1:{self.gateway_port}")
        text = text.replace("http://127.0.0.1:7410", self.targets["dynamodb"]).replace("http://127.0.0.1:7412",
                                                                                     self.targets["s3"])
        (folder / "holdpoint.yaml").write_text(edit(text), encoding="utf-8")

    def up(self, *more):
        self.said_up = self.holdpoint(["up", "--detach", "--config", str(self.folder / "configuration/holdpoint.yaml"),
                                       "--console", self.console, *self.sizes, *more], seconds=180)

    def down(self):
        self.holdpoint("down", seconds=150)

    def close(self):
        reports = []
        try:
            self.down()
        finally:
            if self.target_process:
                self.target_process.terminate()
                self.target_process.wait(10)
            reports = self.sanitizer_reports()
            if os.environ.get("HOLDPOINT_KEEP"):
                print("kept:", self.folder)
            else:
                state = [self.var.resolve()] if self.var.is_symlink() else []
                digest = hashlib.sha256(str(self.var).encode()).hexdigest()[:8]
                for folder in [*state, self.folder, pathlib.Path(f"/run/holdpoint-{digest}")]:
                    shutil.rmtree(folder, ignore_errors=True)
        if reports:
            raise AssertionError("\n".join(reports))

    def sanitizer_reports(self):
        """What programs built with a sanitizer said of themselves in their logs."""
        reports = []
        for log in sorted((self.var / "log").glob("*.log*")):
            text = log.read_text(encoding="utf-8", errors="replace")
            found = REPORT.search(text)
            if found:
                reports.append(f"{log.name}: {text[found.start():found.start() + REPORT_SHOWN]}")
        return reports

    # People

    def holdpoint(self, arguments, stdin="", check=True, seconds=60):
        words = arguments.split() if isinstance(arguments, str) else arguments
        done = subprocess.run([str(BIN / "holdpoint"), *words], input=stdin, env=self.environment, capture_output=True,
                              text=True, timeout=seconds)
        if check and done.returncode != 0:
            raise Failed(f"holdpoint {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout if check else done

    def holdpoint_json(self, arguments):
        words = arguments.split() if isinstance(arguments, str) else arguments
        return json.loads(self.holdpoint(["--json", *words]))

    def waiting_review(self, operation="DeleteTable"):
        def find():
            return [review for review in self.holdpoint_json("reviews list") if review["operation"] == operation]
        return wait_for(find, f"a review of {operation}")[0]

    def token(self, subject="agent-7", groups="agents"):
        key = (subject, groups)
        if key not in self.tokens:
            self.tokens[key] = self.holdpoint(["token", "issue", "--subject", subject, "--groups", groups]).strip()
        return self.tokens[key]

    def sql(self, query):
        """Rows as dictionaries, with the documented read-only role."""
        identity = json.loads((self.var / "keys/operator.json").read_text(encoding="utf-8"))
        sockets = identity["bus_endpoint"].removeprefix("ipc://").removesuffix("/bus")
        dsn = f"host={sockets}/postgres dbname=holdpoint user=holdpoint_reader"
        done = subprocess.run(["/usr/bin/psql", "-X", "-A", "-t", dsn, "-c",
                               f"SELECT coalesce(json_agg(q), '[]') FROM ({query}) q"], capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(done.stderr)
        return json.loads(done.stdout)

    def calls(self, target):
        """What reached the target with a good signature."""
        file = self.folder / f"targets/{target}.calls"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return [call for call in map(json.loads, lines) if call["accepted"]]

    # The agent

    def agent_environment(self, token=None, role=ROLE):
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/var/lib/holdpoint-agent", "AWS_PAGER": "",
                "AWS_DEFAULT_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.gateway}/credentials?role={role}",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": token or self.token()}

    def start_aws(self, arguments, token=None):
        """Debian's AWS CLI as the agent's account, logged in through the container endpoint."""
        words = arguments if isinstance(arguments, list) else arguments.split()
        return subprocess.Popen(as_agent() + ["/usr/bin/aws", *words, "--endpoint-url", self.gateway],
                                env=self.agent_environment(token), cwd="/", stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)

    def aws(self, arguments, token=None, seconds=120):
        """Exit code and everything that was printed."""
        process = self.start_aws(arguments, token)
        output, _ = process.communicate(timeout=seconds)
        return process.returncode, output

    def boto(self, service, token=None, **settings):
        """A boto3 client with gateway-local credentials from the container endpoint."""
        import boto3
        import botocore.config
        import urllib.request

        request = urllib.request.Request(f"{self.gateway}/credentials?role={ROLE}",
                                         headers={"Authorization": token or self.token()})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        answer = json.load(opener.open(request, timeout=20))
        # A session of its own: the shared one must not be used by several threads.
        return boto3.Session().client(service, endpoint_url=self.gateway, region_name="eu-west-1",
                                      aws_access_key_id=answer["AccessKeyId"], aws_secret_access_key=answer["SecretAccessKey"],
                                      aws_session_token=answer["Token"], config=botocore.config.Config(proxies={}, **settings))


def as_agent():
    """The prefix that runs a command as another account than ours."""
    if os.geteuid() != 0:
        return []
    try:
        pwd.getpwnam("holdpoint-agent")
    except KeyError:
        subprocess.run(["/usr/sbin/useradd", "--system", "--user-group", "--create-home", "--home-dir",
                        "/var/lib/holdpoint-agent", "--shell", "/usr/sbin/nologin", "holdpoint-agent"], check=True)
    return ["/usr/bin/setpriv", "--reuid=holdpoint-agent", "--regid=holdpoint-agent", "--clear-groups"]
