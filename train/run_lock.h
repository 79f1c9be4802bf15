// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/log.h"

namespace gantry {

inline constexpr char kRunLockFile[] = "run.lock";

// Keeps a second job out of a run directory. The file names host and process of its owner and is
// removed with the lock.
//   On one host flock() decides: the system lets go of it when the owner dies, however it dies.
//   For an owner on another host the file's time decides: owners touch it twice a minute, and a
//   lock untouched for kStaleSeconds is taken over with a warning.
class RunLock {
 public:
  static constexpr int64_t kStaleSeconds = 300;

  // ConfigError naming the owner when it lives; IoError when the file cannot be written.
  RunLock(const std::filesystem::path& dir, Log& log);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

  void heartbeat();

 private:
  bool try_lock(Log& log);
  void require_dead_owner(bool flock_works, Log& log) const;
  void write_owner();

  std::filesystem::path path_;
  int descriptor_ = -1;
  double touched_ = 0;
};

std::string host_name();

}  // namespace gantry
