#pragma once

/// Typed wrappers around libcurl's variadic functions, which Swift cannot call: one per argument type.
/// Nothing here checks that an option takes that type; the Swift wrapper gives each option its type.

#include <curl/curl.h>
#include <stddef.h>

typedef size_t (*cimg_curl_io)(char *bytes, size_t size, size_t count, void *context);
typedef int (*cimg_curl_seek)(void *context, curl_off_t offset, int origin);
typedef int (*cimg_curl_progress)(void *context, curl_off_t download_total, curl_off_t downloaded, curl_off_t upload_total,
                                  curl_off_t uploaded);

static inline CURLcode cimg_curl_set_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode cimg_curl_set_offset(CURL *handle, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode cimg_curl_set_string(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode cimg_curl_set_pointer(CURL *handle, CURLoption option, void *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode cimg_curl_set_list(CURL *handle, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(handle, option, value);
}

/// libcurl copies the bytes.
static inline CURLcode cimg_curl_set_blob(CURL *handle, CURLoption option, const void *bytes, size_t count) {
    struct curl_blob blob = {.data = (void *)bytes, .len = count, .flags = CURL_BLOB_COPY};
    return curl_easy_setopt(handle, option, &blob);
}

static inline CURLcode cimg_curl_set_io(CURL *handle, CURLoption option, cimg_curl_io value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode cimg_curl_set_seek(CURL *handle, CURLoption option, cimg_curl_seek value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode cimg_curl_set_progress(CURL *handle, CURLoption option, cimg_curl_progress value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode cimg_curl_set_opensocket(CURL *handle, CURLoption option, curl_opensocket_callback value) {
    return curl_easy_setopt(handle, option, value);
}

/// Copies the bytes of an address in network order and returns how many there are: 4, 16, or 0 for other families.
int cimg_curl_address(const struct curl_sockaddr *address, unsigned char bytes[16]);

static inline CURLcode cimg_curl_get_long(CURL *handle, CURLINFO info, long *value) {
    return curl_easy_getinfo(handle, info, value);
}

static inline CURLcode cimg_curl_get_string(CURL *handle, CURLINFO info, const char **value) {
    return curl_easy_getinfo(handle, info, value);
}

static inline CURLMcode cimg_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

/// The result of a finished transfer (`CURLMsg.data` is a union).
static inline CURLcode cimg_curl_message_result(const CURLMsg *message) {
    return message->data.result;
}
