// SPDX-License-Identifier: Apache-2.0
#include "core/replay.h"

#include <utility>

namespace gantry {

Replay::Replay(Program program, MemoryPlan plan, std::shared_ptr<Memory> arena)
    : program_(std::move(program)), plan_(std::move(plan)), arena_(std::move(arena)) {
  GANTRY_CHECK(plan_.arena_bytes == 0 || (arena_ && arena_->bytes() >= plan_.arena_bytes),
               "the arena is smaller than the plan");
  size_t count = 0;
  for (const Call& call : program_.calls()) count += call.args.size();
  views_.reserve(count);  // spans below stay valid: no growth after this
  bound_.reserve(program_.calls().size());
  for (size_t step = 0; step < program_.calls().size(); ++step) {
    const Call& call = program_.calls()[step];
    const size_t first = views_.size();
    for (const TensorRef& ref : call.args) views_.push_back(view(ref));
    const size_t offset = plan_.scratch_offsets[step];
    void* scratch =
        offset == MemoryPlan::kUnplaced ? nullptr : static_cast<char*>(arena_->data()) + offset;
    bound_.push_back({call.kernel.get(), {views_.data() + first, call.args.size()}, scratch});
  }
}

void Replay::run(Stream& stream) const {
  for (const Bound& bound : bound_) bound.kernel->run(stream, bound.args, bound.scratch);
}

void Replay::run(Stream& stream, ReplayWatcher& watcher) const {
  for (size_t step = 0; step < bound_.size(); ++step) {
    const Bound& bound = bound_[step];
    stream.synchronize();
    watcher.before(step, program_.calls()[step], bound.args);
    bound.kernel->run(stream, bound.args, bound.scratch);
    stream.synchronize();
    watcher.after(step, program_.calls()[step], bound.args);
  }
}

TensorView Replay::view(const TensorRef& ref) const {
  const ProgramBuffer& buffer = program_.buffers()[ref.buffer];
  char* base = static_cast<char*>(buffer.external);
  if (!base) {
    const size_t offset = plan_.buffer_offsets[ref.buffer];
    GANTRY_CHECK(offset != MemoryPlan::kUnplaced, buffer.name, " is used by no call");
    base = static_cast<char*>(arena_->data()) + offset;
  }
  return {base + ref.offset, ref.shape, ref.dtype};
}

}  // namespace gantry
