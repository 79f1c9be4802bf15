// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_emulation/nccl_library.h"

#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "core/error.h"
#include "tests/cuda_emulation/emulator.h"
#include "tests/cuda_emulation/nccl_clique.h"
#include "tests/cuda_emulation/streams.h"

namespace emulation = gantry::emulation;
using emulation::Clique;
using emulation::Defect;
using emulation::NcclCall;
using emulation::NcclKind;
using gantry::concat;

namespace {

constexpr int kQuestions = 3;  // until a call is through

std::mutex library;
std::map<std::string, std::shared_ptr<Clique>> cliques;
std::set<ncclComm_t> open_communicators;
struct Order {
  int rank = -1;
  ncclResult_t result = ncclSuccess;
  int64_t operations = 0;
} fault;
int delayed = -1;
std::atomic<int64_t> ids = 0;
thread_local int groups = 0;
thread_local ncclComm_t grouped = nullptr;

}  // namespace

struct ncclComm {
  std::shared_ptr<Clique> clique;
  int rank = 0;
  int questions = 0;  // still to be asked until what is in progress is through
  bool joining = true, finalizing = false;
  ncclResult_t error = ncclSuccess;
  cudaStream_t stream = nullptr;
  std::vector<NcclCall> group;
  // What is in progress is queued when it is through.
  std::vector<NcclCall> posted;
  int64_t queued_before = 0;
  // Recordings that hold its operations, and whether those that still run are to end.
  std::shared_ptr<int> recordings = std::make_shared<int>();
  std::shared_ptr<std::atomic<bool>> aborted = std::make_shared<std::atomic<bool>>(false);

  bool in_progress() const { return questions > 0 || joining || finalizing; }
};

namespace {

// One thread at a time, on a communicator that is there.
void require_usable(ncclComm_t comm, const char* call) {
  const std::lock_guard<std::mutex> lock(library);
  if (!open_communicators.contains(comm))
    throw Defect(concat(call, ": of a communicator that is no more"));
}

void require_idle(ncclComm_t comm, const char* call) {
  require_usable(comm, call);
  if (comm->in_progress()) throw Defect(concat(call, ": an earlier call is in progress"));
}

void require_no_group(const char* call) {
  if (groups > 0) throw Defect(concat(call, ": a group is open"));
}

void close(ncclComm_t comm, const char* call) {
  require_no_group(call);
  require_usable(comm, call);
  const std::lock_guard<std::mutex> lock(library);
  open_communicators.erase(comm);
}

bool has_failed(ncclComm_t comm) {
  const std::lock_guard<std::mutex> lock(library);
  if (fault.rank == comm->rank && fault.result != ncclSuccess && fault.operations <= 0)
    comm->error = fault.result;
  return comm->error != ncclSuccess;
}

void count_operation(ncclComm_t comm) {
  const std::lock_guard<std::mutex> lock(library);
  if (fault.rank == comm->rank) --fault.operations;
}

// The work of one launch. A rank that fails never does its part.
emulation::Work work_of(ncclComm_t comm, const std::vector<NcclCall>& calls) {
  count_operation(comm);
  const std::shared_ptr<Clique> clique = comm->clique;
  const std::shared_ptr<std::atomic<bool>> aborted = comm->aborted;
  const int rank = comm->rank;
  const bool dead = has_failed(comm);
  const auto place = std::make_shared<int64_t>(-1);
  return [clique, aborted, rank, dead, place, calls] {
    if (*aborted) return true;
    if (dead) return false;
    if (*place < 0) *place = clique->arrive(rank, calls);
    return clique->is_done(*place);
  };
}

// Puts what was called on the stream.
void post(ncclComm_t comm) {
  if (comm->posted.empty()) return;
  if (emulation::work_queued(comm->stream) != comm->queued_before)
    throw Defect("work was queued on the stream of a call in progress");
  const std::vector<NcclCall> calls = std::exchange(comm->posted, {});
  const std::shared_ptr<int> held =
      emulation::capturing(comm->stream) ? comm->recordings : std::shared_ptr<int>();
  emulation::queue_work(comm->stream, [comm, calls, held] { return work_of(comm, calls); });
}

ncclResult_t begin(ncclComm_t comm, std::vector<NcclCall> calls) {
  const bool captured = emulation::capturing(comm->stream);
  if (emulation::thread_captures() && !captured)
    throw Defect("an operation outside of the recording that its thread makes");
  comm->clique->note(comm->rank, calls, captured);
  comm->posted = std::move(calls);
  comm->queued_before = emulation::work_queued(comm->stream);
  comm->questions = kQuestions;
  return ncclInProgress;
}

ncclResult_t call(ncclComm_t comm, const NcclCall& one, cudaStream_t stream, const char* name) {
  require_idle(comm, name);
  if (!comm->stream) comm->stream = stream;
  if (comm->stream != stream) throw Defect(concat(name, ": on another stream than before"));
  if (groups == 0) {
    const bool pairs = one.kind == NcclKind::kSend || one.kind == NcclKind::kReceive;
    if (pairs) throw Defect(concat(name, ": alone, which waits for its peer for ever"));
    return begin(comm, {one});
  }
  if (grouped && grouped != comm) throw Defect(concat(name, ": two communicators in a group"));
  grouped = comm;
  comm->group.push_back(one);
  return ncclSuccess;
}

}  // namespace

namespace gantry::emulation {

void fail_nccl(int rank, ncclResult_t result, int64_t operations) {
  const std::lock_guard<std::mutex> lock(library);
  fault = {rank, result, operations};
}
void delay_nccl(int rank) {
  const std::lock_guard<std::mutex> lock(library);
  delayed = rank;
}
void heal_nccl() {
  fail_nccl(-1, ncclSuccess, 0);
  delay_nccl(-1);
}
int64_t open_nccl_communicators() {
  const std::lock_guard<std::mutex> lock(library);
  return static_cast<int64_t>(open_communicators.size());
}

}  // namespace gantry::emulation

ncclResult_t ncclGetVersion(int* version) {
  *version = NCCL_VERSION_CODE;
  return ncclSuccess;
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  std::memset(id, 0, sizeof(*id));
  concat("clique ", ++ids).copy(id->internal, sizeof(id->internal) - 1);
  return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank,
                                    ncclConfig_t* config) {
  require_no_group("ncclCommInitRankConfig");
  if (config->magic != kEmulatedNcclMagic || rank < 0 || rank >= ranks) return ncclInvalidArgument;
  if (config->blocking != 0) throw Defect("a communicator whose calls block cannot be aborted");
  auto created = std::make_unique<ncclComm>();
  created->rank = rank;
  created->questions = kQuestions;
  int device = 0;
  cudaGetDevice(&device);
  const std::lock_guard<std::mutex> lock(library);
  std::shared_ptr<Clique>& clique = cliques[id.internal];
  if (!clique) clique = std::make_shared<Clique>(ranks);
  created->clique = clique;
  if (delayed != rank && !clique->join(rank, device)) return ncclInvalidUsage;
  *comm = created.release();
  open_communicators.insert(*comm);
  return ncclInProgress;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* error) {
  require_no_group("ncclCommGetAsyncError");
  require_usable(comm, "ncclCommGetAsyncError");
  *error = ncclSuccess;
  if (has_failed(comm)) {
    *error = comm->error;
    return ncclSuccess;
  }
  if (comm->joining) comm->joining = !comm->clique->all_here();
  if (comm->finalizing) comm->finalizing = !comm->clique->all_finalizing();
  if (comm->questions > 0 && --comm->questions == 0) post(comm);
  if (comm->in_progress()) *error = ncclInProgress;
  return ncclSuccess;
}

ncclResult_t ncclCommFinalize(ncclComm_t comm) {
  require_no_group("ncclCommFinalize");
  require_idle(comm, "ncclCommFinalize");
  comm->clique->finalize();
  comm->finalizing = true;
  comm->questions = kQuestions;
  return ncclInProgress;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  require_idle(comm, "ncclCommDestroy");
  if (comm->recordings.use_count() > 1)
    throw Defect("ncclCommDestroy: waits for recordings of its operations for ever");
  close(comm, "ncclCommDestroy");
  delete comm;
  return ncclSuccess;
}

// Its memory stays: recordings of its operations may, too.
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  close(comm, "ncclCommAbort");
  *comm->aborted = true;
  return ncclSuccess;
}

const char* ncclGetErrorString(ncclResult_t result) {
  return result == ncclRemoteError ? "remote process exited or there was a network error"
                                   : "an emulated error of NCCL";
}
const char* ncclGetLastError(ncclComm_t) { return "said by the emulation"; }

ncclResult_t ncclAllReduce(const void* send, void* receive, size_t count, ncclDataType_t type,
                           ncclRedOp_t, ncclComm_t comm, cudaStream_t stream) {
  return call(comm, {NcclKind::kAllReduce, send, receive, count, type}, stream, "ncclAllReduce");
}
ncclResult_t ncclAllGather(const void* send, void* receive, size_t count, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t stream) {
  return call(comm, {NcclKind::kAllGather, send, receive, count, type}, stream, "ncclAllGather");
}
ncclResult_t ncclSend(const void* data, size_t count, ncclDataType_t type, int peer,
                      ncclComm_t comm, cudaStream_t stream) {
  return call(comm, {NcclKind::kSend, data, nullptr, count, type, peer}, stream, "ncclSend");
}
ncclResult_t ncclRecv(void* data, size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  return call(comm, {NcclKind::kReceive, nullptr, data, count, type, peer}, stream, "ncclRecv");
}

ncclResult_t ncclGroupStart() {
  ++groups;
  return ncclSuccess;
}
ncclResult_t ncclGroupEnd() {
  if (groups == 0) return ncclInvalidUsage;
  if (--groups > 0 || !grouped) return ncclSuccess;
  const ncclComm_t comm = std::exchange(grouped, nullptr);
  return begin(comm, std::exchange(comm->group, {}));
}
