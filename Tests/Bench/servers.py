"""The servers that a measurement needs, each in a temporary folder and gone afterwards."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = os.path.join(os.path.dirname(os.path.dirname(HERE)), "scripts")

PROXY = """
daemon off;
%(user)s
worker_processes 1;
pid %(top)s/pid;
error_log %(top)s/error.log;
events { worker_connections 512; }
http {
    log_format sizes "$request_length";
    access_log %(top)s/access.log sizes;
    client_body_temp_path %(top)s/body;
    proxy_temp_path %(top)s/proxy;
    fastcgi_temp_path %(top)s/x;
    uwsgi_temp_path %(top)s/x;
    scgi_temp_path %(top)s/x;
    client_max_body_size 0;
    server {
        listen 127.0.0.1:%(port)d;
        location / {
            proxy_pass http://127.0.0.1:%(registry)d;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_request_buffering off;
            proxy_buffering off;
        }
    }
}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Server:
    def __init__(self):
        self.top = tempfile.mkdtemp(prefix="imgbuild-bench-")
        self.children = []

    def start(self, command):
        with open(self.top + "/log", "ab") as log:
            self.children.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True))

    def wait_for(self, ready, what, seconds=30):
        end = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > end or any(child.poll() is not None for child in self.children):
                with open(self.top + "/log", encoding="utf-8", errors="replace") as f:
                    log = f.read()
                self.__exit__()
                raise SystemExit("bench: %s did not start:\n%s" % (what, log))
            time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for child in reversed(self.children):
            # The whole group: the scripts wait for the command they run.
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
                child.wait()
        shutil.rmtree(self.top, ignore_errors=True)


class Registry(Server):
    """An empty registry behind a proxy that counts what is sent to it."""

    def __init__(self):
        super().__init__()
        inner, port = free_port(), free_port()
        self.start([SCRIPTS + "/with-registry", "--port", str(inner), "sleep", "infinity"])
        with open(self.top + "/proxy.conf", "w", encoding="ascii") as f:
            f.write(PROXY % {"top": self.top, "port": port, "registry": inner, "user": "user root;" if os.geteuid() == 0 else ""})
        self.start(["nginx", "-p", self.top, "-e", self.top + "/error.log", "-c", self.top + "/proxy.conf"])
        self.wait_for(lambda: answers(inner) and answers(port), "the registry")
        self.host = "127.0.0.1:%d" % port
        self._seen = 0

    def uploaded(self):
        """Bytes of the requests since the last call."""
        time.sleep(0.05)
        with open(self.top + "/access.log", encoding="ascii") as f:
            total = sum(int(line) for line in f)
        total, self._seen = total - self._seen, total
        return total


class Docker(Server):
    """A private Docker daemon; its processor time and memory are read from /proc."""

    def __init__(self):
        super().__init__()
        told = self.top + "/host"
        tell = 'echo "$DOCKER_HOST" > "$0.new" && mv "$0.new" "$0" && exec sleep infinity'
        self.start([SCRIPTS + "/with-docker", "sh", "-c", tell, told])
        self.wait_for(lambda: os.path.exists(told), "the Docker daemon", 60)
        with open(told, encoding="ascii") as f:
            self.host = f.read().strip()
        folder = os.path.dirname(self.host[len("unix://"):])
        self.pids = []
        for name in ("pid", "run/containerd/containerd.pid"):
            with open(os.path.join(folder, name), encoding="ascii") as f:
                self.pids.append(int(f.read()))

    def cpu(self):
        ticks = 0
        for pid in self.pids:
            with open("/proc/%d/stat" % pid, encoding="ascii") as f:
                ticks += sum(int(n) for n in f.read().rsplit(")", 1)[1].split()[11:15])
        return ticks / os.sysconf("SC_CLK_TCK")

    def reset_peak(self):
        for pid in self.pids:
            with open("/proc/%d/clear_refs" % pid, "w", encoding="ascii") as f:
                f.write("5")

    def peak(self):
        """Peak resident memory of the daemon in KiB since `reset_peak`."""
        total = 0
        for pid in self.pids:
            with open("/proc/%d/status" % pid, encoding="ascii") as f:
                total += next(int(line.split()[1]) for line in f if line.startswith("VmHWM:"))
        return total
