// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "train/data/source.h"

namespace gantry {

struct PrefetchOptions {
  int64_t batch = 1;         // samples per batch
  int64_t threads = 1;       // 0: next() reads the batch itself
  int64_t depth = 4;         // batches held ready; at least 2
  uint64_t first_batch = 0;  // where the stream is resumed
  int64_t stride = 0;        // samples between the starts of two batches; 0: batch (one rank)
  int64_t offset = 0;        // of this rank within a stride
};

// Reads batch b = samples b*stride + offset .. + batch - 1 of a source ahead of time, on threads of
// its own. What comes out does not depend on the number of threads; nothing is allocated after
// construction. The source must outlive it. Destruction stops and joins the threads.
class Prefetcher {
 public:
  struct Batch {
    const float* images = nullptr;
    const float* labels = nullptr;  // nullptr: the set has none
    uint64_t index = 0;
    double waited_s = 0;  // how long next() blocked
  };

  Prefetcher(const DataSource& source, const PrefetchOptions& options);
  ~Prefetcher();
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  // Batches in order, beginning with first_batch. The pointers hold until the next call. An
  // exception of the source comes out here, at the batch that it belongs to, and stays: later
  // calls throw it again. To be called from one thread.
  Batch next();
  double waited_s() const;  // in all

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gantry
