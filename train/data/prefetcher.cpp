// SPDX-License-Identifier: Apache-2.0
#include "train/data/prefetcher.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "core/error.h"

namespace gantry {

struct Prefetcher::State {
  struct Slot {
    std::vector<float> images, labels;
    bool ready = false;
    std::exception_ptr failure;
  };

  State(const DataSource& data_source, const PrefetchOptions& prefetch_options)
      : source(data_source), options(prefetch_options) {
    GANTRY_CHECK(options.batch > 0 && options.threads >= 0 && options.depth >= 2, "batch ",
                 options.batch, ", threads ", options.threads, ", depth ", options.depth);
    const bool labelled = source.info().classes > 0;
    slots.resize(options.threads > 0 ? static_cast<size_t>(options.depth) : 1);
    for (Slot& slot : slots) {
      slot.images.resize(static_cast<size_t>(options.batch * source.info().sample.elements()));
      if (labelled) slot.labels.resize(static_cast<size_t>(options.batch));
    }
    wanted = claimed = options.first_batch;
  }

  Slot& slot_of(uint64_t batch) { return slots[batch % slots.size()]; }

  void fill(Slot& slot, uint64_t batch) const {
    const auto stride = static_cast<uint64_t>(options.stride > 0 ? options.stride : options.batch);
    const uint64_t first = batch * stride + static_cast<uint64_t>(options.offset);
    source.read(first, options.batch, slot.images.data(),
                slot.labels.empty() ? nullptr : slot.labels.data());
  }

  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      room.wait(lock, [this] { return stopping || claimed < released() + slots.size(); });
      if (stopping) return;
      const uint64_t batch = claimed++;
      lock.unlock();
      Slot& slot = slot_of(batch);
      std::exception_ptr thrown;
      try {
        fill(slot, batch);
      } catch (...) {
        thrown = std::current_exception();
      }
      lock.lock();
      slot.failure = thrown;
      slot.ready = true;
      filled.notify_all();
    }
  }

  // The batch handed out last is still in use, so its slot is not free.
  uint64_t released() const { return handed_out ? wanted - 1 : wanted; }

  const DataSource& source;
  PrefetchOptions options;
  std::vector<Slot> slots;
  std::mutex mutex;
  std::condition_variable room, filled;
  uint64_t wanted = 0;   // the batch of the coming next()
  uint64_t claimed = 0;  // the batch that no thread has begun
  bool handed_out = false, stopping = false;
  std::exception_ptr failure;
  double waited_s = 0;
  std::vector<std::jthread> threads;
};

Prefetcher::Prefetcher(const DataSource& source, const PrefetchOptions& options)
    : state_(std::make_unique<State>(source, options)) {
  for (int64_t i = 0; i < options.threads; ++i) {
    state_->threads.emplace_back([state = state_.get()] { state->work(); });
  }
}

Prefetcher::~Prefetcher() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->room.notify_all();
  state_->threads.clear();
}

Prefetcher::Batch Prefetcher::next() {
  State& s = *state_;
  if (s.failure) std::rethrow_exception(s.failure);
  const auto start = std::chrono::steady_clock::now();
  State::Slot& slot = s.slot_of(s.wanted);
  if (s.threads.empty()) {
    s.fill(slot, s.wanted);
  } else {
    std::unique_lock lock(s.mutex);
    if (s.handed_out) {
      s.slot_of(s.wanted - 1).ready = false;
      s.handed_out = false;
      s.room.notify_all();
    }
    s.filled.wait(lock, [&slot] { return slot.ready; });
    s.failure = slot.failure;
  }
  if (s.failure) std::rethrow_exception(s.failure);
  const std::lock_guard lock(s.mutex);
  const uint64_t index = s.wanted++;
  s.handed_out = true;
  const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - start;
  s.waited_s += waited.count();
  return {slot.images.data(), slot.labels.empty() ? nullptr : slot.labels.data(), index,
          waited.count()};
}

double Prefetcher::waited_s() const { return state_->waited_s; }

}  // namespace gantry
