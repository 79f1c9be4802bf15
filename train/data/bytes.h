// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace gantry {

using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;

// The whole of a file; DataError when it is missing, unreadable, empty or longer than `limit`.
// `wanted` says in the message what was looked for ("an IDX file of images"), `limited_by` where
// the limit comes from ("data.memory_mb").
Bytes read_data_file(const std::filesystem::path& path, uint64_t limit, const std::string& wanted,
                     const std::string& limited_by = "");

// What the first bytes look like, for messages: "an HTML page", "a gzip file", "text", ...
std::string describe_content(ByteView bytes);
bool is_gzip(ByteView bytes);
bool is_html(ByteView bytes);

// What is in a folder, for messages: "a, b, c and 12 more", in order; "nothing".
std::string describe_folder(const std::filesystem::path& folder);
// For a path that should hold data: "does not exist (in the folder X there is: ...)" or the like.
std::string describe_missing(const std::filesystem::path& path);

// The contents of a file that may be compressed with gzip, piece by piece: what a header promises
// is read and no more, so that a small file cannot fill the memory.
class ContentReader {
 public:
  ContentReader(ByteView bytes, std::string file);
  ~ContentReader();
  ContentReader(const ContentReader&) = delete;
  ContentReader& operator=(const ContentReader&) = delete;

  // Up to `count` bytes; fewer only at the end. DataError for damaged compressed data.
  size_t read(uint8_t* out, size_t count);
  // Exactly `count` bytes, growing with what is really there; DataError when it ends before.
  Bytes read_exactly(uint64_t count, const std::string& what);
  // DataError when there is more.
  void expect_end();
  const std::string& file() const { return file_; }

 private:
  struct Inflater;
  size_t inflate_some(uint8_t* out, size_t count);

  ByteView bytes_;
  size_t position_ = 0;
  std::string file_;
  std::unique_ptr<Inflater> inflater_;
};

}  // namespace gantry
