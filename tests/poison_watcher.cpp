// SPDX-License-Identifier: Apache-2.0
#include "tests/poison_watcher.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace gantry {

void PoisonWatcher::before(size_t index, const Call&, std::span<const TensorView>) {
  const MemoryPlan& plan = replay_.plan();
  struct Range {
    size_t begin, end;
  };
  std::vector<Range> holding;
  for (size_t i = 0; i < plan.lifetimes.size(); ++i) {
    const Lifetime& life = plan.lifetimes[i];
    if (plan.buffer_offsets[i] == MemoryPlan::kUnplaced) continue;
    if (life.first < index && index <= life.last)
      holding.push_back({plan.buffer_offsets[i], plan.buffer_offsets[i] + life.bytes});
  }
  std::sort(holding.begin(), holding.end(),
            [](const Range& a, const Range& b) { return a.begin < b.begin; });
  size_t free_from = 0;
  const auto poison_to = [&](size_t end) {
    if (end > free_from)
      std::memset(static_cast<char*>(arena_.data()) + free_from, 0xFF, end - free_from);
  };
  for (const Range& range : holding) {
    poison_to(range.begin);
    free_from = std::max(free_from, range.end);
  }
  poison_to(plan.arena_bytes);
}

}  // namespace gantry
