// SPDX-License-Identifier: Apache-2.0
#include "core/error.h"

namespace gantry {

void throw_internal(const char* file, int line, const char* condition, const std::string& message) {
  throw std::logic_error(
      concat("internal error at ", file, ":", line, ": ", condition, " is false. ", message));
}

}  // namespace gantry
