// SPDX-License-Identifier: Apache-2.0
#include "kernels/cluster/socket_communicator.h"

#include "kernels/cluster/links.h"
#include "kernels/cluster/rank_sum.h"
#include "kernels/cluster/rendezvous.h"

namespace gantry {
namespace {

class SocketAllReduce : public Kernel {
 public:
  SocketAllReduce(std::shared_ptr<Links> links, AllReduceDesc desc)
      : links_(std::move(links)), desc_(std::move(desc)), what_("the sum of " + desc_.what) {}

  size_t scratch_bytes() const override {
    return pointer_bytes() + static_cast<size_t>(links_->size()) * bytes(place());
  }

  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override {
    stream.synchronize();
    auto* const x = static_cast<char*>(args[0].data);
    const bool small = desc_.size <= kSmallSum;
    const RankPiece mine = small ? RankPiece{0, desc_.size} : piece(links_->rank());
    const std::span<Links::Part> parts = links_->parts();
    const std::span<void*> operands(static_cast<void**>(scratch), parts.size());
    char* const received = static_cast<char*>(scratch) + pointer_bytes();
    for (size_t rank = 0; rank < parts.size(); ++rank) {
      const bool own = static_cast<int>(rank) == links_->rank();
      operands[rank] = own ? x + bytes(mine.first) : received + rank * bytes(place());
      const RankPiece its = small ? mine : piece(static_cast<int>(rank));
      parts[rank] = {x + bytes(its.first), bytes(its.count), operands[rank],
                     bytes(mine.count),    its.count > 0,    mine.count > 0};
    }
    links_->exchange(what_);
    if (mine.count > 0) add_ranks(desc_, x + bytes(mine.first), operands, mine.count);
    if (small) return;
    for (size_t rank = 0; rank < parts.size(); ++rank) {
      const RankPiece its = piece(static_cast<int>(rank));
      parts[rank] = {x + bytes(mine.first), bytes(mine.count), x + bytes(its.first),
                     bytes(its.count),      mine.count > 0,    its.count > 0};
    }
    links_->exchange(what_);
  }

 private:
  size_t bytes(int64_t elements) const {
    return static_cast<size_t>(elements) * dtype_bytes(desc_.dtype);
  }
  // Scratch memory begins with where each rank's operand lies.
  size_t pointer_bytes() const {
    constexpr size_t kLine = 64;
    const size_t pointers = static_cast<size_t>(links_->size()) * sizeof(void*);
    return (pointers + kLine - 1) / kLine * kLine;
  }
  // Elements between the operands of two ranks in scratch memory.
  int64_t place() const {
    return desc_.size <= kSmallSum ? desc_.size : piece_length(desc_.size, links_->size());
  }
  RankPiece piece(int rank) const { return piece_of(desc_.size, links_->size(), rank); }

  std::shared_ptr<Links> links_;
  AllReduceDesc desc_;
  std::string what_;
};

class SocketCommunicator : public Communicator {
 public:
  SocketCommunicator(int rank, std::vector<Peer> peers)
      : links_(std::make_shared<Links>(rank, std::move(peers))) {}

  int rank() const override { return links_->rank(); }
  int size() const override { return links_->size(); }
  std::string name() const override { return concat("TCP, ", size(), " ranks"); }
  void require_peers() override { links_->require_peers(); }
  void set_timeout(double seconds) override { links_->set_timeout(seconds); }
  void abort(ExitCode, const std::string& reason) noexcept override { links_->abort(reason); }

 private:
  std::shared_ptr<Kernel> make_all_reduce(const AllReduceDesc& desc) override {
    return std::make_shared<SocketAllReduce>(links_, desc);
  }
  void do_broadcast(void* data, size_t bytes, int root) override {
    const std::span<Links::Part> parts = links_->parts();
    if (rank() == root) {
      for (Links::Part& part : parts) part = {data, bytes, nullptr, 0, true, false};
    } else {
      parts[static_cast<size_t>(root)] = {nullptr, 0, data, bytes, false, true};
    }
    links_->exchange("a broadcast");
  }
  void do_barrier() override {
    for (Links::Part& part : links_->parts()) part = {nullptr, 0, nullptr, 0, true, true};
    links_->exchange("a barrier");
  }
  void gather(const void* mine, size_t bytes, void* all) override {
    const std::span<Links::Part> parts = links_->parts();
    for (size_t rank = 0; rank < parts.size(); ++rank) {
      void* const place = static_cast<char*>(all) + rank * bytes;
      parts[rank] = {mine, bytes, place, bytes, true, true};
    }
    std::copy_n(static_cast<const char*>(mine), bytes,
                static_cast<char*>(all) + static_cast<size_t>(rank()) * bytes);
    links_->exchange("the comparison of operations");
  }

  std::shared_ptr<Links> links_;
};

}  // namespace

std::unique_ptr<Communicator> open_socket_communicator(World world) {
  if (world.join_timeout <= 0) world.join_timeout = kStartTimeout;
  auto communicator = std::make_unique<SocketCommunicator>(world.rank, meet(world));
  // All have all connections, or nobody begins. Who cannot connect says so first.
  constexpr double kGrace = 5;
  communicator->set_timeout(world.join_timeout + kGrace);
  try {
    communicator->barrier();
  } catch (const PeerError& error) {
    throw EnvironmentError(error.what());
  }
  communicator->set_timeout(kStartTimeout);
  return communicator;
}

}  // namespace gantry
