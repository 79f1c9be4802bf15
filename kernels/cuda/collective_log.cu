// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>

#include "kernels/cuda/collective_log.h"
#include "kernels/cuda/collective_log_kernels.cuh"
#include "kernels/cuda/launch.h"

namespace gantry::cuda {
namespace {

const LaunchShape kOneWarp = {dim3(1), kWarp, 0};

// What the GPU writes meanwhile.
int64_t look(const int64_t& noted) {
  return std::atomic_ref<int64_t>(const_cast<int64_t&>(noted)).load(std::memory_order_acquire);
}

double seconds(int64_t nanoseconds) { return 1e-9 * static_cast<double>(nanoseconds); }

}  // namespace

CollectiveLog::CollectiveLog(Stream& stream) {
  void* memory = nullptr;
  check(
      cudaHostAlloc(&memory, sizeof(CollectiveNotes), cudaHostAllocMapped | cudaHostAllocPortable),
      "cudaHostAlloc");
  notes_ = new (memory) CollectiveNotes();
  launch(note_clock_kernel, kOneWarp, stream, notes_);
  stream.synchronize();
  start_ns_ = look(notes_->now_ns);
}

CollectiveLog::~CollectiveLog() {
  if (!lost()) cudaFreeHost(notes_);
}

int64_t CollectiveLog::add(const Collective& operation) {
  operations_.push_back(operation);
  return static_cast<int64_t>(operations_.size()) - 1;
}

void CollectiveLog::note_begin(Stream& stream, int64_t operation) {
  launch(note_begin_kernel, kOneWarp, stream, notes_, notes_->last.data(), operation);
}

void CollectiveLog::note_end(Stream& stream) {
  launch(note_end_kernel, kOneWarp, stream, notes_, notes_->last.data());
}

int64_t CollectiveLog::begun() const { return look(notes_->begun); }

const Collective* CollectiveLog::current() const {
  const int64_t ended = look(notes_->ended), number = look(notes_->begun);
  if (number == ended) return nullptr;
  const CollectiveNote& note = notes_->last[static_cast<size_t>(number - 1) % notes_->last.size()];
  return &operations_[static_cast<size_t>(look(note.operation))];
}

std::vector<Collective> CollectiveLog::all() const {
  const int64_t last = begun();
  std::vector<Collective> notes;
  const auto kept = static_cast<int64_t>(notes_->last.size());
  for (int64_t number = std::max<int64_t>(1, last - kept + 1); number <= last; ++number) {
    notes.push_back(read(number));
  }
  return notes;
}

Collective CollectiveLog::read(int64_t number) const {
  const CollectiveNote& note = notes_->last[static_cast<size_t>(number - 1) % notes_->last.size()];
  Collective one = operations_[static_cast<size_t>(look(note.operation))];
  one.number = number;
  one.begun = seconds(look(note.begun_ns) - start_ns_);
  const int64_t ended = look(note.ended_ns);
  one.ended = ended == 0 ? -1 : seconds(ended - start_ns_);
  return one;
}

}  // namespace gantry::cuda
