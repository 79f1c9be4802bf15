// SPDX-License-Identifier: Apache-2.0
#include "core/profiler.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace gantry {

CallTimes::CallTimes(Clock clock) : clock_(std::move(clock)) {}

void CallTimes::begin(const char* name) { open_.emplace_back(name, clock_()); }

void CallTimes::end() {
  const double now = clock_();
  GANTRY_CHECK(!open_.empty(), "end() without begin()");
  Total& total = totals_[open_.back().first];
  total.name = open_.back().first;
  ++total.count;
  total.seconds += now - open_.back().second;
  open_.pop_back();
}

std::vector<CallTimes::Total> CallTimes::totals() const {
  std::vector<Total> result;
  for (const auto& [name, total] : totals_) result.push_back(total);
  std::sort(result.begin(), result.end(), [](const Total& a, const Total& b) {
    return std::tie(b.seconds, a.name) < std::tie(a.seconds, b.name);
  });
  return result;
}

}  // namespace gantry
