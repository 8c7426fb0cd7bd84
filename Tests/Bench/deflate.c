// The time that libdeflate alone takes: deflate FILE LEVEL BLOCK THREADS
//
// Reads the file into memory, then compresses blocks of that many bytes on that many threads, each as a gzip member, text at
// a level more (Sources/ImgStream/TextSample.swift), and prints the seconds that the compression took and the bytes that came
// out.
#include <libdeflate.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static unsigned char *bytes;
static size_t size, block;
static int level;
static atomic_size_t next, written;

static int is_text(const unsigned char *block, size_t count) {
    size_t printable = 0, total = 0;
    for (size_t start = 0; start < count; start += 16 << 10)
        for (size_t i = start; i < count && i < start + 64; i++, total++)
            printable += (block[i] >= 0x20 && block[i] < 0x7f) || block[i] == '\t' || block[i] == '\n' || block[i] == '\r';
    return printable * 4 >= total * 3;
}

static void *work(void *unused) {
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(level);
    struct libdeflate_compressor *for_text = libdeflate_alloc_compressor(level + 1);
    size_t bound = libdeflate_gzip_compress_bound(compressor, block);
    unsigned char *out = malloc(bound);
    for (size_t at; (at = atomic_fetch_add(&next, block)) < size;) {
        size_t count = size - at < block ? size - at : block;
        struct libdeflate_compressor *chosen = is_text(bytes + at, count) ? for_text : compressor;
        atomic_fetch_add(&written, libdeflate_gzip_compress(chosen, bytes + at, count, out, bound));
    }
    free(out);
    libdeflate_free_compressor(compressor);
    libdeflate_free_compressor(for_text);
    return unused;
}

int main(int count, char **words) {
    if (count != 5) return 2;
    FILE *file = fopen(words[1], "rb");
    if (!file) return 1;
    fseek(file, 0, SEEK_END);
    size = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(size);
    if (!bytes || fread(bytes, 1, size, file) != size) return 1;
    level = atoi(words[2]);
    block = (size_t)atol(words[3]);
    int threads = atoi(words[4]);
    pthread_t *started = calloc((size_t)threads, sizeof *started);
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    for (int i = 0; i < threads; i++) pthread_create(&started[i], NULL, work, NULL);
    for (int i = 0; i < threads; i++) pthread_join(started[i], NULL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    printf("%.3f %zu\n", after.tv_sec - before.tv_sec + (after.tv_nsec - before.tv_nsec) / 1e9, (size_t)written);
    return 0;
}
