// SPDX-License-Identifier: Apache-2.0
#include "kernels/communicator.h"

#include <cstring>
#include <vector>

#include "kernels/cluster/rank_sum.h"

namespace gantry {
namespace {

class AllReduceAlone : public Kernel {
 public:
  explicit AllReduceAlone(AllReduceDesc desc) : desc_(std::move(desc)) {}
  void run(Stream& stream, std::span<const TensorView> args, void*) const override {
    stream.synchronize();
    add_ranks(desc_, args[0].data, {&args[0].data, 1}, desc_.size);
  }

 private:
  AllReduceDesc desc_;
};

// How one rank tells the others what it has come to.
struct Announcement {
  int64_t number = 0, count = 0;
  char op[16] = {}, type[16] = {}, what[CollectiveHistory::kMostCharacters + 1] = {};

  Announcement() = default;
  explicit Announcement(const Collective& one) : number(one.number), count(one.count) {
    one.op.copy(op, sizeof(op) - 1);
    one.type.copy(type, sizeof(type) - 1);
    one.what.copy(what, sizeof(what) - 1);
  }
  std::string text() const {
    return concat(op, *what ? " of " : "", what, " (", count, " ", type, ", its collective ",
                  number, ")");
  }
};

}  // namespace

template <typename Operation>
void Communicator::watch(const char* op, const std::string& what, int64_t count, const char* type,
                         const Operation& operation) {
  const Collective& mine = history_.begin(op, what, count, type);
  if (compares_) compare(mine);
  operation();
  history_.end();
}

void Communicator::compare(const Collective& mine) {
  const Announcement own(mine);
  std::vector<Announcement> all(static_cast<size_t>(size()));
  gather(&own, sizeof(own), all.data());
  for (size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank].text() == all[0].text()) continue;
    throw PeerError(
        concat("rank 0 has come to ", all[0].text(), ", rank ", rank, " to ", all[rank].text()));
  }
}

class Communicator::WatchedAllReduce : public Kernel {
 public:
  WatchedAllReduce(Communicator& ranks, AllReduceDesc desc)
      : ranks_(ranks), desc_(std::move(desc)), kernel_(ranks.make_all_reduce(desc_)) {}

  size_t scratch_bytes() const override { return kernel_->scratch_bytes(); }
  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override {
    ranks_.watch("all_reduce", desc_.what, desc_.size, dtype_name(desc_.dtype),
                 [&] { kernel_->run(stream, args, scratch); });
  }

 private:
  Communicator& ranks_;
  AllReduceDesc desc_;
  KernelPtr kernel_;
};

KernelPtr Communicator::all_reduce(const AllReduceDesc& desc) {
  GANTRY_CHECK(desc.size > 0, "an all-reduce of ", desc.size, " elements");
  GANTRY_CHECK(desc.dtype == DType::kF32 || desc.dtype == DType::kF64, "an all-reduce of ",
               desc.what, " is of real numbers");
  const auto kernel = std::make_shared<WatchedAllReduce>(*this, desc);
  kernel->set_op("all_reduce");
  kernel->set_flops(static_cast<double>(desc.size) * (size() - 1));
  return kernel;
}

void Communicator::broadcast(void* data, size_t bytes, int root) {
  watch("broadcast", concat("rank ", root), static_cast<int64_t>(bytes), "u8",
        [&] { do_broadcast(data, bytes, root); });
}

void Communicator::barrier() {
  watch("barrier", "", 0, "u8", [&] { do_barrier(); });
}

std::shared_ptr<Kernel> NullCommunicator::make_all_reduce(const AllReduceDesc& desc) {
  return std::make_shared<AllReduceAlone>(desc);
}

void NullCommunicator::gather(const void* mine, size_t bytes, void* all) {
  std::memcpy(all, mine, bytes);
}

}  // namespace gantry
