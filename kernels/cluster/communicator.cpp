// SPDX-License-Identifier: Apache-2.0
#include "kernels/communicator.h"

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

}  // namespace

KernelPtr Communicator::all_reduce(const AllReduceDesc& desc) {
  GANTRY_CHECK(desc.size > 0, "an all-reduce of ", desc.size, " elements");
  GANTRY_CHECK(desc.dtype == DType::kF32 || desc.dtype == DType::kF64, "an all-reduce of ",
               desc.what, " is of real numbers");
  const std::shared_ptr<Kernel> kernel = make_all_reduce(desc);
  kernel->set_op("all_reduce");
  kernel->set_flops(static_cast<double>(desc.size) * (size() - 1));
  return kernel;
}

std::shared_ptr<Kernel> NullCommunicator::make_all_reduce(const AllReduceDesc& desc) {
  return std::make_shared<AllReduceAlone>(desc);
}

}  // namespace gantry
