// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace gantry {

// What the process exits with; the table is part of the command-line contract (README).
enum class ExitCode : int {
  kDone = 0,
  kUsage = 2,        // command line or config
  kData = 3,         // a data file is missing, malformed or not what was asked for
  kCheckpoint = 4,   // no usable checkpoint
  kEnvironment = 5,  // device, driver or library
  kNumeric = 10,     // a loss, gradient or weight is not finite
  kPeer = 11,        // another rank failed
  kMemory = 12,      // the plan does not fit
  kIo = 13,          // cannot write, disk full
  kPreempted = 75,   // stopped on request, checkpoint saved
};

// Every failure that a user can cause or meet. `what()` is the whole message:
// the place (file, JSON pointer, layer), the value found, and the remedy.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

template <ExitCode kCode>
class CodedError : public Error {
 public:
  explicit CodedError(const std::string& message) : Error(kCode, message) {}
};

using ConfigError = CodedError<ExitCode::kUsage>;
using DataError = CodedError<ExitCode::kData>;
using CheckpointError = CodedError<ExitCode::kCheckpoint>;
using EnvironmentError = CodedError<ExitCode::kEnvironment>;
using NumericError = CodedError<ExitCode::kNumeric>;
using MemoryError = CodedError<ExitCode::kMemory>;
using IoError = CodedError<ExitCode::kIo>;

// Writes one argument of concat. The sign that a NaN happens to carry says nothing to anybody.
template <typename T>
void write_part(std::ostream& out, const T& value) {
  if constexpr (std::is_floating_point_v<T>) {
    if (value != value) {
      out << "nan";
      return;
    }
  }
  out << value;
}

// Concatenates its arguments with operator<<; NaN is "nan" whatever its sign.
template <typename... Args>
std::string concat(const Args&... args) {
  std::ostringstream out;
  (write_part(out, args), ...);
  return out.str();
}

[[noreturn]] void throw_internal(const char* file, int line, const char* condition,
                                 const std::string& message);

}  // namespace gantry

// A defect of Gantry itself, never of its input: throws std::logic_error naming file and line.
#define GANTRY_CHECK(condition, ...)                                                           \
  do {                                                                                         \
    if (!(condition)) {                                                                        \
      ::gantry::throw_internal(__FILE__, __LINE__, #condition, ::gantry::concat(__VA_ARGS__)); \
    }                                                                                          \
  } while (false)
