// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>

#include "core/error.h"

namespace gantry {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Where a process tells a person what happens. Messages go out one by one, complete, at once; a
// message of several lines (a table) is indented under its first. Any thread may write.
// One live line may stand at the bottom of a terminal; messages appear above it.
class Log {
 public:
  struct Options {
    LogLevel level = LogLevel::kInfo;  // what is below is dropped
    int rank = -1;                     // >= 0: shown in front; set it when there are several
    bool color = false;                // see wants_color()
  };
  // `out` (stderr, a test's file) outlives the log.
  explicit Log(std::FILE* out) : Log(out, Options()) {}
  Log(std::FILE* out, const Options& options);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void write(LogLevel level, std::string_view message);
  template <typename... Args>
  void debug(Args&&... args) {
    write(LogLevel::kDebug, concat(std::forward<Args>(args)...));
  }
  template <typename... Args>
  void info(Args&&... args) {
    write(LogLevel::kInfo, concat(std::forward<Args>(args)...));
  }
  template <typename... Args>
  void warning(Args&&... args) {
    write(LogLevel::kWarning, concat(std::forward<Args>(args)...));
  }
  template <typename... Args>
  void error(Args&&... args) {
    write(LogLevel::kError, concat(std::forward<Args>(args)...));
  }

  // Replaces the live line; empty removes it. Only where is_terminal(); elsewhere nothing.
  void live(std::string_view line);
  bool is_terminal() const { return terminal_; }

 private:
  std::FILE* out_;
  Options options_;
  bool terminal_;
  std::string live_;
  std::mutex mutex_;
};

// A terminal that is not told otherwise: NO_COLOR unset or empty, TERM not "dumb".
bool wants_color(std::FILE* out);

}  // namespace gantry
