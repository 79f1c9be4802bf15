// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_emulation/machine.h"

#include <atomic>
#include <cstring>

#include "core/error.h"

namespace gantry::emulation {
namespace {

constexpr unsigned kWarp = 32;
constexpr unsigned kMostThreads = 1024;
constexpr size_t kSharedBytes = size_t{48} << 10;  // what a kernel has without asking for more
constexpr size_t kSharedGap = 64;                  // between two arrays, belonging to neither
constexpr int kSharedPoison = 0xFF;                // NaN

// Numbers of blocks, of all machines: memory is touched by kernels of more than one host thread.
std::atomic<uint32_t> all_blocks = 0;

std::string at(const std::source_location& where) {
  return concat(where.file_name(), ":", where.line());
}

bool same_place(const std::source_location& a, const std::source_location& b) {
  return a.line() == b.line() && a.column() == b.column() &&
         std::strcmp(a.file_name(), b.file_name()) == 0;
}

}  // namespace

Machine& Machine::here() {
  static thread_local Machine machine;
  return machine;
}

void Machine::begin_thread(void* self) {
  auto& machine = *static_cast<Machine*>(self);
  machine.body_(machine.argument_);
  machine.current_->state = Thread::State::kDone;
  machine.current_->fiber.leave();
}

void Machine::stop(const std::string& what) {
  if (defect_.empty()) defect_ = concat(thread_name(index_), ": ", what);
  current_->state = Thread::State::kDone;
  current_->fiber.leave();
}

std::string Machine::thread_name(unsigned thread) const {
  return concat("block ", place_.x, ",", place_.y, ",", place_.z, " thread ", thread);
}

void Machine::run(dim3 grid, dim3 block, size_t shared_bytes, void (*body)(const void*),
                  const void* argument, size_t bytes) {
  GANTRY_CHECK(!running(), "a kernel launched by a kernel");
  const unsigned count = block.x * block.y * block.z;
  if (count == 0 || count > kMostThreads || count % kWarp != 0)
    throw Defect(concat("launched with blocks of ", count, " threads"));
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.y > 65535 || grid.z > 65535)
    throw Defect(concat("launched with a grid of ", grid.x, " x ", grid.y, " x ", grid.z));
  while (threads_.size() < count) threads_.push_back(std::make_unique<Thread>());
  if (shared_.empty()) {
    // Gaps are not part of what a kernel may use.
    shared_.resize(2 * kSharedBytes);
    shared_cells_.resize(shared_.size());
  }
  grid_ = grid;
  block_ = block;
  thread_count_ = count;
  body_ = body;
  argument_ = argument;
  argument_bytes_ = bytes;
  dynamic_bytes_ = shared_bytes;
  first_block_ = all_blocks.fetch_add(grid.x * grid.y * grid.z) + 1;
  blocks_run_ = first_block_ - 1;
  defect_.clear();
  recent_ = {};  // memory may have come and gone since
  for (place_.z = 0; place_.z < grid.z; ++place_.z)
    for (place_.y = 0; place_.y < grid.y; ++place_.y)
      for (place_.x = 0; place_.x < grid.x; ++place_.x) run_block();
}

void Machine::run_block() {
  ++blocks_run_;
  epoch_ = 0;
  arrays_.clear();
  std::memset(shared_.data(), kSharedPoison, shared_end_);
  shared_end_ = 0;
  if (dynamic_bytes_ > 0)
    arrays_.push_back({nullptr, place_shared(dynamic_bytes_), dynamic_bytes_});
  for (unsigned i = 0; i < thread_count_; ++i) {
    threads_[i]->fiber.reset(&Machine::begin_thread, this);
    threads_[i]->state = Thread::State::kReady;
  }
  do {
    for (unsigned first = 0; first < thread_count_; first += kWarp) {
      run_warp(first);
      if (!defect_.empty()) throw Defect(defect_);
    }
  } while (pass_barrier());
}

// Until every thread of the warp is done or at a barrier.
void Machine::run_warp(unsigned first) {
  do {
    for (index_ = first; index_ < first + kWarp; ++index_) {
      if (threads_[index_]->state != Thread::State::kReady) continue;
      current_ = threads_[index_].get();
      current_->fiber.enter();
      current_ = nullptr;
      if (!defect_.empty()) return;
    }
  } while (release_warp(first));
}

// Lets lanes go on whose partners have all arrived. False: none waits.
bool Machine::release_warp(unsigned first) {
  bool waiting = false, released = false;
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    const Thread& leader = *threads_[first + lane];
    if (leader.state != Thread::State::kInWarp) continue;
    waiting = true;
    const auto arrived = [&](unsigned other) {
      const Thread& thread = *threads_[first + other];
      return thread.state == Thread::State::kInWarp && thread.mask == leader.mask &&
             thread.kind == leader.kind && same_place(thread.where, leader.where);
    };
    uint64_t values[kWarp] = {}, ballot = 0;
    bool complete = true;
    const unsigned mask = leader.mask;
    for (unsigned other = 0; other < kWarp && complete; ++other) {
      if (!(mask >> other & 1)) continue;
      complete = arrived(other);
      values[other] = threads_[first + other]->value;
      if (values[other]) ballot |= uint64_t{1} << other;
    }
    if (!complete) continue;
    for (unsigned other = 0; other < kWarp; ++other) {
      if (!(mask >> other & 1)) continue;
      Thread& thread = *threads_[first + other];
      thread.value = thread.kind == Exchange::kBallot ? ballot : values[thread.source];
      thread.state = Thread::State::kReady;
    }
    released = true;
  }
  if (waiting && !released) {
    for (index_ = first; threads_[index_]->state != Thread::State::kInWarp;) ++index_;
    defect_ = concat(thread_name(index_), ": waits at ", at(threads_[index_]->where),
                     " for lanes of its warp that never get there");
  }
  return released;
}

// False: every thread is done.
bool Machine::pass_barrier() {
  const Thread& leader = *threads_[0];
  for (unsigned i = 1; i < thread_count_; ++i) {
    const Thread& thread = *threads_[i];
    if (thread.state == leader.state &&
        (thread.state == Thread::State::kDone || same_place(thread.where, leader.where)))
      continue;
    const auto stands = [](const Thread& t) {
      return t.state == Thread::State::kDone ? std::string("has ended")
                                             : "waits at the barrier of " + at(t.where);
    };
    throw Defect(concat(thread_name(0), " ", stands(leader), ", thread ", i, " ", stands(thread)));
  }
  if (leader.state == Thread::State::kDone) return false;
  for (unsigned i = 0; i < thread_count_; ++i) threads_[i]->state = Thread::State::kReady;
  ++epoch_;
  return true;
}

void Machine::wait_at_barrier(std::source_location where) {
  current_->state = Thread::State::kAtBarrier;
  current_->where = where;
  current_->fiber.leave();
}

uint64_t Machine::exchange(Exchange kind, unsigned mask, uint64_t value, unsigned source,
                           std::source_location where) {
  const unsigned lane = index_ % kWarp;
  if (!(mask >> lane & 1))
    stop(concat("takes part in an exchange at ", at(where), " without being in its mask"));
  if (kind == Exchange::kShuffle && !(mask >> source & 1))
    stop(concat("reads lane ", source, " at ", at(where), ", which does not take part"));
  Thread* self = current_;
  self->kind = kind;
  self->mask = mask;
  self->value = value;
  self->source = source;
  self->where = where;
  self->state = Thread::State::kInWarp;
  self->fiber.leave();
  return self->value;
}

size_t Machine::place_shared(size_t bytes) {
  const size_t begin = (shared_end_ + kSharedGap + 15) / 16 * 16;
  size_t used = bytes;
  for (const SharedArray& array : arrays_) used += array.bytes;
  if (used > kSharedBytes || begin + bytes + kSharedGap > shared_.size())
    throw Defect(concat(used, " bytes of shared memory; a block has ", kSharedBytes));
  std::memset(shared_.data() + begin, kSharedPoison, bytes);
  shared_end_ = begin + bytes;
  return begin;
}

void* Machine::shared_array(const void* key, size_t bytes) {
  for (const SharedArray& array : arrays_)
    if (array.key == key) return shared_.data() + array.begin;
  arrays_.push_back({key, place_shared(bytes), bytes});
  return shared_.data() + arrays_.back().begin;
}

void* Machine::dynamic_shared() {
  for (const SharedArray& array : arrays_)
    if (!array.key) return shared_.data() + array.begin;
  stop("asks for shared memory that it was launched without");
  return nullptr;
}

}  // namespace gantry::emulation
