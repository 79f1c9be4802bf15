// SPDX-License-Identifier: Apache-2.0
// What NCCL's stand-in finds: each breach of NCCL's rules, planted.
#include "tests/cuda_emulation/nccl_library.h"

#include <gtest/gtest.h>

#include <functional>

#include "kernels/cluster/thread_communicator.h"
#include "kernels/kernels.h"
#include "tests/cuda_emulation/emulator.h"
#include "tests/ranks/team.h"

namespace gantry::emulation {
namespace {

constexpr size_t kCount = 64;

// A rank that talks to NCCL as it likes, with numbers in its GPU's memory.
struct Caller {
  ncclComm_t comm = nullptr;
  cudaStream_t stream = nullptr, other = nullptr;
  float* data = nullptr;
  bool open = true;

  Caller(const ncclUniqueId& id, int ranks, int rank) {
    cudaSetDevice(rank);
    cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking);
    cudaMalloc(&data, 4 * kCount * sizeof(float));
    cudaMemset(data, 0, 4 * kCount * sizeof(float));
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    EXPECT_EQ(ncclCommInitRankConfig(&comm, ranks, id, rank, &config), ncclInProgress);
    wait();
  }
  ~Caller() {
    if (open) ncclCommAbort(comm);
    cudaStreamDestroy(stream);
    cudaStreamDestroy(other);
    cudaFree(data);
  }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  void wait() const {
    ncclResult_t state = ncclInProgress;
    while (state == ncclInProgress) ncclCommGetAsyncError(comm, &state);
  }
  ncclResult_t add(size_t count = kCount) const {
    return ncclAllReduce(data, data, count, ncclFloat32, ncclSum, comm, stream);
  }
  void add_and_wait(size_t count = kCount) const {
    add(count);
    wait();
    cudaStreamSynchronize(stream);
  }
};

using Act = std::function<void(Caller&)>;

// What the stand-in finds when so many ranks act; of several, what the first finds.
std::string found(int ranks, const std::function<void(int, Caller&)>& act) {
  set_devices(ranks);
  ncclUniqueId id{};
  ncclGetUniqueId(&id);
  try {
    on_threads(ranks, [&](int rank) {
      Caller caller(id, ranks, rank);
      act(rank, caller);
    });
  } catch (const Defect& defect) {
    return defect.what();
  }
  return "nothing";
}

TEST(NcclLibrary, SoundCallsRun) {
  EXPECT_EQ(found(2,
                  [](int rank, Caller& c) {
                    c.add_and_wait();
                    ncclGroupStart();
                    ncclSend(c.data, kCount, ncclFloat32, 1 - rank, c.comm, c.stream);
                    ncclRecv(c.data + kCount, kCount, ncclFloat32, 1 - rank, c.comm, c.stream);
                    EXPECT_EQ(ncclGroupEnd(), ncclInProgress);
                    c.wait();
                    EXPECT_EQ(ncclCommFinalize(c.comm), ncclInProgress);
                    c.wait();
                    EXPECT_EQ(ncclCommDestroy(c.comm), ncclSuccess);
                    c.open = false;
                  }),
            "nothing");
  EXPECT_EQ(open_nccl_communicators(), 0);
}

TEST(NcclLibrary, BreachesOfOneRankAreFound) {
  const struct {
    Act act;
    const char* says;
  } table[] = {
      {[](Caller& c) {
         c.add();
         c.add();
       },
       "ncclAllReduce: an earlier call is in progress"},
      {[](Caller& c) {
         c.add();
         cudaMemsetAsync(c.data, 0, 4, c.stream);
         c.wait();
       },
       "work was queued on the stream of a call in progress"},
      {[](Caller& c) {
         c.add_and_wait();
         ncclAllReduce(c.data, c.data, 1, ncclFloat32, ncclSum, c.comm, c.other);
       },
       "ncclAllReduce: on another stream than before"},
      {[](Caller& c) {
         ncclCommAbort(c.comm);
         c.open = false;
         c.add();
       },
       "ncclAllReduce: of a communicator that is no more"},
      {[](Caller& c) {
         ncclCommFinalize(c.comm);
         c.open = false;
         ncclCommDestroy(c.comm);
       },
       "ncclCommDestroy: an earlier call is in progress"},
      {[](Caller& c) { ncclSend(c.data, 1, ncclFloat32, 0, c.comm, c.stream); }, "ncclSend: alone"},
      {[](Caller& c) {
         float host[kCount] = {};
         ncclAllReduce(host, host, kCount, ncclFloat32, ncclSum, c.comm, c.stream);
         c.wait();
       },
       "what NCCL sends: 256 bytes of memory that is not the device's"},
      {[](Caller& c) {
         cudaStreamBeginCapture(c.other, cudaStreamCaptureModeThreadLocal);
         try {
           c.add();
         } catch (...) {
           cudaGraph_t graph = nullptr;
           cudaStreamEndCapture(c.other, &graph);
           cudaGraphDestroy(graph);
           throw;
         }
       },
       "an operation outside of the recording that its thread makes"},
  };
  for (const auto& row : table) {
    const std::string said = found(1, [&](int, Caller& c) { row.act(c); });
    EXPECT_NE(said.find(row.says), std::string::npos) << said << "\nexpected: " << row.says;
  }
}

TEST(NcclLibrary, AGroupMustBeEnded) {
  const std::string said = found(1, [](int, Caller& c) {
    EXPECT_EQ(ncclGroupEnd(), ncclInvalidUsage);
    ncclGroupStart();
    c.add();
    try {
      c.wait();
    } catch (...) {
      ncclGroupEnd();
      c.wait();
      throw;
    }
  });
  EXPECT_EQ(said, "ncclCommGetAsyncError: a group is open");
}

TEST(NcclLibrary, RanksMustCallTheSame) {
  const struct {
    std::function<void(int, Caller&)> act;
    const char* says;
  } table[] = {
      {[](int rank, Caller& c) { c.add(rank == 0 ? 3 : 4); }, "calls all-reduce of"},
      {[](int rank, Caller& c) {
         if (rank == 0) return void(c.add());
         ncclAllGather(c.data, c.data + kCount, kCount, ncclFloat32, c.comm, c.stream);
       },
       "all-gather of 64 f32"},
      {[](int rank, Caller& c) {
         const ncclDataType_t type = rank == 0 ? ncclFloat32 : ncclFloat64;
         ncclAllReduce(c.data, c.data, 8, type, ncclSum, c.comm, c.stream);
       },
       "all-reduce of 8 f64"},
      {[](int rank, Caller& c) {
         ncclGroupStart();
         ncclSend(c.data, rank == 0 ? 3 : 4, ncclFloat32, 1 - rank, c.comm, c.stream);
         ncclRecv(c.data + kCount, 4, ncclFloat32, 1 - rank, c.comm, c.stream);
         ncclGroupEnd();
       },
       "sends what rank 1 does not receive"},
      {[](int rank, Caller& c) {
         if (rank == 1) return void(c.add());
         cudaStreamBeginCapture(c.stream, cudaStreamCaptureModeThreadLocal);
         const auto end = [&] {
           cudaGraph_t graph = nullptr;
           cudaStreamEndCapture(c.stream, &graph);
           cudaGraphDestroy(graph);
         };
         try {
           c.add();
         } catch (...) {
           end();
           throw;
         }
         end();
       },
       "one records what the other runs"},
  };
  for (const auto& row : table) {
    const std::string said = found(2, row.act);
    EXPECT_NE(said.find(row.says), std::string::npos) << said << "\nexpected: " << row.says;
  }
}

// What NCCL's stream has taken down must come before the end of the recording.
TEST(NcclLibrary, ARecordingMustJoinTheStreamOfNccl) {
  for (const bool joins : {true, false}) {
    EXPECT_EQ(found(1,
                    [&](int, Caller& c) {
                      cudaEvent_t fork = nullptr, join = nullptr;
                      cudaEventCreateWithFlags(&fork, cudaEventDisableTiming);
                      cudaEventCreateWithFlags(&join, cudaEventDisableTiming);
                      cudaStreamBeginCapture(c.other, cudaStreamCaptureModeThreadLocal);
                      cudaEventRecord(fork, c.other);
                      cudaStreamWaitEvent(c.stream, fork, 0);
                      c.add();
                      c.wait();
                      cudaEventRecord(join, c.stream);
                      if (joins) cudaStreamWaitEvent(c.other, join, 0);
                      cudaGraph_t graph = nullptr;
                      EXPECT_EQ(cudaStreamEndCapture(c.other, &graph),
                                joins ? cudaSuccess : cudaErrorStreamCaptureUnjoined);
                      cudaGraphDestroy(graph);
                      cudaEventDestroy(fork);
                      cudaEventDestroy(join);
                    }),
              "nothing");
  }
}

// As NCCL waits in its end for graphs that hold its operations.
TEST(NcclLibrary, RecordingsGoBeforeTheirCommunicator) {
  const std::string said = found(1, [](int, Caller& c) {
    cudaStreamBeginCapture(c.stream, cudaStreamCaptureModeThreadLocal);
    c.add();
    c.wait();
    cudaGraph_t graph = nullptr;
    cudaStreamEndCapture(c.stream, &graph);
    const auto destroy = [&] {
      ncclCommFinalize(c.comm);
      c.wait();
      ncclCommDestroy(c.comm);
      c.open = false;
    };
    try {
      destroy();
    } catch (...) {
      cudaGraphDestroy(graph);
      throw;
    }
  });
  EXPECT_EQ(said, "ncclCommDestroy: waits for recordings of its operations for ever");
}

TEST(NcclLibrary, CallsThatBlockAreRefused) {
  ncclUniqueId id{};
  ncclGetUniqueId(&id);
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  ncclComm_t comm = nullptr;
  EXPECT_THROW(ncclCommInitRankConfig(&comm, 1, id, 0, &config), Defect);
}

}  // namespace
}  // namespace gantry::emulation
