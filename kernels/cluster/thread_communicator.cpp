// SPDX-License-Identifier: Apache-2.0
#include "kernels/cluster/thread_communicator.h"

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>

#include "kernels/cluster/rank_sum.h"

namespace gantry {
namespace {

// What the ranks of a group share: where each one's operand lies, and a meeting point.
class Meeting {
 public:
  explicit Meeting(int size)
      : operands_(static_cast<size_t>(size)), here_(static_cast<size_t>(size)) {}

  // Returns when all ranks are here; then the others may look at `operand` until they meet again.
  void meet(int rank, void* operand, double timeout, const std::string& what) {
    std::unique_lock lock(mutex_);
    require_sound();
    operands_[static_cast<size_t>(rank)] = operand;
    here_[static_cast<size_t>(rank)] = true;
    if (++arrived_ == here_.size()) {
      arrived_ = 0;
      here_.assign(here_.size(), false);
      shown_ = operands_;
      ++meetings_;
      all_here_.notify_all();
      return;
    }
    const uint64_t before = meetings_;
    const bool in_time = all_here_.wait_for(lock, std::chrono::duration<double>(timeout), [&] {
      return meetings_ != before || !failure_.empty();
    });
    if (!in_time) fail(concat(missing(), " did not come to ", what, " within ", timeout, " s"));
    if (meetings_ == before) require_sound();
  }

  void require_others() {
    const std::lock_guard lock(mutex_);
    require_sound();
  }

  void give_up(const std::string& reason) {
    const std::lock_guard lock(mutex_);
    fail(reason);
  }

  // What the ranks brought to the last meeting. The next one cannot end, and change it, before the
  // rank that looks has come.
  const std::vector<void*>& operands() const { return shown_; }

 private:
  // The first cause stays.
  void fail(const std::string& reason) {
    if (failure_.empty()) failure_ = reason;
    all_here_.notify_all();
  }

  void require_sound() const {
    if (!failure_.empty()) throw PeerError(failure_);
  }

  std::string missing() const {
    std::string ranks;
    for (size_t i = 0; i < here_.size(); ++i) {
      if (!here_[i]) ranks += concat(ranks.empty() ? "rank " : ", rank ", i);
    }
    return ranks;
  }

  std::mutex mutex_;
  std::condition_variable all_here_;
  std::vector<void*> operands_, shown_;
  std::vector<bool> here_;
  size_t arrived_ = 0;
  uint64_t meetings_ = 0;
  std::string failure_;
};

struct Place {
  std::shared_ptr<Meeting> meeting;
  int rank = 0, size = 1;
  double timeout = kStartTimeout;

  void meet(void* operand, const std::string& what) const {
    meeting->meet(rank, operand, timeout, what);
  }
};

// Each rank adds up one piece of x into its scratch memory and then takes the others'.
class ThreadAllReduce : public Kernel {
 public:
  ThreadAllReduce(std::shared_ptr<const Place> place, AllReduceDesc desc)
      : place_(std::move(place)), desc_(std::move(desc)), what_("the sum of " + desc_.what) {}

  size_t scratch_bytes() const override {
    return static_cast<size_t>(piece_length(desc_.size, place_->size)) * dtype_bytes(desc_.dtype);
  }

  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override {
    stream.synchronize();
    auto* x = static_cast<char*>(args[0].data);
    place_->meet(x, what_);
    const RankPiece mine = piece_of(desc_.size, place_->size, place_->rank);
    std::array<void*, kMostThreadRanks> parts{};
    const auto ranks = static_cast<size_t>(place_->size);
    for (size_t i = 0; i < ranks; ++i) {
      parts[i] = static_cast<char*>(place_->meeting->operands()[i]) + bytes(mine.first);
    }
    if (mine.count > 0) add_ranks(desc_, scratch, {parts.data(), ranks}, mine.count);
    place_->meet(scratch, what_);
    for (int rank = 0; rank < place_->size; ++rank) {
      const RankPiece piece = piece_of(desc_.size, place_->size, rank);
      std::memcpy(x + bytes(piece.first), place_->meeting->operands()[static_cast<size_t>(rank)],
                  bytes(piece.count));
    }
    place_->meet(nullptr, what_);  // scratch may be used again
  }

 private:
  size_t bytes(int64_t elements) const {
    return static_cast<size_t>(elements) * dtype_bytes(desc_.dtype);
  }

  std::shared_ptr<const Place> place_;
  AllReduceDesc desc_;
  std::string what_;
};

class ThreadCommunicator : public Communicator {
 public:
  ThreadCommunicator(std::shared_ptr<Meeting> meeting, int rank, int size)
      : place_(std::make_shared<Place>(Place{std::move(meeting), rank, size})) {}

  int rank() const override { return place_->rank; }
  int size() const override { return place_->size; }
  std::string name() const override { return concat(size(), " threads"); }

  void require_peers() override { place_->meeting->require_others(); }
  void set_timeout(double seconds) override { place_->timeout = seconds; }
  void abort(ExitCode, const std::string& reason) noexcept override {
    place_->meeting->give_up(reason);
  }

 private:
  std::shared_ptr<Kernel> make_all_reduce(const AllReduceDesc& desc) override {
    return std::make_shared<ThreadAllReduce>(place_, desc);
  }
  void do_broadcast(void* data, size_t bytes, int root) override {
    place_->meet(data, "a broadcast");
    const void* from = place_->meeting->operands()[static_cast<size_t>(root)];
    if (rank() != root) std::memcpy(data, from, bytes);
    place_->meet(nullptr, "a broadcast");
  }
  void do_barrier() override { place_->meet(nullptr, "a barrier"); }
  void gather(const void* mine, size_t bytes, void* all) override {
    const std::string what = "the comparison of operations";
    place_->meet(const_cast<void*>(mine), what);
    for (int rank = 0; rank < place_->size; ++rank) {
      const auto i = static_cast<size_t>(rank);
      std::memcpy(static_cast<char*>(all) + i * bytes, place_->meeting->operands()[i], bytes);
    }
    place_->meet(nullptr, what);
  }

  std::shared_ptr<Place> place_;
};

}  // namespace

std::vector<std::unique_ptr<Communicator>> thread_communicators(int size) {
  GANTRY_CHECK(size >= 1 && size <= kMostThreadRanks, size, " ranks");
  const auto meeting = std::make_shared<Meeting>(size);
  std::vector<std::unique_ptr<Communicator>> all;
  all.reserve(static_cast<size_t>(size));
  for (int rank = 0; rank < size; ++rank) {
    all.push_back(std::make_unique<ThreadCommunicator>(meeting, rank, size));
  }
  return all;
}

}  // namespace gantry
