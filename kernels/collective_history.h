// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace gantry {

// An operation that all ranks come to, as one of them has seen it.
struct Collective {
  int64_t number = 0;  // from 1, the same on all ranks
  std::string op;      // "all_reduce", "broadcast", "barrier"
  std::string what;    // "gradients of d", as far as there is room
  int64_t count = 0;   // elements
  std::string type;    // of an element: "f32", "u8"
  // Seconds since the ranks were joined; ended < 0: this rank still waits for others.
  double begun = 0, ended = -1;
};

// The last collective operations of a rank, for those who ask what it was doing. Writing one down
// allocates no memory.
class CollectiveHistory {
 public:
  static constexpr size_t kKept = 64;
  static constexpr size_t kMostCharacters = 63;

  CollectiveHistory();
  const Collective& begin(const char* op, const std::string& what, int64_t count, const char* type);
  void end();
  std::vector<Collective> all() const;  // oldest first
  double now() const;                   // seconds since it was made

 private:
  Collective& last() { return kept_[static_cast<size_t>(begun_ - 1) % kKept]; }

  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::array<Collective, kKept> kept_;
  int64_t begun_ = 0;
};

}  // namespace gantry
