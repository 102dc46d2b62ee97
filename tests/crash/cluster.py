"""PostgreSQL servers of a run, by PostgreSQL's own programs; they wait for the disk."""

import contextlib
import glob
import os
import pwd
import shutil
import signal
import subprocess

from campaign import free_port, hold


class Cluster:
    """A PostgreSQL server of this run. It refuses to run as root."""

    def __init__(self, folder, name="postgres", options=""):
        self.prepare(folder, name, options)
        self.call("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        self.start()

    def prepare(self, folder, name, options):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: float(path.split("/")[-2]))
        programs = found[-1] if found else os.path.dirname(shutil.which("initdb") or "")
        hold(programs, "PostgreSQL's server is not installed: run scripts/setup.sh test")
        self.programs, self.data, self.folder, self.port = programs, folder / name, folder, free_port()
        self.options = options
        self.run_as = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            self.run_as = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
            self.data.mkdir(mode=0o700)
            os.chown(self.data, user.pw_uid, user.pw_gid)
            os.chmod(folder, 0o711)

    def call(self, program, *arguments):
        told = [*self.run_as, f"{self.programs}/{program}", *map(str, arguments)]
        done = subprocess.run(told, capture_output=True, text=True, check=False, cwd="/", stdin=subprocess.DEVNULL)
        hold(done.returncode == 0, f"{program}: {done.stdout} {done.stderr}")

    def start(self):
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=100 {self.options}"
        self.call("pg_ctl", "-D", self.data, "-l", self.data / "log", "-s", "-w", "-t", "60", "-o", options, "start")

    def stop(self, mode):
        self.call("pg_ctl", "-D", self.data, "-m", mode, "-s", "-w", "stop")

    def kill(self):
        """As when the machine loses its power: nothing is written, nobody is told."""
        postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(postmaster)], capture_output=True, text=True, check=False)
        for pid in [postmaster, *map(int, children.stdout.split())]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def say(self, sql):
        """Rows of one column, by the server's own client."""
        told = [f"{self.programs}/psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-XAtc", sql]
        done = subprocess.run(told, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        hold(done.returncode == 0, f"{sql}: {done.stderr}")
        return done.stdout.split()

    @property
    def url(self):
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres?sslmode=disable"
