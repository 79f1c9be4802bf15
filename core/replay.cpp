// SPDX-License-Identifier: Apache-2.0
#include "core/replay.h"

#include <utility>

namespace gantry {

namespace {

// The places of a plan in an arena.
std::vector<void*> places(const std::vector<size_t>& offsets, const Memory* arena) {
  std::vector<void*> result;
  for (const size_t offset : offsets) {
    const bool placed = offset != MemoryPlan::kUnplaced;
    result.push_back(placed ? static_cast<char*>(arena->data()) + offset : nullptr);
  }
  return result;
}

}  // namespace

Replay::Replay(Program program, MemoryPlan plan, std::shared_ptr<Memory> arena)
    : program_(std::move(program)), plan_(std::move(plan)), arena_(std::move(arena)) {
  GANTRY_CHECK(plan_.arena_bytes == 0 || (arena_ && arena_->bytes() >= plan_.arena_bytes),
               "the arena is smaller than the plan");
  buffers_ = places(plan_.buffer_offsets, arena_.get());
  scratches_ = places(plan_.scratch_offsets, arena_.get());
  bind();
}

Replay::Replay(Program program, MemoryPlan plan, Device& device)
    : program_(std::move(program)), plan_(std::move(plan)) {
  const auto allocate = [&](size_t offset, size_t bytes) {
    if (offset == MemoryPlan::kUnplaced) return static_cast<void*>(nullptr);
    return apart_.emplace_back(device, bytes, Contents::kUnwritten).data();
  };
  for (size_t i = 0; i < plan_.buffer_offsets.size(); ++i) {
    buffers_.push_back(allocate(plan_.buffer_offsets[i], program_.buffers()[i].bytes));
  }
  for (size_t i = 0; i < plan_.scratch_offsets.size(); ++i) {
    const size_t bytes = program_.calls()[i].kernel->scratch_bytes();
    scratches_.push_back(allocate(plan_.scratch_offsets[i], bytes));
  }
  bind();
}

void Replay::bind() {
  for (size_t i = 0; i < buffers_.size(); ++i) {
    if (void* external = program_.buffers()[i].external) buffers_[i] = external;
  }
  size_t count = 0;
  for (const Call& call : program_.calls()) count += call.args.size();
  views_.reserve(count);  // spans below stay valid: no growth after this
  bound_.reserve(program_.calls().size());
  for (size_t step = 0; step < program_.calls().size(); ++step) {
    const Call& call = program_.calls()[step];
    const size_t first = views_.size();
    for (const TensorRef& ref : call.args) views_.push_back(view(ref));
    bound_.push_back(
        {call.kernel.get(), {views_.data() + first, call.args.size()}, scratches_[step]});
  }
}

const Memory& Replay::arena() const {
  GANTRY_CHECK(arena_, "this replay has no arena");
  return *arena_;
}

void Replay::queue(Stream& stream, int64_t times) const {
  for (int64_t i = 0; i < times; ++i)
    for (const Bound& bound : bound_) bound.kernel->run(stream, bound.args, bound.scratch);
}

const Recording* Replay::recording(Stream& stream, int64_t times) const {
  if (!recorded_on_) recorded_on_ = &stream;
  if (recorded_on_ != &stream) return nullptr;
  for (const Recorded& known : recorded_)
    if (known.times == times) return known.recording.get();
  recorded_.push_back({times, stream.record([this, &stream, times] { queue(stream, times); })});
  return recorded_.back().recording.get();
}

void Replay::run(Stream& stream, int64_t times) const {
  const Recording* recorded = has_run_ ? recording(stream, times) : nullptr;
  if (recorded) {
    recorded->run();
  } else {
    queue(stream, times);
  }
  has_run_ = true;
}

void Replay::run(Stream& stream, ReplayWatcher& watcher) const {
  const bool wait = watcher.looks_at_values();
  for (size_t step = 0; step < bound_.size(); ++step) {
    const Bound& bound = bound_[step];
    if (wait) stream.synchronize();
    watcher.before(step, program_.calls()[step], bound.args);
    bound.kernel->run(stream, bound.args, bound.scratch);
    if (wait) stream.synchronize();
    watcher.after(step, program_.calls()[step], bound.args);
  }
}

TensorView Replay::view(const TensorRef& ref) const {
  void* base = buffers_[ref.buffer];
  GANTRY_CHECK(base, program_.buffers()[ref.buffer].name, " is used by no call");
  return {static_cast<char*>(base) + ref.offset, ref.shape, ref.dtype};
}

}  // namespace gantry
