// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nccl.h>

#include <functional>
#include <memory>
#include <string>

#include "kernels/communicator.h"
#include "kernels/cuda/collective_log.h"
#include "kernels/cuda/cuda_device.h"

namespace gantry {

// A rank's end of a NCCL communicator: non-blocking, so that the host never waits inside NCCL; with
// a stream of its own, which waits for the stream that queues an operation and is waited for by it,
// and with notes of what the GPU has come to.
// Follows NCCL's rules: after a call that is in progress nothing is asked of NCCL or put on the
// stream until it is through; one thread; what has failed is aborted and not used any more.
class NcclLink : public StreamWatch {
 public:
  NcclLink(CudaDevice& device, Communicator& host);
  // Recordings that hold operations of it must be gone.
  ~NcclLink() override;
  NcclLink(const NcclLink&) = delete;
  NcclLink& operator=(const NcclLink&) = delete;

  // See Communicator::connect().
  void connect();
  void set_timeout(double seconds) { timeout_ = seconds; }

  // Makes an operation known by name, for messages and notes.
  int64_t add(const Collective& operation) { return log_->add(operation); }
  // Queues what `queue_work` queues on stream() after the work of `stream` so far, and before its
  // work from now on: in a recording of `stream`, too.
  void run(Stream& stream, int64_t operation, const std::function<void()>& queue_work);

  Stream& stream() { return *stream_; }
  cudaStream_t handle() { return stream_->handle(); }
  ncclComm_t comm() const { return comm_; }
  // Waits until a call that has answered `result` is through. PeerError if it fails or does not end
  // in time.
  void finish(ncclResult_t result, const std::string& call);
  // Where there is nothing to wait for yet.
  void require(ncclResult_t result, const std::string& call);

  // Waits for a stream, which may wait for other ranks: for each operation as long as the timeout
  // says. PeerError naming the operation and who did not come; then, too, if NCCL has failed.
  void wait(cudaStream_t stream) override;
  // Ends all operations, on the GPU as well.
  void abort() noexcept;

  // What the GPU has come to, in seconds since the ranks were joined.
  std::vector<Collective> history() const;

 private:
  void require_usable() const;
  void initialize(const ncclUniqueId& id);
  void close();
  // Throws if an operation of the GPU will not end, or takes too long.
  void look_after(const Collective& operation, double waited);
  void require_peers();
  // Whether it is through; throws what a failure means.
  bool is_through(const std::string& call);
  [[noreturn]] void fail(const std::string& reason);
  [[noreturn]] void fail(ncclResult_t result, const std::string& call);
  [[noreturn]] void give_up(const std::string& what);

  CudaDevice& device_;
  Communicator& host_;
  std::unique_ptr<CudaStream> stream_;
  std::unique_ptr<cuda::CollectiveLog> log_;
  cudaEvent_t fork_ = nullptr, join_ = nullptr;
  ncclComm_t comm_ = nullptr;
  double timeout_ = kStartTimeout;
  double log_begins_ = 0;  // seconds since the ranks were joined
  std::string failure_;    // the first; empty: none
};

}  // namespace gantry
