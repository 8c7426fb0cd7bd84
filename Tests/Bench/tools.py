"""The builders that are compared. Each builds a context and pushes the result, from a state of its own."""

import os
import shutil
import subprocess
import tempfile

import servers


class Figures:
    """Wall and processor seconds, peak memory in KiB."""

    def __init__(self, wall, cpu, memory):
        self.wall, self.cpu, self.memory = wall, cpu, memory

    def __add__(self, other):
        return Figures(self.wall + other.wall, self.cpu + other.cpu, max(self.memory, other.memory))


def measured(command, env, log):
    """Runs a command under GNU time, which adds nothing to its child's figures."""
    with tempfile.NamedTemporaryFile("r", encoding="ascii") as out, open(log, "ab") as err:
        done = subprocess.run(["/usr/bin/time", "-o", out.name, "-f", "%e %U %S %M"] + command, env=dict(os.environ, **env),
                              stdin=subprocess.DEVNULL, stdout=err, stderr=err, check=False)
        words = out.read().split()
    if done.returncode != 0:
        with open(log, encoding="utf-8", errors="replace") as f:
            raise RuntimeError("%s failed:\n%s" % (" ".join(command), f.read()[-2000:]))
    wall, user, system, memory = words[-4:]
    return Figures(float(wall), float(user) + float(system), int(memory))


class Tool:
    note = ""

    def __enter__(self):
        self.state = tempfile.mkdtemp(prefix="imgbuild-bench-")
        self.log = self.state + "/log"
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.state, ignore_errors=True)


class Imgbuild(Tool):
    name = "imgbuild"

    def __init__(self, program):
        self.program = program

    @staticmethod
    def missing():
        return None

    def version(self):
        return subprocess.run([self.program, "--version"], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()

    def build(self, workload, context, registry):
        # The files are this machine's and arbitrary: programs of other architectures among them are no error here.
        return measured([self.program, "--platform", ",".join(workload.platforms), "--build-arg", "REGISTRY=" + registry,
                         "--platform-check=warn", "-t", registry + "/bench/image:1", "--push", context],
                        {"IMGBUILD_CACHE_DIR": self.state + "/cache"}, self.log)


class Buildah(Tool):
    name = "buildah"
    note = "`buildah bud --layers`, then `buildah manifest push --all`"

    @staticmethod
    def missing():
        return None if shutil.which("buildah") else "it is not installed"

    def version(self):
        return subprocess.run(["buildah", "--version"], stdout=subprocess.PIPE, text=True, check=False).stdout.split("(")[0].strip()

    def _buildah(self, *arguments):
        return measured(["buildah", "--root", self.state + "/root", "--runroot", self.state + "/run", *arguments], {}, self.log)

    def build(self, workload, context, registry):
        if os.path.exists(self.state + "/root"):
            subprocess.run(["buildah", "--root", self.state + "/root", "--runroot", self.state + "/run", "manifest", "rm",
                            "localhost/bench"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        total = self._buildah("bud", "--layers", "--tls-verify=false", "--platform", ",".join(workload.platforms),
                              "--build-arg", "REGISTRY=" + registry, "--manifest", "localhost/bench", context)
        return total + self._buildah("manifest", "push", "--all", "--tls-verify=false", "localhost/bench",
                                     "docker://%s/bench/image:1" % registry)

    def __exit__(self, *_):
        with open("/proc/self/mounts", encoding="utf-8") as f:
            for mounted in [line.split()[1] for line in f if self.state in line]:
                subprocess.run(["umount", "-l", mounted], check=False)
        super().__exit__()


class Docker(Tool):
    name = "BuildKit (Docker)"
    note = "`docker build` with BuildKit, then `docker push`; it makes no multi-platform images: one build per platform, no index"
    # The client that belongs to the daemon: a newer one needs a plugin for BuildKit.
    client = "/usr/bin/docker" if os.path.exists("/usr/bin/docker") else "docker"

    @staticmethod
    def missing():
        if os.geteuid() != 0:
            return "a Docker daemon needs root"
        return None if shutil.which("dockerd") else "it is not installed"

    def version(self):
        return subprocess.run(["dockerd", "--version"], stdout=subprocess.PIPE, text=True, check=False).stdout.split(",")[0].strip()

    def __enter__(self):
        super().__enter__()
        self.daemon = servers.Docker()
        return self

    def __exit__(self, *_):
        self.daemon.__exit__()
        super().__exit__()

    def build(self, workload, context, registry):
        env = {"DOCKER_HOST": self.daemon.host, "DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"}
        before = self.daemon.cpu()
        self.daemon.reset_peak()
        total = Figures(0, 0, 0)
        for platform in workload.platforms:
            image = "%s/bench/image:%s" % (registry, platform.replace("/", "-"))
            total += measured([self.client, "build", "--platform", platform, "--build-arg", "REGISTRY=" + registry, "-t", image,
                               context], env, self.log)
            total += measured([self.client, "push", image], env, self.log)
        total.cpu += self.daemon.cpu() - before
        total.memory += self.daemon.peak()
        return total
