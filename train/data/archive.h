// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "train/data/bytes.h"

struct archive;

namespace gantry {

// The members of a zip, tar or tar.gz archive in order. Nothing is ever written to disk: a name
// such as ../../x is no more than a name. Every fault is a DataError naming archive and member.
class ArchiveReader {
 public:
  explicit ArchiveReader(const std::filesystem::path& path);
  ArchiveReader(ByteView bytes, std::string name);  // the bytes must outlive it
  ~ArchiveReader();
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;

  // The next member, or false at the end.
  bool next();
  const std::string& name() const { return name_; }  // within the archive, "/" between folders
  bool is_folder() const { return folder_; }
  bool is_file() const { return file_; }
  // The contents of the current member, once.
  Bytes contents(uint64_t limit);
  std::string place() const { return archive_name_ + "/" + name_; }

 private:
  void configure();
  void check_expansion();
  [[noreturn]] void fail(const std::string& doing);

  std::string archive_name_, name_;
  bool folder_ = false, file_ = false, ended_ = false;
  int64_t size_ = 0, delivered_ = 0;
  struct Closer {
    void operator()(archive* reader) const;
  };
  std::unique_ptr<archive, Closer> reader_;
};

// By the first bytes: zip, tar or gzip.
bool looks_like_archive(const std::filesystem::path& path);

}  // namespace gantry
