// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/fields.h"

namespace gantry {

inline constexpr int64_t kMaxPadding = 65536;

// Bounds that say something: not those that every number meets.
bool bounded_below(const RealRange& range);
bool bounded_above(const RealRange& range);
bool bounded_below(const IntRange& range);
bool bounded_above(const IntRange& range);

std::string range_text(const RealRange& range);  // "at least 0 and below 1", "any number"
std::string range_text(const IntRange& range);   // "at least 1"
// "2 ", "1 to 3 ", "": how many items of something, with the blank that follows.
std::string items_text(size_t min_items, size_t max_items);

}  // namespace gantry
