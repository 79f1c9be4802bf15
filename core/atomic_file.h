// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace gantry {

// Writes a file so that, whatever happens and whenever, `path` holds either its old contents or all
// of the new: a temporary file in the same folder, fsync, rename, fsync of the folder. Destroying
// it before commit() removes the temporary and leaves `path` alone.
// Every failure is an IoError with path, cause and remedy.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }
  void commit();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
};

void write_file_atomically(const std::filesystem::path& path, std::string_view contents);
void write_file_atomically(const std::filesystem::path& path, std::span<const uint8_t> contents);

// Puts a finished folder or file in the place of `target`, which may exist, in one step
// (RENAME_EXCHANGE where the file system has it), makes it durable and removes what was there.
void replace_atomically(const std::filesystem::path& finished, const std::filesystem::path& target);

// The whole of a file; IoError when it cannot be read or is longer than `limit` bytes.
std::string read_file(const std::filesystem::path& path, uint64_t limit = UINT64_MAX);

// A path beside `path` that sweep_temporaries() recognises: ".NAME.PID-N.tmp".
std::filesystem::path temporary_beside(const std::filesystem::path& path);
// Removes what killed writers left in `folder` (not below it). Returns how many. Call it only
// where no other process writes.
size_t sweep_temporaries(const std::filesystem::path& folder);

// Writes all of `data` to an open file; IoError naming `path`.
void append(int descriptor, std::string_view data, const std::filesystem::path& path);

void make_folders(const std::filesystem::path& folder);  // mkdir -p
void sync_folder(const std::filesystem::path& folder);

// Throws IoError "cannot ACTION PATH: CAUSE. REMEDY" for an errno value.
[[noreturn]] void throw_io_error(const std::string& action, const std::filesystem::path& path,
                                 int error);

}  // namespace gantry
