// SPDX-License-Identifier: Apache-2.0
#include "kernels/nccl/nccl_all_reduce.h"

#include "kernels/cluster/rank_sum.h"
#include "kernels/cuda/rank_sum.h"

namespace gantry {
namespace {

class NcclAllReduce : public Kernel {
 public:
  NcclAllReduce(std::shared_ptr<NcclLink> link, int rank, int size, const AllReduceDesc& desc)
      : link_(std::move(link)),
        rank_(rank),
        size_(size),
        desc_(desc),
        type_(desc.dtype == DType::kF32 ? ncclFloat32 : ncclFloat64),
        what_("the sum of " + desc.what),
        operation_(link_->add({.op = "all_reduce",
                               .what = desc.what,
                               .count = desc.size,
                               .type = dtype_name(desc.dtype)})) {}

  size_t scratch_bytes() const override {
    if (!desc_.fixed_order) return 0;
    return static_cast<size_t>(size_) * bytes(small() ? desc_.size : place());
  }

  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override {
    char* const x = static_cast<char*>(args[0].data);
    char* const received = static_cast<char*>(scratch);
    link_->run(stream, operation_, [&] {
      if (!desc_.fixed_order) {
        in_any_order(x);
      } else if (small()) {
        of_all_operands(x, received);
      } else {
        by_pieces(x, received);
      }
    });
  }

 private:
  void in_any_order(char* x) const {
    link_->finish(
        ncclAllReduce(x, x, count(desc_.size), type_, ncclSum, link_->comm(), link_->handle()),
        what_);
    if (desc_.scale != 1) add(x, {.parts = x}, desc_.size);
  }

  void of_all_operands(char* x, char* received) const {
    link_->finish(
        ncclAllGather(x, received, count(desc_.size), type_, link_->comm(), link_->handle()),
        what_);
    add(x, {.parts = received, .stride = desc_.size, .ranks = size_}, desc_.size);
  }

  void by_pieces(char* x, char* received) const {
    const RankPiece mine = piece(rank_);
    exchange([&](Exchange& with, int rank) {
      const RankPiece its = piece(rank);
      with.send(x + bytes(its.first), its.count, rank);
      with.receive(received + static_cast<size_t>(rank) * bytes(place()), mine.count, rank);
    });
    char* const sum = x + bytes(mine.first);
    if (mine.count > 0) {
      add(sum, {.parts = received, .stride = place(), .ranks = size_}, mine.count);
    }
    exchange([&](Exchange& with, int rank) {
      if (rank == rank_) return;
      const RankPiece its = piece(rank);
      with.send(sum, mine.count, rank);
      with.receive(x + bytes(its.first), its.count, rank);
    });
  }

  // The calls of a group, which is ended whatever they answer.
  struct Exchange {
    NcclLink& link;
    ncclDataType_t type;
    ncclResult_t answer = ncclSuccess;  // the first that is a failure

    void send(const void* data, int64_t elements, int rank) {
      if (elements > 0)
        note(ncclSend(data, count(elements), type, rank, link.comm(), link.handle()));
    }
    void receive(void* data, int64_t elements, int rank) {
      if (elements > 0)
        note(ncclRecv(data, count(elements), type, rank, link.comm(), link.handle()));
    }
    void note(ncclResult_t result) {
      const bool failed = result != ncclSuccess && result != ncclInProgress;
      if (failed && answer == ncclSuccess) answer = result;
    }
  };
  template <typename With>
  void exchange(const With& with) const {
    Exchange calls{*link_, type_};
    link_->require(ncclGroupStart(), what_);
    for (int rank = 0; rank < size_; ++rank) with(calls, rank);
    const ncclResult_t end = ncclGroupEnd();
    link_->finish(calls.answer == ncclSuccess ? end : calls.answer, what_);
  }
  void add(void* out, const cuda::RankParts& parts, int64_t elements) const {
    cuda::add_ranks(link_->stream(), desc_, out, parts, elements);
  }

  bool small() const { return desc_.size <= kSmallSum; }
  int64_t place() const { return piece_length(desc_.size, size_); }
  RankPiece piece(int rank) const { return piece_of(desc_.size, size_, rank); }
  static size_t count(int64_t elements) { return static_cast<size_t>(elements); }
  size_t bytes(int64_t elements) const { return count(elements) * dtype_bytes(desc_.dtype); }

  std::shared_ptr<NcclLink> link_;
  int rank_, size_;
  AllReduceDesc desc_;
  ncclDataType_t type_;
  std::string what_;
  int64_t operation_;
};

}  // namespace

std::shared_ptr<Kernel> make_nccl_all_reduce(std::shared_ptr<NcclLink> link, int rank, int size,
                                             const AllReduceDesc& desc) {
  return std::make_shared<NcclAllReduce>(std::move(link), rank, size, desc);
}

}  // namespace gantry
