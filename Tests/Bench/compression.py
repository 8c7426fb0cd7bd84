"""How far the making of a layer is from the compression alone that it contains."""

import os
import shutil
import statistics
import subprocess
import tempfile

import servers
import tools

HERE = os.path.dirname(os.path.abspath(__file__))
# As in Sources/ImgStream/Compression.swift.
LEVEL, BLOCK, ROUNDS = 4, 1 << 20, 5


def largest_layer(layout, target):
    """The tar of a layout's largest blob."""
    blobs = layout + "/blobs/sha256"
    path = max((os.path.join(blobs, name) for name in os.listdir(blobs)), key=os.path.getsize)
    with open(target, "wb") as f:
        subprocess.run(["gzip", "-dc", path], stdout=f, check=True)
    return os.path.getsize(path)


def measure(imgbuild, workload, context, push_bases):
    """A line of Markdown: `imgbuild` without push, and libdeflate on the same tar, in turns."""
    top = tempfile.mkdtemp(prefix="imgbuild-bench-")
    try:
        program = top + "/deflate"
        subprocess.run(["cc", "-O2", "-o", program, HERE + "/deflate.c", "-ldeflate", "-lpthread"], check=True)
        with servers.Registry() as registry:
            push_bases(registry.host)
            threads = os.cpu_count()
            command = [imgbuild.program, "--platform", ",".join(workload.platforms), "--build-arg", "REGISTRY=" + registry.host,
                       "--platform-check=warn"]

            def build(output, cache):
                try:
                    return tools.measured(command + ["--output", output, context], {"IMGBUILD_CACHE_DIR": cache}, top + "/log")
                finally:
                    shutil.rmtree(cache, ignore_errors=True)

            build("type=oci,tar=false,dest=" + top + "/layout", top + "/cache")
            blob = largest_layer(top + "/layout", top + "/layer.tar")
            shutil.rmtree(top + "/layout")
            own, bare, ratios, size = [], [], [], 0
            for _ in range(ROUNDS):
                own.append(build("type=cacheonly", top + "/cache").wall)
                words = subprocess.run([program, top + "/layer.tar", str(LEVEL), str(BLOCK), str(threads)], check=True,
                                       stdout=subprocess.PIPE, text=True).stdout.split()
                bare.append(float(words[0]))
                size = int(words[1])
                ratios.append(own[-1] / bare[-1])
        return ("Without push, %s: %.2f s. libdeflate alone, the same tar in memory, level %d (text %d), %d threads: %.2f s. "
                "Ratio %.2f (medians of %d pairs). Sizes: %.1f and %.1f MB.\n" % (
                    workload.title, statistics.median(own), LEVEL, LEVEL + 1, threads, statistics.median(bare),
                    statistics.median(ratios), ROUNDS, blob / 1e6, size / 1e6))
    finally:
        shutil.rmtree(top, ignore_errors=True)
