// SPDX-License-Identifier: Apache-2.0
#include "core/atomic_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "core/error.h"

namespace gantry {
namespace fs = std::filesystem;
namespace {

const char* remedy(int error) {
  switch (error) {
    case ENOSPC:
      return "The disk is full: free some space or choose another folder.";
    case EDQUOT:
      return "Your disk quota is used up: free some space or choose another folder.";
    case EFBIG:
      return "The file is larger than this process may write (see `ulimit -f`).";
    case EACCES:
    case EPERM:
      return "Check the permissions of the folder or choose another.";
    case EROFS:
      return "The file system is mounted read-only: choose another folder.";
    case ENOENT:
      return "Check the path.";
    case ENOTDIR:
      return "A part of this path is a file, not a folder: check the path.";
    case ENAMETOOLONG:
      return "Choose a shorter name.";
    case EMFILE:
    case ENFILE:
      return "Too many open files: raise the limit (see `ulimit -n`).";
    case EIO:
      return "The device reports a fault: check the disk and the system's log.";
    case ESTALE:
      return "The network file system lost the file: check its server.";
    default:
      return "Check the path and the file system.";
  }
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

bool is_temporary(const std::string& name) {
  return name.size() > 5 && name.front() == '.' && name.ends_with(".tmp");
}

// Removing is best effort: what stays is swept at the next start.
void remove_quietly(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

}  // namespace

void append(int descriptor, std::string_view data, const fs::path& path) {
  while (!data.empty()) {
    const ssize_t count = ::write(descriptor, data.data(), data.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      throw_io_error("write", path, errno);
    }
    data.remove_prefix(static_cast<size_t>(count));
  }
}

void throw_io_error(const std::string& action, const fs::path& path, int error) {
  throw IoError(concat("cannot ", action, " ", path.string(), ": ", std::strerror(error), ". ",
                       remedy(error)));
}

fs::path temporary_beside(const fs::path& path) {
  const fs::path folder = folder_of(path);
  for (int number = 0;; ++number) {
    fs::path candidate =
        folder / concat(".", path.filename().string(), ".", ::getpid(), "-", number, ".tmp");
    struct stat status = {};
    if (::lstat(candidate.c_str(), &status) != 0) return candidate;
  }
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)) {
  temporary_ = temporary_beside(path_);
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw_io_error("create", path_, errno);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, size_t bytes) {
  GANTRY_CHECK(descriptor_ >= 0, path_.string(), " is committed already");
  append(descriptor_, {static_cast<const char*>(data), bytes}, path_);
}

void AtomicFile::commit() {
  GANTRY_CHECK(descriptor_ >= 0, path_.string(), " is committed already");
  if (::fsync(descriptor_) != 0) throw_io_error("write", path_, errno);
  // Network file systems report a full disk only here.
  if (::close(std::exchange(descriptor_, -1)) != 0) throw_io_error("write", path_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) throw_io_error("replace", path_, errno);
  temporary_.clear();
  sync_folder(folder_of(path_));
}

void write_file_atomically(const fs::path& path, std::string_view contents) {
  AtomicFile file(path);
  file.write(contents);
  file.commit();
}

void write_file_atomically(const fs::path& path, std::span<const uint8_t> contents) {
  AtomicFile file(path);
  file.write(contents.data(), contents.size());
  file.commit();
}

void replace_atomically(const fs::path& finished, const fs::path& target) {
  struct stat status = {};
  const bool exists = ::lstat(target.c_str(), &status) == 0;
  fs::path old;
  if (!exists) {
    if (::rename(finished.c_str(), target.c_str()) != 0) throw_io_error("create", target, errno);
  } else if (::renameat2(AT_FDCWD, finished.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) ==
             0) {
    old = finished;
  } else {
    if (errno != EINVAL && errno != ENOSYS) throw_io_error("replace", target, errno);
    old = temporary_beside(target);
    if (::rename(target.c_str(), old.c_str()) != 0) throw_io_error("replace", target, errno);
    if (::rename(finished.c_str(), target.c_str()) != 0) throw_io_error("replace", target, errno);
  }
  sync_folder(folder_of(target));
  if (!old.empty()) remove_quietly(old);
}

std::string read_file(const fs::path& path, uint64_t limit) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw_io_error("open", path, errno);
  std::string contents;
  std::vector<char> piece(1 << 16);
  ssize_t count = 0;
  while ((count = ::read(descriptor, piece.data(), piece.size())) != 0) {
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 || contents.size() + static_cast<size_t>(count) > limit) {
      const int error = count < 0 ? errno : EFBIG;
      ::close(descriptor);
      if (count < 0) throw_io_error("read", path, error);
      throw IoError(concat("cannot read ", path.string(), ": longer than the ", limit,
                           " bytes that such a file may have"));
    }
    contents.append(piece.data(), static_cast<size_t>(count));
  }
  ::close(descriptor);
  return contents;
}

size_t sweep_temporaries(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> found;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (is_temporary(entry->path().filename().string())) found.push_back(entry->path());
  }
  for (const fs::path& path : found) remove_quietly(path);
  return found.size();
}

void make_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error && !fs::is_directory(folder)) error.assign(ENOTDIR, std::generic_category());
  if (error) throw_io_error("create the folder", folder, error.value());
}

void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) throw_io_error("open the folder", folder, errno);
  const int result = ::fsync(descriptor);
  const int error = errno;
  ::close(descriptor);
  // Some file systems have nothing to sync in a folder and say so with EINVAL.
  if (result != 0 && error != EINVAL) throw_io_error("write the folder", folder, error);
}

}  // namespace gantry
