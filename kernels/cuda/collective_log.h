// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kernels/collective_history.h"
#include "kernels/cuda/cuda_device.h"

namespace gantry::cuda {

// What a GPU notes of a collective operation.
struct CollectiveNote {
  int64_t number = 0;                  // from 1
  int64_t operation = 0;               // which of CollectiveLog's
  int64_t begun_ns = 0, ended_ns = 0;  // by the GPU's clock; ended 0: not yet
};
// In memory of the host that the GPU writes. `begun` and `ended` count operations.
struct CollectiveNotes {
  int64_t begun = 0, ended = 0;
  int64_t now_ns = 0;
  std::array<CollectiveNote, CollectiveHistory::kKept> last;
};

// What a GPU has come to: it notes where each collective operation begins and ends, as calls of the
// stream itself, so that the notes are right in a replayed graph, too. The host looks without
// asking the GPU for anything: it may hang.
class CollectiveLog {
 public:
  // Waits for the stream once, to set the GPU's clock against the host's.
  explicit CollectiveLog(Stream& stream);
  ~CollectiveLog();
  CollectiveLog(const CollectiveLog&) = delete;
  CollectiveLog& operator=(const CollectiveLog&) = delete;

  // Makes an operation known by name; op, what, count and type are kept.
  int64_t add(const Collective& operation);
  void note_begin(Stream& stream, int64_t operation);
  void note_end(Stream& stream);

  int64_t begun() const;
  // The operation that the GPU is in, or null.
  const Collective* current() const;
  std::vector<Collective> all() const;  // the last ones, oldest first

 private:
  Collective read(int64_t number) const;

  CollectiveNotes* notes_ = nullptr;
  std::vector<Collective> operations_;
  int64_t start_ns_ = 0;  // of the GPU's clock, when the log was made
};

}  // namespace gantry::cuda
