// SPDX-License-Identifier: Apache-2.0
#include "tests/ranks/team.h"

#include <gtest/gtest.h>

#include <exception>
#include <thread>

#include "kernels/cluster/thread_communicator.h"

namespace gantry {

void on_threads(int count, const std::function<void(int)>& work) {
  std::vector<std::exception_ptr> thrown(static_cast<size_t>(count));
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      try {
        work(i);
      } catch (...) {
        thrown[static_cast<size_t>(i)] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& one : thrown) {
    if (one) std::rethrow_exception(one);
  }
}

void on_ranks(int count, const std::function<void(int, Communicator&)>& work) {
  const auto communicators = thread_communicators(count);
  on_threads(count, [&](int rank) { work(rank, *communicators[static_cast<size_t>(rank)]); });
}

Team::Team(int ranks, const Load& load) : Team(thread_communicators(ranks), load) {}

namespace {

std::vector<Backend> on_cpu(std::vector<std::unique_ptr<Communicator>> communicators) {
  std::vector<Backend> backends;
  for (auto& communicator : communicators) {
    backends.push_back(open_backend(BackendChoice::kCpu, 1));
    backends.back().communicator = std::move(communicator);
  }
  return backends;
}

}  // namespace

Team::Team(std::vector<std::unique_ptr<Communicator>> communicators, const Load& load)
    : Team(on_cpu(std::move(communicators)), load) {}

Team::Team(std::vector<Backend> backends, const Load& load) {
  for (Backend& backend : backends) {
    ranks_.push_back(std::make_unique<Rank>());
    ranks_.back()->backend = std::move(backend);
  }
  on_threads(size(), [&](int i) {
    Rank& rank = *ranks_[static_cast<size_t>(i)];
    RunConfig config = load();
    rank.backend.communicator->set_timeout(60);
    rank.backend.communicator->connect();
    auto data = open_data(config.data, static_cast<uint64_t>(config.seed));
    rank.session = std::make_unique<Session>(std::move(config), rank.backend, std::move(data));
    rank.session->initialize();
  });
}

// Each on a thread of its own: engines take leave of each other.
Team::~Team() {
  on_threads(size(), [&](int rank) { ranks_[static_cast<size_t>(rank)].reset(); });
}

void Team::step(int count) {
  on_threads(size(), [&](int rank) {
    for (int i = 0; i < count; ++i) session(rank).step();
    session(rank).stream().synchronize();
  });
}

Checkpoint Team::checkpoint() {
  Checkpoint first = session(0).checkpoint();
  for (int rank = 1; rank < size(); ++rank) {
    EXPECT_EQ(first.tensors, session(rank).checkpoint().tensors) << "rank " << rank;
  }
  return first;
}

void Team::restore(const Checkpoint& checkpoint) {
  for (int rank = 0; rank < size(); ++rank) session(rank).restore(checkpoint, "memory");
}

}  // namespace gantry
