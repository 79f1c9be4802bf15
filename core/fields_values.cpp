// SPDX-License-Identifier: Apache-2.0
#include "core/fields_values.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/fields_ranges.h"
#include "core/fields_reader.h"

namespace gantry {
namespace {

using Kind = JsonValue::Kind;

constexpr size_t kMaxShown = 60;  // characters of a value in a message

const char* kind_name(const JsonValue& value) {
  switch (value.kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return "a boolean";
    case Kind::kInteger:
      return "an integer";
    case Kind::kReal:
      return "a real number";
    case Kind::kString:
      return "a string";
    case Kind::kArray:
      return "a list";
    case Kind::kObject:
      return "an object";
  }
  return "";
}

}  // namespace

std::string shown(const JsonValue& value) {
  std::string text = write_json_line(value);
  if (text.size() > kMaxShown) {
    size_t end = kMaxShown;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text = text.substr(0, end) + "...";
  }
  return text;
}

void ValueReader::add_problem(const JsonValue& at, const std::string& pointer,
                              const std::string& reason) {
  problems_.push_back(
      concat(document_.place(at), ": ", pointer.empty() ? "(top level)" : pointer, ": ", reason));
}

void ValueReader::wrong(const JsonValue& v, const std::string& pointer, const std::string& wanted) {
  const std::string kind = v.kind == Kind::kNull ? "" : concat(" (", kind_name(v), ")");
  add_problem(v, pointer, concat("must be ", wanted, ", found ", shown(v), kind));
}

void ValueReader::out_of_range(const JsonValue& v, const std::string& pointer,
                               const std::string& range) {
  add_problem(v, pointer, concat("must be ", range, ", found ", shown(v)));
}

bool ValueReader::read_integer(const JsonValue& v, const std::string& pointer, int64_t& out,
                               const IntRange& range) {
  if (v.kind == Kind::kReal && std::floor(v.real) == v.real && std::fabs(v.real) < 1e15) {
    add_problem(
        v, pointer,
        concat("must be an integer, found ", shown(v), "; write ", static_cast<int64_t>(v.real)));
    return false;
  }
  if (v.kind != Kind::kInteger) return wrong(v, pointer, "an integer"), false;
  if (v.integer < range.min || v.integer > range.max) {
    return out_of_range(v, pointer, range_text(range)), false;
  }
  out = v.integer;
  return true;
}

bool ValueReader::read_real(const JsonValue& v, const std::string& pointer, double& out,
                            const RealRange& range) {
  if (v.kind != Kind::kInteger && v.kind != Kind::kReal) {
    return wrong(v, pointer, "a number"), false;
  }
  const bool below = range.open_min ? v.real <= range.min : v.real < range.min;
  const bool above = range.open_max ? v.real >= range.max : v.real > range.max;
  if (below || above) return out_of_range(v, pointer, range_text(range)), false;
  if (v.real != 0 && static_cast<float>(v.real) == 0) {
    add_problem(v, pointer, concat(shown(v), " becomes 0 as a 32-bit float"));
    return false;
  }
  out = v.real;
  return true;
}

bool ValueReader::read_text(const JsonValue& v, const std::string& pointer, std::string& out) {
  if (v.kind != Kind::kString) return wrong(v, pointer, "a string"), false;
  const bool control = std::any_of(v.string.begin(), v.string.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (control) {
    add_problem(v, pointer, concat("must have no control characters, found ", shown(v)));
    return false;
  }
  out = v.string;
  return true;
}

size_t ValueReader::read_name(const JsonValue& v, const std::string& pointer,
                              std::span<const char* const> names) {
  const std::vector<std::string> choices(names.begin(), names.end());
  const std::string wanted = (choices.size() > 1 ? "one of " : "") + quoted_list(choices);
  if (v.kind != Kind::kString) return wrong(v, pointer, wanted), std::string::npos;
  const auto found = std::find(choices.begin(), choices.end(), v.string);
  if (found != choices.end()) return static_cast<size_t>(found - choices.begin());
  const std::string nearest = nearest_name(v.string, choices);
  add_problem(
      v, pointer,
      concat("found ", shown(v), nearest.empty() ? "" : concat(", did you mean \"", nearest, "\"?"),
             "; must be ", wanted));
  return std::string::npos;
}

}  // namespace gantry
