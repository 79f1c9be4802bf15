// SPDX-License-Identifier: Apache-2.0
#include "train/data/fetch.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <thread>

#include "core/atomic_file.h"
#include "core/digest.h"
#include "core/error.h"
#include "train/data/bytes.h"
#include "train/data/download.h"

namespace gantry {
namespace {

namespace fs = std::filesystem;

// Unpacked MNIST parts are at most 47 MB.
constexpr size_t kMostUnpacked = size_t{64} << 20;

std::string md5(ByteView bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &length, EVP_md5(), nullptr) != 1) {
    throw EnvironmentError("libcrypto gives no MD5 (FIPS mode?); fetch the files by hand");
  }
  std::string text;
  for (unsigned int i = 0; i < length; ++i) {
    text += "0123456789abcdef"[digest[i] >> 4];
    text += "0123456789abcdef"[digest[i] & 15];
  }
  return text;
}

std::string sha256_of_contents(ByteView bytes, const std::string& file) {
  ContentReader reader(bytes, file);
  Sha256 digest;
  Bytes piece(size_t{1} << 16);
  size_t total = 0;
  for (size_t got = 0; (got = reader.read(piece.data(), piece.size())) > 0; total += got) {
    if (total > kMostUnpacked) return "too long";
    digest.update(piece.data(), got);
  }
  return digest.hex();
}

// Empty, or what is wrong with the bytes.
std::string check_contents(const fs::path& path, const PublishedFile& file) {
  try {
    const Bytes bytes = read_data_file(path, file.most_bytes, file.name);
    if (is_html(bytes)) return "it is a web page";
    const bool by_contents = !file.unpacked_sha256.empty();
    const std::string found = by_contents ? sha256_of_contents(bytes, path.string()) : md5(bytes);
    const std::string& wanted = by_contents ? file.unpacked_sha256 : file.md5;
    if (found == wanted) return "";
    return concat("its ", by_contents ? "SHA-256 (unpacked)" : "MD5", " is ", found,
                  ", looked for ", wanted);
  } catch (const DataError& error) {
    return error.what();
  }
}

// One process at a time fetches into a folder; the others wait and then find the files there.
class FolderLock {
 public:
  FolderLock(const fs::path& folder, int64_t limit_s) : path_(folder / ".gantry-fetch.lock") {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0) throw_io_error("write", path_, errno);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(limit_s);
    while (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) {
        const int error = errno;
        ::close(descriptor_);
        throw_io_error("lock", path_, error);
      }
      if (std::chrono::steady_clock::now() >= end) {
        ::close(descriptor_);
        throw IoError(concat(path_.string(), ": another process has been fetching for ", limit_s,
                             " s; wait for it or end it"));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
  ~FolderLock() { ::close(descriptor_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  fs::path path_;
  int descriptor_ = -1;
};

class FileFetch {
 public:
  FileFetch(const PublishedFile& file, const FetchOptions& options)
      : file_(file), options_(options), target_(options.to / file.name) {
    part_ = target_;
    part_ += ".part";
  }

  // False when the file was there already.
  bool run(const std::vector<std::string>& mirrors) {
    std::error_code ignored;
    if (fs::exists(target_, ignored)) {
      const std::string wrong = check_contents(target_, file_);
      if (wrong.empty()) return false;
      say(concat(target_.string(), " is not the published file (", wrong, "); fetching it anew"));
    }
    for (const std::string& mirror : mirrors) {
      const std::string url = mirror + (mirror.ends_with('/') ? "" : "/") + file_.name;
      if (try_mirror(url)) return true;
    }
    throw DataError(
        concat(target_.string(), ": no mirror gives ", file_.name, ":", tried_,
               "\nTry again later, name another with --mirror URL, or put the file there "
               "by hand"));
  }

 private:
  void say(const std::string& line) const {
    if (options_.say) options_.say(line);
  }

  bool fail(const std::string& url, const std::string& reason) {
    tried_ += concat("\n  ", url, ": ", reason);
    say(concat(url, ": ", reason));
    return false;
  }

  bool try_mirror(const std::string& url) {
    std::error_code ignored;
    const bool continues = fs::exists(part_, ignored) && fs::file_size(part_, ignored) > 0;
    say(concat(continues ? "continuing " : "fetching ", url));
    std::string wrong = attempt(url);
    if (!wrong.empty() && continues && !fs::exists(part_, ignored)) {
      // What was there before may have been the fault: once more from the beginning.
      say(concat(url, ": ", wrong, "; once more from the beginning"));
      wrong = attempt(url);
    }
    if (!wrong.empty()) return fail(url, wrong);
    fs::rename(part_, target_);
    sync_folder(options_.to);
    say(concat("fetched ", target_.string()));
    return true;
  }

  // Leaves the .part file only when it may be continued.
  std::string attempt(const std::string& url) {
    const std::string broken = download(
        url, part_, {file_.most_bytes, options_.connect_s, options_.stall_s, options_.progress});
    std::error_code ignored;
    if (!broken.empty()) {
      const uint64_t size = fs::exists(part_, ignored) ? fs::file_size(part_, ignored) : 0;
      if (size == 0 || size >= file_.most_bytes) fs::remove(part_, ignored);
      return broken;
    }
    const std::string wrong = check_contents(part_, file_);
    if (!wrong.empty()) fs::remove(part_, ignored);
    return wrong;
  }

  const PublishedFile& file_;
  const FetchOptions& options_;
  fs::path target_, part_;
  std::string tried_;
};

}  // namespace

bool is_published(const fs::path& path, const PublishedFile& file) {
  return check_contents(path, file).empty();
}

size_t fetch(const PublishedSet& set, const FetchOptions& options) {
  make_folders(options.to);
  const FolderLock lock(options.to, options.lock_s);
  const std::vector<std::string>& mirrors = options.mirrors.empty() ? set.mirrors : options.mirrors;
  size_t fetched = 0;
  for (const PublishedFile& file : set.files) fetched += FileFetch(file, options).run(mirrors);
  return fetched;
}

}  // namespace gantry
