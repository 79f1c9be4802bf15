// SPDX-License-Identifier: Apache-2.0
// Ranks with a GPU each, joined by NCCL (2.18 or later) over ranks that have met on the host.
#include <algorithm>

#include "kernels/cuda/startup.h"
#include "kernels/nccl/nccl_all_reduce.h"
#include "kernels/nccl_backend.h"

namespace gantry {
namespace {

int loaded_version() {
  int version = 0;
  ncclGetVersion(&version);
  return version;
}

// What is agreed in host memory is agreed by the ranks of the host; all_reduce is the GPUs'.
class NcclCommunicator : public Communicator {
 public:
  NcclCommunicator(CudaDevice& device, Communicator& host)
      : host_(host), link_(std::make_shared<NcclLink>(device, host)) {
    set_local_rank(host.local_rank());
  }

  int rank() const override { return host_.rank(); }
  int size() const override { return host_.size(); }
  std::string name() const override {
    return concat("NCCL ", cuda::library_version(static_cast<size_t>(loaded_version())), " over ",
                  host_.name());
  }
  bool reduces() const override { return true; }
  void connect() override { link_->connect(); }

  // Those of the host and those of the GPU count from 1 each.
  std::vector<Collective> history() const override {
    std::vector<Collective> all = host_.history();
    for (Collective& one : link_->history()) all.push_back(std::move(one));
    std::stable_sort(all.begin(), all.end(),
                     [](const Collective& a, const Collective& b) { return a.begun < b.begun; });
    return all;
  }

  void require_peers() override { host_.require_peers(); }
  void set_timeout(double seconds) override {
    link_->set_timeout(seconds);
    host_.set_timeout(seconds);
  }
  void abort(ExitCode code, const std::string& reason) noexcept override {
    link_->abort();
    host_.abort(code, reason);
  }

 private:
  std::shared_ptr<Kernel> make_all_reduce(const AllReduceDesc& desc) override {
    return make_nccl_all_reduce(link_, rank(), size(), desc);
  }
  void do_broadcast(void* data, size_t bytes, int root) override {
    host_.broadcast(data, bytes, root);
  }
  void do_barrier() override { host_.barrier(); }
  void gather(const void* mine, size_t bytes, void* all) override {
    for (int rank = 0; rank < size(); ++rank) {
      char* const place = static_cast<char*>(all) + static_cast<size_t>(rank) * bytes;
      if (rank == host_.rank()) std::copy_n(static_cast<const char*>(mine), bytes, place);
      host_.broadcast(place, bytes, rank);
    }
  }

  Communicator& host_;
  std::shared_ptr<NcclLink> link_;
};

}  // namespace

bool nccl_built() { return true; }

std::unique_ptr<Communicator> open_nccl_communicator(Device& gpu, Communicator& host) {
  cuda::check_version("NCCL", NCCL_VERSION_CODE, static_cast<size_t>(loaded_version()));
  return std::make_unique<NcclCommunicator>(static_cast<CudaDevice&>(gpu), host);
}

std::vector<LibraryVersion> nccl_library_versions() {
  return {{"NCCL", cuda::library_version(NCCL_VERSION_CODE),
           cuda::library_version(static_cast<size_t>(loaded_version()))}};
}

}  // namespace gantry
