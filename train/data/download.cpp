// SPDX-License-Identifier: Apache-2.0
#include "train/data/download.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "core/atomic_file.h"
#include "core/error.h"

namespace gantry {
namespace {

constexpr long kHttpPartial = 206;
constexpr long kHttpRangeRefused = 416;

struct CurlLibrary {
  CurlLibrary() { curl_global_init(CURL_GLOBAL_DEFAULT); }
  ~CurlLibrary() { curl_global_cleanup(); }
};

struct Transfer {
  CURL* curl = nullptr;
  int descriptor = -1;
  uint64_t had = 0;  // bytes in the file
  bool resumed = false, checked = false;
  int write_error = 0;
  std::string refused;
  const DownloadLimits* limits = nullptr;

  ~Transfer() {
    if (curl) curl_easy_cleanup(curl);
    if (descriptor >= 0) ::close(descriptor);
  }
};

bool begin_anew(Transfer& t) {
  if (::ftruncate(t.descriptor, 0) != 0 || ::lseek(t.descriptor, 0, SEEK_SET) != 0) {
    t.write_error = errno;
    return false;
  }
  t.had = 0;
  return true;
}

// Any return but `count` ends the transfer.
size_t on_data(char* data, size_t, size_t count, void* user) {
  Transfer& t = *static_cast<Transfer*>(user);
  if (!t.checked) {
    t.checked = true;
    long status = 0;
    curl_easy_getinfo(t.curl, CURLINFO_RESPONSE_CODE, &status);
    if (t.resumed && status != kHttpPartial && !begin_anew(t)) return 0;
  }
  if (t.had + count > t.limits->most_bytes) {
    t.refused = concat("it sends more than ", t.limits->most_bytes, " bytes");
    return 0;
  }
  for (size_t done = 0; done < count;) {
    const ssize_t written = ::write(t.descriptor, data + done, count - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      t.write_error = written < 0 ? errno : ENOSPC;
      return 0;
    }
    done += static_cast<size_t>(written);
  }
  t.had += count;
  return count;
}

int on_progress(void* user, curl_off_t total, curl_off_t now, curl_off_t, curl_off_t) {
  const Transfer& t = *static_cast<Transfer*>(user);
  if (t.limits->progress && now > 0) {
    const auto rest = static_cast<uint64_t>(total > now ? total - now : 0);
    t.limits->progress(t.had, total > 0 ? t.had + rest : 0);
  }
  return 0;
}

void set_options(Transfer& t, const std::string& url) {
  CURL* curl = t.curl;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "gantry");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, static_cast<long>(t.limits->connect_s));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1000L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(t.limits->stall_s));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &t);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &t);
  if (t.had > 0) {
    // Not CURLOPT_RESUME_FROM, which fails where the server sends all of the file instead.
    curl_easy_setopt(curl, CURLOPT_RANGE, concat(t.had, "-").c_str());
    t.resumed = true;
  }
}

}  // namespace

std::string download(const std::string& url, const std::filesystem::path& part,
                     const DownloadLimits& limits) {
  const CurlLibrary library;
  Transfer t;
  t.limits = &limits;
  t.descriptor = ::open(part.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  struct stat status = {};
  if (t.descriptor < 0 || ::fstat(t.descriptor, &status) != 0) throw_io_error("write", part, errno);
  t.had = static_cast<uint64_t>(status.st_size);
  t.curl = curl_easy_init();
  if (!t.curl) throw EnvironmentError("libcurl does not start");
  set_options(t, url);
  const CURLcode result = curl_easy_perform(t.curl);
  if (t.write_error != 0) throw_io_error("write", part, t.write_error);
  if (::fsync(t.descriptor) != 0) throw_io_error("write", part, errno);
  if (!t.refused.empty()) {
    begin_anew(t);  // nothing of it is worth continuing
    return t.refused;
  }
  long answer = 0;
  curl_easy_getinfo(t.curl, CURLINFO_RESPONSE_CODE, &answer);
  // Nothing is missing: the digest decides whether what is there is right.
  if (t.resumed && answer == kHttpRangeRefused) return "";
  if (result == CURLE_OK) return "";
  if (answer >= 400) return concat("the server answers with status ", answer);
  return curl_easy_strerror(result);
}

}  // namespace gantry
