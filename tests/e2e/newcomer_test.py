"""The newcomer's first quarter of an hour: machines that are not fresh either work or are told what to do."""

import hashlib
import os
import pathlib
import shutil
import socket
import subprocess
import time

import pytest

import harness


@pytest.fixture
def checkout():
    """Just the scripts, elsewhere: the real checkout is locked while its tests run."""
    folder = pathlib.Path(subprocess.run(["/usr/bin/mktemp", "-d", "/var/tmp/holdpoint-newcomer-XXXXXX"], capture_output=True,
                                         text=True, check=True).stdout.strip())
    folder.chmod(0o755)
    shutil.copytree(harness.ROOT / "ops", folder / "ops", ignore=shutil.ignore_patterns("__pycache__"))
    yield folder
    shutil.rmtree(folder)


def bash(checkout, script, environment=None, user=None):
    command = ["/usr/bin/bash", "-c", f"set -euo pipefail; source {checkout}/ops/lib.sh; {script}"]
    if user:
        command = ["/usr/bin/setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups", *command]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent", **(environment or {})})


def first_of_free_ports():
    """A number N such that N, N+1 and N+10 to N+13 are free."""
    for first in range(21000, 30000, 50):
        try:
            for port in (0, 1, 10, 11, 12, 13):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", first + port))
            return first
        except OSError:
            continue
    raise AssertionError("no free ports")


@pytest.mark.parametrize("offset", [0, 1, 10, 13])
def test_a_busy_port_names_its_owner_and_the_flag(checkout, offset):
    first = first_of_free_ports()
    with socket.socket() as other:
        other.bind(("127.0.0.1", first + offset))
        other.listen()
        done = subprocess.run(["/usr/bin/bash", str(checkout / "ops/run"), "--ports", str(first)], capture_output=True, text=True,
                              timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode != 0
    assert f"port {first + offset} " in done.stderr and f"(process {os.getpid()})" in done.stderr, done.stderr
    assert "--ports" in done.stderr
    assert not (checkout / "var").exists() and "== packages" not in done.stdout, "nothing has begun"


def test_a_wrong_option_or_port_is_said(checkout):
    for words, expected in ((["--port", "1"], "unknown option --port"), (["--ports", "x"], "--ports needs"), (["--ports"], "--ports needs"),
                            (["--ports", "80"], "--ports needs")):
        done = subprocess.run(["/usr/bin/bash", str(checkout / "ops/run"), *words], capture_output=True, text=True, timeout=60)
        assert done.returncode != 0 and expected in done.stderr, (words, done.stderr)


def test_the_callers_aws_proxy_and_python_settings_steer_nothing(checkout, tmp_path):
    for name in ("python3", "node", "cmake"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 99\n")
        (tmp_path / name).chmod(0o755)
    hostile = {"AWS_PROFILE": "production", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_ENDPOINT_URL": "http://evil", "PGHOST": "db", "PGUSER": "x",
               "http_proxy": "http://proxy:1", "HTTPS_PROXY": "http://proxy:2", "NO_PROXY": "x", "PYTHONPATH": "/evil",
               "PYTHONHOME": "/evil", "NODE_OPTIONS": "--bad", "CDPATH": "/", "LC_ALL": "de_DE", "PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = bash(checkout, 'env; command -v python3; printf "apt gets %s\\n" "${original_environment[@]}"', hostile)
    assert done.returncode == 0, done.stderr
    seen = done.stdout.splitlines()
    for name in hostile:
        if name not in ("PATH", "LC_ALL"):
            assert not any(line.startswith(name + "=") for line in seen), name
    assert "/usr/bin/python3" in seen and "LC_ALL=C.UTF-8" in seen
    assert "apt gets http_proxy=http://proxy:1" in seen and "apt gets HTTPS_PROXY=http://proxy:2" in seen


def test_without_root_and_sudo_it_says_what_to_install(checkout):
    without_sudo = 'command() { [ "${2:-}" != sudo ] && builtin command "$@"; }; '
    done = bash(checkout, without_sudo + "missing_packages() { echo libzmq3-dev ninja-build; }; install_packages run build", user="nobody")
    assert done.returncode != 0
    assert "neither root nor sudo" in done.stderr and "apt-get install" in done.stderr and "libzmq3-dev" in done.stderr
    assert "--no-remove" in done.stderr


def test_a_package_that_would_be_removed_is_named_and_nothing_is_changed(checkout):
    script = ("missing_packages() { echo libboost1.81-dev; }; apt_get() { case $1 in update) ;; *) echo INSTALLED ;; esac; }; "
              "apt-get() { printf 'Remv libboost1.74-dev [1.74]\\nInst libboost1.81-dev (1.81)\\n'; }; install_packages build")
    done = bash(checkout, script)
    assert done.returncode != 0 and "libboost1.74-dev" in done.stderr and "Nothing was changed" in done.stderr
    assert "INSTALLED" not in done.stdout


def test_the_packages_own_cluster_is_not_made(checkout):
    script = ("apt_get() { echo \"apt $*\"; }; as_root() { case $1 in tee) cat >&2 ;; esac; echo \"root $*\"; }; "
              "keep_postgresql_clusters_out postgresql-15 libzmq5")
    done = bash(checkout, script)
    assert done.returncode == 0, done.stderr
    assert "create_main_cluster = false" in done.stderr and "postgresql-common" in done.stdout
    assert "createcluster.d" in done.stdout and "/etc/postgresql-common/createcluster.conf" not in done.stdout


def test_a_killed_try_does_not_stop_the_next(checkout):
    holder = subprocess.Popen(["/usr/bin/bash", "-c", f"source {checkout}/ops/lib.sh; lock_checkout; echo locked; sleep 60"],
                              stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert holder.stdout.readline().strip() == "locked"
    os.killpg(holder.pid, 9)
    holder.wait()
    begun = time.monotonic()
    done = bash(checkout, "lock_checkout; echo mine")
    assert done.stdout.strip() == "mine" and time.monotonic() - begun < 10
    # npm was interrupted: without its stamp it is asked again, with it nobody is asked.
    script = "npm() { echo asked; }; env() { while case $1 in *=*) true ;; *) false ;; esac; do shift; done; \"$@\"; }; install_npm; install_npm"
    done = bash(checkout, script)
    assert done.stdout.count("asked") == 1 and "all there" in done.stdout, done.stdout + done.stderr


def test_deep_paths_closed_homes_and_neighbours_work_and_another_postgresql_is_left_alone():
    if os.geteuid() != 0:
        pytest.fail("this test needs root: services run under accounts of their own")
    clusters = subprocess.run(["/usr/bin/pg_lsclusters"], capture_output=True, text=True).stdout
    other = socket.socket()
    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        other.bind(("127.0.0.1", 5432))
        other.listen()
    except OSError:
        pass  # somebody's PostgreSQL is there already, which is the case in question
    first, second = harness.Deployment(), harness.Deployment()
    home = first.folder / "home"
    home.mkdir(mode=0o700)
    first.var = home / ("deep" * 20) / ("path" * 20) / "var"
    first.var.parent.mkdir(parents=True)
    first.environment["HOLDPOINT_VAR"] = str(first.var)
    # An initdb that was interrupted.
    elsewhere = pathlib.Path("/var/lib/holdpoint-" + hashlib.sha256(str(first.var).encode()).hexdigest()[:8])
    (elsewhere / "postgres").mkdir(parents=True)
    (elsewhere / "postgres/PG_VERSION").write_text("15\n")
    get = ["dynamodb", "get-item", "--table-name", "orders", "--key", '{"id":{"S":"1001"}}']
    try:
        first.start()
        second.start()
        assert first.var.is_symlink() and first.var.resolve() == elsewhere
        assert first.aws(get)[0] == 0 and second.aws(get)[0] == 0
        for socket_file in pathlib.Path("/run").glob("holdpoint-*/*"):
            assert len(str(socket_file)) < 108
        first.down()
        assert second.aws(get)[0] == 0, "one stops, the other does not"
        first.up()
        assert first.aws(get)[0] == 0
    finally:
        first.close()
        second.close()
        other.close()
    assert subprocess.run(["/usr/bin/pg_lsclusters"], capture_output=True, text=True).stdout == clusters
