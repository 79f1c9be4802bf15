// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry {

// A published file and how to know it. MNIST is known by what it unpacks to, since copies differ in
// their gzip wrapping; the others by the published MD5 of the file (against damage and wrong files;
// it does not withstand a forger).
struct PublishedFile {
  std::string name;
  uint64_t most_bytes = 0;      // more is refused
  std::string md5;              // of the file, or
  std::string unpacked_sha256;  // of the contents of a .gz
};

struct PublishedSet {
  std::string name;
  std::vector<std::string> mirrors;  // in the order in which they are tried; end in "/"
  std::vector<PublishedFile> files;
};

// mnist, fashion-mnist, cifar10. ConfigError for another name.
const PublishedSet& published_set(std::string_view name);
std::vector<std::string> published_set_names();

struct FetchOptions {
  std::filesystem::path to;                     // made if need be
  std::vector<std::string> mirrors;             // instead of those of the set
  int64_t connect_s = 20;                       // limit for making a connection
  int64_t stall_s = 30;                         // below 1 kB/s for so long: next mirror
  int64_t lock_s = 1800;                        // limit for waiting on another process that fetches
  std::function<void(const std::string&)> say;  // a line for each event
  std::function<void(uint64_t, uint64_t)> progress;  // bytes had, bytes in all (0: unknown)
};

// Brings every file of the set to options.to. A file that is there with the right digest is left
// alone. Each mirror is tried in turn: what it sends is kept in NAME.part, continued after a break,
// limited in size, checked against the digest (and for being a web page), then renamed into place
// under a lock. DataError with all that was tried when no mirror gives the file; IoError when it
// cannot be written. Returns how many files were fetched.
size_t fetch(const PublishedSet& set, const FetchOptions& options);

// Whether a file has the published contents.
bool is_published(const std::filesystem::path& path, const PublishedFile& file);

}  // namespace gantry
