// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <set>
#include <vector>

#include "tests/cuda_emulation/include/nccl.h"

namespace gantry::emulation {

enum class NcclKind : uint8_t { kAllReduce, kAllGather, kSend, kReceive };
struct NcclCall {
  NcclKind kind;
  const void* send;
  void* receive;
  size_t count;
  ncclDataType_t type;
  int peer = -1;
};

// The ranks of a communicator: what each has called, and where they meet to do it.
class Clique {
 public:
  explicit Clique(int ranks);

  // false: the rank or its device is there already.
  bool join(int rank, int device);
  bool all_here();
  void finalize();
  bool all_finalizing();

  // The next calls of a rank, of one group or one alone: Defect where another has called others.
  void note(int rank, const std::vector<NcclCall>& calls, bool captured);
  // The rank's GPU has come to them: the number of this meeting.
  int64_t arrive(int rank, const std::vector<NcclCall>& calls);
  // Whether all have, and so what they are about is done.
  bool is_done(int64_t meeting);

 private:
  struct Noted {
    std::vector<NcclCall> calls;
    bool captured;
  };
  struct Meeting {
    std::vector<std::vector<NcclCall>> calls;  // by rank
    size_t here = 0;
  };

  size_t ranks() const { return noted_.size(); }
  void compare(size_t a, const Noted& of_a, size_t b, const Noted& of_b) const;
  void perform(const Meeting& meeting) const;
  void exchange(const Meeting& meeting) const;

  std::mutex mutex_;
  std::set<int> members_, devices_;
  size_t finalizing_ = 0;
  std::vector<std::vector<Noted>> noted_;  // by rank
  std::vector<int64_t> arrived_;           // by rank: how often
  std::deque<Meeting> meetings_;
};

}  // namespace gantry::emulation
