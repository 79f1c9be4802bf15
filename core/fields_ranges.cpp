// SPDX-License-Identifier: Apache-2.0
#include "core/fields_ranges.h"

#include <limits>

#include "core/error.h"
#include "core/json.h"

namespace gantry {
namespace {

constexpr double kFloatMax = std::numeric_limits<float>::max();

std::string number(double value) {
  const auto whole = static_cast<int64_t>(value);
  return static_cast<double>(whole) == value ? std::to_string(whole)
                                             : write_json_line(JsonValue::of(value));
}

std::string join(const std::string& low, const std::string& high, const char* otherwise) {
  if (low.empty() && high.empty()) return otherwise;
  return low + (low.empty() || high.empty() ? "" : " and ") + high;
}

}  // namespace

bool bounded_below(const RealRange& range) { return range.min > -kFloatMax; }
bool bounded_above(const RealRange& range) { return range.max < kFloatMax; }
bool bounded_below(const IntRange& range) {
  return range.min > std::numeric_limits<int64_t>::min();
}
bool bounded_above(const IntRange& range) {
  return range.max < std::numeric_limits<int64_t>::max();
}

std::string range_text(const RealRange& range) {
  std::string low, high;
  if (bounded_below(range)) low = (range.open_min ? "above " : "at least ") + number(range.min);
  if (bounded_above(range)) high = (range.open_max ? "below " : "at most ") + number(range.max);
  return join(low, high, "a number that a 32-bit float can hold");
}

std::string range_text(const IntRange& range) {
  std::string low, high;
  if (bounded_below(range)) low = "at least " + std::to_string(range.min);
  if (bounded_above(range)) high = "at most " + std::to_string(range.max);
  return join(low, high, "any integer");
}

std::string items_text(size_t min_items, size_t max_items) {
  if (min_items == max_items) return std::to_string(min_items) + " ";
  if (max_items > 100000) return min_items > 0 ? concat(min_items, " or more ") : "";
  return concat(min_items, " to ", max_items, " ");
}

}  // namespace gantry
