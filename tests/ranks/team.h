// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "train/config_file.h"
#include "train/session.h"

namespace gantry {

// Runs work(0) .. work(count - 1), each on a thread of its own; throws what the first one threw.
void on_threads(int count, const std::function<void(int)>& work);

// The same with a communicator for each.
void on_ranks(int count, const std::function<void(int, Communicator&)>& work);

// One config on several ranks, each a session of its own: on the CPU with one thread each, or on
// backends that have communicators.
class Team {
 public:
  using Load = std::function<RunConfig()>;
  Team(int ranks, const Load& load);
  Team(std::vector<std::unique_ptr<Communicator>> communicators, const Load& load);
  Team(std::vector<Backend> backends, const Load& load);
  ~Team();

  void step(int count);
  // The state of every rank, which must be the same.
  Checkpoint checkpoint();
  void restore(const Checkpoint& checkpoint);
  Session& session(int rank) { return *ranks_[static_cast<size_t>(rank)]->session; }
  int size() const { return static_cast<int>(ranks_.size()); }

 private:
  struct Rank {
    Backend backend;
    std::unique_ptr<Session> session;
  };
  std::vector<std::unique_ptr<Rank>> ranks_;
};

}  // namespace gantry
