"""Hosts on one machine: network namespaces on a bridge, each with one process of Holdpoint that knows nothing but its
identity file and the bus's address. Needs root; takes everything away again.
"""

import contextlib
import os
import pathlib
import pwd
import signal
import socket
import subprocess
import threading

import harness


def ip(*words, check=True):
    done = subprocess.run(["/usr/sbin/ip", *words], capture_output=True, text=True)
    if check and done.returncode != 0:
        raise AssertionError(f"ip {' '.join(words)}: {done.stderr}. This test needs root and the right to make network "
                             "namespaces (CAP_NET_ADMIN, CAP_SYS_ADMIN).")


class Network:
    """A bridge with this machine's address on it; hosts are added by name."""

    def __init__(self):
        if os.geteuid() != 0:
            raise AssertionError("this test needs root: it makes network namespaces (run it with sudo)")
        self.number = os.getpid() % 250 + 2
        self.prefix = f"hp-{os.getpid()}"
        self.bridge = f"hp-b{os.getpid()}"
        self.address = f"10.231.{self.number}.1"
        self.hosts = []
        self.relays = []

    def __enter__(self):
        try:
            ip("link", "add", self.bridge, "type", "bridge")
            ip("addr", "add", f"{self.address}/24", "dev", self.bridge)
            ip("link", "set", self.bridge, "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for relay in self.relays:
            relay.close()
        for number, host in enumerate(self.hosts):
            ip("netns", "del", host, check=False)
            ip("link", "del", f"hp-v{os.getpid()}-{number}", check=False)
        ip("link", "del", self.bridge, check=False)

    def host(self, name):
        """A namespace, and its address."""
        number = len(self.hosts)
        space, ours, theirs = f"{self.prefix}-{name}", f"hp-v{os.getpid()}-{number}", f"hp-w{os.getpid()}-{number}"
        self.hosts.append(space)
        ip("netns", "add", space)
        ip("link", "add", ours, "type", "veth", "peer", "name", theirs)
        ip("link", "set", theirs, "netns", space)
        ip("link", "set", ours, "master", self.bridge, "up")
        address = f"10.231.{self.number}.{number + 10}"
        ip("-n", space, "addr", "add", f"{address}/24", "dev", theirs)
        ip("-n", space, "link", "set", theirs, "up")
        ip("-n", space, "link", "set", "lo", "up")
        return space, address

    def relay(self, port):
        """Carries connections from the bridge to a port of this machine's loopback; returns its address."""
        listener = socket.create_server((self.address, 0))
        self.relays.append(listener)

        def pump(source, sink):
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    sink.sendall(data)
            with contextlib.suppress(OSError):
                sink.shutdown(socket.SHUT_WR)

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    server = socket.create_connection(("127.0.0.1", port))
                    for ends in ((client, server), (server, client)):
                        threading.Thread(target=pump, args=ends, daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        return f"{self.address}:{listener.getsockname()[1]}"


class Member:
    """One process of a deployment on a host of its own, as its unit would run it."""

    def __init__(self, deployment, network, program, name, arguments):
        self.name = name
        self.space, self.address = network.host(name)
        self.folder = deployment.folder / name
        self.folder.mkdir()
        identity = self.folder / "identity.json"
        deployment.holdpoint(["keys", "issue", program, name, "--bus", deployment.bus, "--file", str(identity)])
        account = f"holdpoint-{program}"  # the first deployment of this machine has made it
        for path in (self.folder, identity):
            subprocess.run(["/usr/bin/chown", f"{account}:{account}", str(path)], check=True)
        self.log = self.folder / "log"
        self.command = ["/usr/sbin/ip", "netns", "exec", self.space, "/usr/bin/setpriv", f"--reuid={account}",
                        f"--regid={account}", f"--groups={pwd.getpwnam('holdpoint').pw_gid}", str(harness.BIN / f"holdpoint-{program}"), "--identity",
                        str(identity), *[word.format(folder=self.folder, address=self.address) for word in arguments]]
        self.process = None

    def start(self):
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                                            cwd="/")

    def kill(self, how=signal.SIGKILL):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(15)

    def said(self):
        return pathlib.Path(self.log).read_text(encoding="utf-8")[-2000:]
