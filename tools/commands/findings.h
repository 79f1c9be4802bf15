// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iomanip>
#include <iostream>
#include <string>

#include "core/error.h"

namespace gantry {

// What `gantry doctor` finds, a line each; the first bad one decides the exit status.
class Findings {
 public:
  // silent: of a rank whose findings another one tells.
  explicit Findings(bool silent = false) : silent_(silent) {}

  void note(const std::string& what, const std::string& value) { line("   ", what, value); }
  void good(const std::string& what, const std::string& value) { line("ok ", what, value); }
  void bad(const std::string& what, const std::string& value, ExitCode code) {
    line("BAD", what, value);
    if (status_ == ExitCode::kDone) status_ = code;
  }
  ExitCode status() const { return status_; }

 private:
  void line(const char* mark, const std::string& what, const std::string& value) const {
    if (silent_) return;
    std::cout << mark << ' ' << std::left << std::setw(12) << what << value << '\n';
  }
  bool silent_;
  ExitCode status_ = ExitCode::kDone;
};

}  // namespace gantry
