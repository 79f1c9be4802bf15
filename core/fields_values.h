// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/fields.h"
#include "core/json.h"

namespace gantry {

// A value as messages show it: JSON on one line, cut where it is long.
std::string shown(const JsonValue& value);

// Reads single values of a document and collects what is wrong with them. A value that is not
// accepted leaves a problem behind and the output as it was.
class ValueReader {
 public:
  explicit ValueReader(const JsonDocument& document) : document_(document) {}
  const std::vector<std::string>& problems() const { return problems_; }

  // "PLACE: POINTER: reason".
  void add_problem(const JsonValue& at, const std::string& pointer, const std::string& reason);
  // "must be `wanted`, found ... (a string)".
  void wrong(const JsonValue& v, const std::string& pointer, const std::string& wanted);

  bool read_integer(const JsonValue& v, const std::string& pointer, int64_t& out,
                    const IntRange& range);
  bool read_real(const JsonValue& v, const std::string& pointer, double& out,
                 const RealRange& range);
  bool read_text(const JsonValue& v, const std::string& pointer, std::string& out);
  // The index of a string among `names`; npos after a problem.
  size_t read_name(const JsonValue& v, const std::string& pointer,
                   std::span<const char* const> names);

 private:
  void out_of_range(const JsonValue& v, const std::string& pointer, const std::string& range);

  const JsonDocument& document_;
  std::vector<std::string> problems_;
};

}  // namespace gantry
