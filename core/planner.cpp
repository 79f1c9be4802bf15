// SPDX-License-Identifier: Apache-2.0
#include "core/planner.h"

#include <algorithm>
#include <numeric>

namespace gantry {
namespace {

size_t aligned(size_t bytes) {
  return (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
}

size_t most_alive(const std::vector<Lifetime>& lifetimes) {
  uint32_t steps = 0;
  for (const Lifetime& life : lifetimes) steps = std::max(steps, life.last + 1);
  std::vector<size_t> born(steps + 1, 0), died(steps + 1, 0);
  for (const Lifetime& life : lifetimes) {
    born[life.first] += aligned(life.bytes);
    died[life.last + 1] += aligned(life.bytes);
  }
  size_t alive = 0, most = 0;
  for (uint32_t step = 0; step < steps; ++step) {
    alive += born[step];
    alive -= died[step];
    most = std::max(most, alive);
  }
  return most;
}

}  // namespace

Placement place(const std::vector<Lifetime>& lifetimes) {
  Placement result;
  result.offsets.assign(lifetimes.size(), 0);
  result.lower_bound = most_alive(lifetimes);

  std::vector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });

  struct Block {
    size_t begin, end;
    uint32_t first, last;
  };
  std::vector<Block> placed;  // sorted by begin
  for (size_t index : order) {
    const Lifetime& life = lifetimes[index];
    const size_t size = aligned(life.bytes);
    if (size == 0) continue;
    size_t offset = 0;
    for (const Block& block : placed) {
      if (block.last < life.first || life.last < block.first) continue;
      if (offset + size <= block.begin) break;
      offset = std::max(offset, block.end);
    }
    result.offsets[index] = offset;
    result.peak = std::max(result.peak, offset + size);
    const Block block{offset, offset + size, life.first, life.last};
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), block,
                         [](const Block& a, const Block& b) { return a.begin < b.begin; }),
        block);
  }
  return result;
}

MemoryPlan plan_memory(const Program& program) {
  const auto& calls = program.calls();
  const auto& buffers = program.buffers();
  MemoryPlan plan;
  plan.lifetimes.assign(buffers.size(), Lifetime{});
  plan.buffer_offsets.assign(buffers.size(), MemoryPlan::kUnplaced);
  plan.scratch_offsets.assign(calls.size(), MemoryPlan::kUnplaced);

  std::vector<bool> used(buffers.size(), false);
  for (uint32_t step = 0; step < calls.size(); ++step) {
    for (const TensorRef& ref : calls[step].args) {
      Lifetime& life = plan.lifetimes[ref.buffer];
      if (!used[ref.buffer]) life.first = step;
      life.last = step;
      used[ref.buffer] = true;
    }
  }
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (buffers[i].external) plan.external_bytes += buffers[i].bytes;
    if (used[i] && !buffers[i].external) plan.lifetimes[i].bytes = buffers[i].bytes;
  }

  std::vector<Lifetime> all = plan.lifetimes;
  std::vector<size_t> scratch_calls;
  for (uint32_t step = 0; step < calls.size(); ++step) {
    if (const size_t bytes = calls[step].kernel->scratch_bytes()) {
      all.push_back({bytes, step, step});
      scratch_calls.push_back(step);
    }
  }
  const Placement placement = place(all);
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (plan.lifetimes[i].bytes) plan.buffer_offsets[i] = placement.offsets[i];
  }
  for (size_t i = 0; i < scratch_calls.size(); ++i) {
    plan.scratch_offsets[scratch_calls[i]] = placement.offsets[buffers.size() + i];
  }
  for (const Lifetime& life : all) plan.apart_bytes += aligned(life.bytes);
  plan.arena_bytes = placement.peak;
  plan.lower_bound = placement.lower_bound;
  return plan;
}

}  // namespace gantry
