"""The build contexts that are measured. Contents come from this machine's /usr, so that they compress like real files."""

import hashlib
import os
import random
import shutil
import stat

MIB = 1 << 20
EIGHT = ["linux/" + p for p in ("386", "amd64", "arm/v6", "arm/v7", "arm64", "ppc64le", "riscv64", "s390x")]


class Workload:
    """A context folder made on demand; `edit` changes one file of it."""

    def __init__(self, name, title, platforms, dockerfile, make, edited, repeat=1):
        self.name, self.title, self.platforms, self.repeat = name, title, platforms, repeat
        self._dockerfile, self._make, self._edited = dockerfile, make, edited

    def make(self, folder):
        os.makedirs(folder)
        with open(folder + "/Dockerfile", "w", encoding="ascii") as f:
            f.write(self._dockerfile)
        self._make(folder)

    def edit(self, folder, count):
        path = os.path.join(folder, self._edited)
        with open(path, "r+b") as f:
            f.write(b"edit %d\n" % count)


def files_of_usr():
    """(path, size) of the regular files of /usr, in an order that does not depend on the file system."""
    found = []
    for top, folders, names in os.walk("/usr"):
        folders[:] = [d for d in folders if not os.path.islink(os.path.join(top, d))]
        for name in names:
            path = os.path.join(top, name)
            info = os.lstat(path)
            if stat.S_ISREG(info.st_mode) and 0 < info.st_size <= 64 * MIB and os.access(path, os.R_OK):
                found.append((path, info.st_size))
    return sorted(found, key=lambda e: hashlib.sha256(e[0].encode("utf-8", "surrogateescape")).digest())


def stream_of_usr():
    """The bytes of those files one after the other, again and again."""
    while True:
        for path, _ in files_of_usr():
            with open(path, "rb") as f:
                while chunk := f.read(MIB):
                    yield chunk


def write_stream(path, size, chunks):
    with open(path, "wb") as f:
        while size > 0:
            chunk = next(chunks)[:size]
            f.write(chunk)
            size -= len(chunk)


def page(folder):
    with open(folder + "/index.html", "w", encoding="ascii") as f:
        f.write("<h1>Hello from the benchmark</h1>\n" * 16)


def tree(count, total):
    """`count` real files of `total` bytes together (nearly): small and large ones are mixed so that the sum fits."""

    def make(folder):
        found = files_of_usr()
        small = [e for e in found if e[1] < 256 << 10]
        large = [e for e in found if e[1] >= 256 << 10]
        average = sum(size for _, size in small) / len(small)
        left = total
        for number in range(count):
            pool = large if left / (count - number) > average and large else small
            path, size = pool[number % len(pool)]
            target = "%s/app/part-%d%s" % (folder, number // len(found), path)
            if os.path.exists(target):
                target += ".%d" % number
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(path, target)
            left -= size
        with open(folder + "/app/version.txt", "w", encoding="ascii") as f:
            f.write("version 0\n")

    return make


def small_files(count, total):
    """Texts of a few kilobytes in nested folders, as package managers leave them."""

    def make(folder):
        texts = (p for p, size in files_of_usr() if p.endswith((".py", ".h", ".txt", ".json", ".js", ".pm", ".html")))
        text = bytearray()
        for path in texts:
            with open(path, "rb") as f:
                text += f.read(64 << 10)
            if len(text) > 32 * MIB:
                break
        dice = random.Random(1)
        mean = total // count
        for number in range(count):
            place = "%s/app/pkg-%03d/lib/mod-%d" % (folder, number // 250, number // 25 % 10)
            if number % 25 == 0:
                os.makedirs(place)
            size = dice.randrange(mean // 8, 2 * mean - mean // 8)
            start = dice.randrange(len(text) - size)
            with open("%s/file-%05d.js" % (place, number), "wb") as f:
                f.write(text[start:start + size])
        with open(folder + "/app/version.txt", "w", encoding="ascii") as f:
            f.write("version 0\n")

    return make


def binaries(platforms, size):
    def make(folder):
        chunks = stream_of_usr()
        for platform in platforms:
            os.makedirs(os.path.dirname("%s/out/%s" % (folder, platform)), exist_ok=True)
            write_stream("%s/out/%s" % (folder, platform), size, chunks)

    return make


def one_file(size):
    return lambda folder: write_stream(folder + "/disk.img", size, stream_of_usr())


FROM = "ARG REGISTRY\nFROM ${REGISTRY}/base/%s:1\n"

ALL = [
    Workload("page", "nginx and one file, 2 platforms", ["linux/amd64", "linux/arm64"],
             FROM % "nginx" + "COPY index.html /usr/share/nginx/html/\n", page, "index.html", repeat=5),
    Workload("tree", "717 MB in 5,200 files, 2 platforms", ["linux/amd64", "linux/arm64"],
             FROM % "debian" + "COPY app /app\n", tree(5200, 717 * 1000 * 1000), "app/version.txt"),
    Workload("small", "200 MB in 50,000 files, 2 platforms", ["linux/amd64", "linux/arm64"],
             FROM % "debian" + "COPY app /app\n", small_files(50000, 200 * 1000 * 1000), "app/version.txt"),
    Workload("eight", "8 platforms, a 20 MB program for each", EIGHT,
             "FROM scratch\nARG TARGETPLATFORM\nCOPY out/${TARGETPLATFORM} /program\n",
             binaries(EIGHT, 20 * 1000 * 1000), "out/linux/amd64"),
    Workload("large", "one file of 3 GiB", ["linux/amd64"],
             FROM % "debian" + "COPY disk.img /disk.img\n", one_file(3 << 30), "disk.img"),
]
