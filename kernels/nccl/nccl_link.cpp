// SPDX-License-Identifier: Apache-2.0
#include "kernels/nccl/nccl_link.h"

#include <sched.h>

#include <chrono>
#include <future>
#include <thread>
#include <utility>

#include "kernels/cuda/fault.h"

namespace gantry {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;
using cuda::check;

// How long ranks that have waited in vain wait for each other on the host, to learn who is missing.
constexpr double kCensus = 5;
// For NCCL to end what it does: aborting is known to hang where a driver does.
constexpr auto kAbortTime = std::chrono::seconds(5);
// Ranks that are done wait for the first one, which saves and writes reports.
constexpr double kCloseTime = 60;
// A step takes milliseconds; who waits longer leaves the processor to others.
constexpr double kBusyWait = 0.01;
constexpr auto kNap = std::chrono::microseconds(200);

double seconds_since(Clock::time_point start) { return Seconds(Clock::now() - start).count(); }

void pause(double waited) {
  if (waited < kBusyWait) {
    sched_yield();
  } else {
    std::this_thread::sleep_for(kNap);
  }
}

}  // namespace

NcclLink::NcclLink(CudaDevice& device, Communicator& host) : device_(device), host_(host) {
  stream_ = std::make_unique<CudaStream>(device, CudaStream::Libraries::kNone);
  log_ = std::make_unique<cuda::CollectiveLog>(*stream_);
  log_begins_ = host_.age();
  for (cudaEvent_t* event : {&fork_, &join_}) {
    check(cudaEventCreateWithFlags(event, cudaEventDisableTiming), "cudaEventCreateWithFlags");
  }
  device_.watch_streams(this);
}

NcclLink::~NcclLink() {
  device_.watch_streams(nullptr);
  if (cuda::lost()) return;
  close();
  for (const cudaEvent_t event : {fork_, join_}) {
    if (event) cudaEventDestroy(event);
  }
}

void NcclLink::run(Stream& stream, int64_t operation, const std::function<void()>& queue_work) {
  require_usable();
  const cudaStream_t from = cuda::stream_handle(stream);
  check(cudaEventRecord(fork_, from), "cudaEventRecord");
  check(cudaStreamWaitEvent(handle(), fork_, 0), "cudaStreamWaitEvent");
  log_->note_begin(*stream_, operation);
  queue_work();
  log_->note_end(*stream_);
  check(cudaEventRecord(join_, handle()), "cudaEventRecord");
  check(cudaStreamWaitEvent(from, join_, 0), "cudaStreamWaitEvent");
}

void NcclLink::require_usable() const {
  if (!failure_.empty()) throw PeerError(failure_);
  GANTRY_CHECK(comm_, "an operation of NCCL before connect()");
}

void NcclLink::require(ncclResult_t result, const std::string& call) {
  if (result != ncclSuccess && result != ncclInProgress) fail(result, call);
}

void NcclLink::finish(ncclResult_t result, const std::string& call) {
  require(result, call);
  const auto start = Clock::now();
  while (result == ncclInProgress && !is_through(call)) {
    const double waited = seconds_since(start);
    if (waited > timeout_) give_up(call);
    if (waited > kBusyWait) require_peers();
    pause(waited);
  }
}

bool NcclLink::is_through(const std::string& call) {
  ncclResult_t state = ncclSuccess;
  const ncclResult_t answer = ncclCommGetAsyncError(comm_, &state);
  if (answer != ncclSuccess) fail(answer, "ncclCommGetAsyncError");
  if (state == ncclInProgress) return false;
  if (state != ncclSuccess) fail(state, call);
  return true;
}

void NcclLink::wait(cudaStream_t stream) {
  if (!failure_.empty()) throw PeerError(failure_);
  const auto start = Clock::now();
  auto last_progress = start;
  int64_t seen = log_->begun();
  for (;;) {
    const cudaError_t status = cudaStreamQuery(stream);
    if (status == cudaSuccess) return;
    if (status != cudaErrorNotReady) check(status, "cudaStreamQuery");
    const Collective* in = log_->current();
    const int64_t begun = log_->begun();
    if (!in || begun != seen) last_progress = Clock::now();
    seen = begun;
    // What has become of the others is no concern of work that does not wait for them: at the end
    // of a run they may have left.
    if (in) look_after(*in, seconds_since(last_progress));
    pause(seconds_since(start));
  }
}

void NcclLink::look_after(const Collective& operation, double waited) {
  const std::string what = "the sum of " + operation.what;
  if (comm_) is_through(what);
  if (waited > timeout_) give_up(what);
  if (waited > kBusyWait) require_peers();
}

void NcclLink::require_peers() {
  try {
    host_.require_peers();
  } catch (const PeerError& error) {
    fail(error.what());
  }
}

// Ranks that wait come here at about the same time, and find out on the host who does not.
void NcclLink::give_up(const std::string& what) {
  std::string reason;
  try {
    host_.set_timeout(kCensus);
    host_.barrier();
    reason = concat("NCCL: ", what, " did not end within ", timeout_,
                    " s, although all ranks wait for it; NCCL_DEBUG=INFO shows how they talk");
  } catch (const PeerError& error) {
    reason =
        concat("NCCL: ", what, " did not end within ", timeout_, " s; on the host: ", error.what());
  }
  fail(reason);
}

void NcclLink::fail(ncclResult_t result, const std::string& call) {
  const char* const detail = ncclGetLastError(comm_);
  fail(concat("NCCL: ", call, " says ", ncclGetErrorString(result), detail && *detail ? ": " : "",
              detail ? detail : ""));
}

void NcclLink::fail(const std::string& reason) {
  if (failure_.empty()) failure_ = reason;
  abort();
  throw PeerError(failure_);
}

std::vector<Collective> NcclLink::history() const {
  std::vector<Collective> all = log_->all();
  for (Collective& one : all) {
    one.begun += log_begins_;
    if (one.ended >= 0) one.ended += log_begins_;
  }
  return all;
}

// By a thread that may be left behind. It is the only one that then talks to NCCL.
void NcclLink::abort() noexcept {
  const ncclComm_t comm = std::exchange(comm_, nullptr);
  if (failure_.empty()) failure_ = "NCCL: this rank has given up";
  if (!comm || cuda::lost()) return;
  const auto aborted = std::make_shared<std::promise<void>>();
  std::thread([comm, aborted] {
    ncclCommAbort(comm);
    aborted->set_value();
  }).detach();
  aborted->get_future().wait_for(kAbortTime);
}

// Finalizing waits until the other ranks do so, too.
void NcclLink::close() {
  if (!comm_) return;
  timeout_ = kCloseTime;
  ncclResult_t state = ncclCommFinalize(comm_);
  for (const auto start = Clock::now();
       state == ncclInProgress && seconds_since(start) < kCloseTime;) {
    pause(seconds_since(start));
    if (ncclCommGetAsyncError(comm_, &state) != ncclSuccess) state = ncclInternalError;
  }
  if (state != ncclSuccess) return abort();
  ncclCommDestroy(std::exchange(comm_, nullptr));
}

}  // namespace gantry
