// SPDX-License-Identifier: Apache-2.0
// Ranks that are processes, joined by MPI (3.0 or later), on host memory.
#include <mpi.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <climits>
#include <numeric>
#include <vector>

#include "kernels/cluster/rank_sum.h"
#include "kernels/mpi_backend.h"

namespace gantry {
namespace {

using Clock = std::chrono::steady_clock;

// Of messages by which ranks that wait in vain find out who else does.
constexpr int kLateTag = 1;
constexpr auto kCensus = std::chrono::milliseconds(1500);
constexpr int kSpins = 2000;  // looks at a request before the processor is given away

struct Joined {
  MPI_Comm all = MPI_COMM_NULL;
  MPI_Comm census = MPI_COMM_NULL;  // for kLateTag alone
  int rank = 0, size = 1;
  double timeout = kStartTimeout;
};

// The ranks that do not say within kCensus that they, too, are waiting.
std::string silent_ranks(const Joined& joined) {
  std::vector<bool> heard(static_cast<size_t>(joined.size));
  heard[static_cast<size_t>(joined.rank)] = true;
  std::vector<MPI_Request> sent(static_cast<size_t>(joined.size), MPI_REQUEST_NULL);
  for (int rank = 0; rank < joined.size; ++rank) {
    if (rank == joined.rank) continue;
    MPI_Isend(nullptr, 0, MPI_BYTE, rank, kLateTag, joined.census,
              &sent[static_cast<size_t>(rank)]);
  }
  for (const auto start = Clock::now(); Clock::now() - start < kCensus; usleep(10000)) {
    int there = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, kLateTag, joined.census, &there, &status);
    if (!there) continue;
    MPI_Recv(nullptr, 0, MPI_BYTE, status.MPI_SOURCE, kLateTag, joined.census, MPI_STATUS_IGNORE);
    heard[static_cast<size_t>(status.MPI_SOURCE)] = true;
  }
  std::string silent;
  for (size_t rank = 0; rank < heard.size(); ++rank) {
    if (!heard[rank]) silent += concat(silent.empty() ? "rank " : ", rank ", rank);
  }
  return silent.empty() ? "a rank" : silent;
}

// Whether another rank has given up waiting.
bool someone_is_late(const Joined& joined) {
  int there = 0;
  MPI_Iprobe(MPI_ANY_SOURCE, kLateTag, joined.census, &there, MPI_STATUS_IGNORE);
  return there != 0;
}

// Waits for a collective operation as long as the timeout allows, or until another rank that waits
// has come to the end of its own: all that wait then report what they were doing.
void wait(Joined& joined, MPI_Request request, const std::string& what) {
  const auto start = Clock::now();
  const std::chrono::duration<double> limit(joined.timeout);
  for (int looks = 1;; ++looks) {
    int done = 0;
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done) return;
    if (looks % kSpins != 0) continue;
    if (Clock::now() - start > limit || someone_is_late(joined)) break;
    sched_yield();
  }
  throw PeerError(
      concat(silent_ranks(joined), " did not come to ", what, " within ", joined.timeout, " s"));
}

class MpiAllReduce : public Kernel {
 public:
  MpiAllReduce(std::shared_ptr<Joined> joined, AllReduceDesc desc)
      : joined_(std::move(joined)),
        desc_(std::move(desc)),
        what_("the sum of " + desc_.what),
        type_(desc_.dtype == DType::kF32 ? MPI_FLOAT : MPI_DOUBLE) {
    GANTRY_CHECK(desc_.size <= INT_MAX / joined_->size, desc_.size, " elements are too many");
    const int length = static_cast<int>(place());
    for (int rank = 0; rank < joined_->size; ++rank) {
      const RankPiece piece = piece_of(desc_.size, joined_->size, rank);
      counts_.push_back(static_cast<int>(piece.count));
      firsts_.push_back(static_cast<int>(piece.first));
      mine_.push_back(static_cast<int>(piece_of(desc_.size, joined_->size, joined_->rank).count));
      places_.push_back(rank * length);
    }
  }

  size_t scratch_bytes() const override {
    return pointer_bytes() + static_cast<size_t>(place()) * static_cast<size_t>(joined_->size) *
                                 dtype_bytes(desc_.dtype);
  }

  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override {
    stream.synchronize();
    void* x = args[0].data;
    const std::span<void*> parts(static_cast<void**>(scratch), static_cast<size_t>(joined_->size));
    void* const received = static_cast<char*>(scratch) + pointer_bytes();
    for (int rank = 0; rank < joined_->size; ++rank) {
      parts[static_cast<size_t>(rank)] = at(received, rank * place());
    }
    MPI_Request request = MPI_REQUEST_NULL;
    if (desc_.size <= kSmallSum) {
      const int size = static_cast<int>(desc_.size);
      MPI_Iallgather(x, size, type_, received, size, type_, joined_->all, &request);
      wait(*joined_, request, what_);
      add_ranks(desc_, x, parts, desc_.size);
      return;
    }
    MPI_Ialltoallv(x, counts_.data(), firsts_.data(), type_, received, mine_.data(), places_.data(),
                   type_, joined_->all, &request);
    wait(*joined_, request, what_);
    const auto rank = static_cast<size_t>(joined_->rank);
    add_ranks(desc_, at(x, firsts_[rank]), parts, mine_[rank]);
    MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, x, counts_.data(), firsts_.data(), type_,
                    joined_->all, &request);
    wait(*joined_, request, what_);
  }

 private:
  // Scratch memory begins with where each rank's operand lies.
  size_t pointer_bytes() const {
    constexpr size_t kLine = 64;
    return (static_cast<size_t>(joined_->size) * sizeof(void*) + kLine - 1) / kLine * kLine;
  }
  // Elements between the operands of two ranks in scratch memory.
  int64_t place() const {
    return desc_.size <= kSmallSum ? desc_.size : piece_length(desc_.size, joined_->size);
  }
  void* at(void* data, int64_t element) const {
    return static_cast<char*>(data) + static_cast<size_t>(element) * dtype_bytes(desc_.dtype);
  }

  std::shared_ptr<Joined> joined_;
  AllReduceDesc desc_;
  std::string what_;
  MPI_Datatype type_;
  std::vector<int> counts_, firsts_, mine_, places_;
};

// "Open MPI v4.1.4" of "Open MPI v4.1.4, package: ...".
std::string mpi_product() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string whole = text;
  return whole.substr(0, whole.find_first_of(",\n"));
}

class MpiCommunicator : public Communicator {
 public:
  MpiCommunicator() : joined_(std::make_shared<Joined>()) {
    int provided = 0;
    GANTRY_CHECK(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided) == MPI_SUCCESS,
                 "MPI_Init_thread");
    MPI_Comm_dup(MPI_COMM_WORLD, &joined_->all);
    MPI_Comm_dup(MPI_COMM_WORLD, &joined_->census);
    MPI_Comm_rank(joined_->all, &joined_->rank);
    MPI_Comm_size(joined_->all, &joined_->size);
  }
  ~MpiCommunicator() override { MPI_Finalize(); }

  int rank() const override { return joined_->rank; }
  int size() const override { return joined_->size; }
  std::string name() const override { return concat(mpi_product(), ", ", size(), " ranks"); }

  void set_timeout(double seconds) override { joined_->timeout = seconds; }

  // The launcher ends the other processes.
  void abort(ExitCode code, const std::string&) noexcept override {
    MPI_Abort(MPI_COMM_WORLD, static_cast<int>(code));
  }

 private:
  std::shared_ptr<Kernel> make_all_reduce(const AllReduceDesc& desc) override {
    return std::make_shared<MpiAllReduce>(joined_, desc);
  }
  void do_broadcast(void* data, size_t bytes, int root) override {
    // In pieces that MPI can count.
    constexpr size_t kMost = size_t{1} << 30;
    for (size_t first = 0; first < bytes; first += kMost) {
      const size_t count = std::min(kMost, bytes - first);
      MPI_Request request = MPI_REQUEST_NULL;
      MPI_Ibcast(static_cast<char*>(data) + first, static_cast<int>(count), MPI_BYTE, root,
                 joined_->all, &request);
      wait(*joined_, request, "a broadcast");
    }
  }

  void do_barrier() override {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibarrier(joined_->all, &request);
    wait(*joined_, request, "a barrier");
  }
  void gather(const void* mine, size_t bytes, void* all) override {
    MPI_Request request = MPI_REQUEST_NULL;
    const int count = static_cast<int>(bytes);
    MPI_Iallgather(mine, count, MPI_BYTE, all, count, MPI_BYTE, joined_->all, &request);
    wait(*joined_, request, "the comparison of operations");
  }

  std::shared_ptr<Joined> joined_;
};

}  // namespace

bool mpi_built() { return true; }

std::unique_ptr<Communicator> open_mpi_communicator() {
  return std::make_unique<MpiCommunicator>();
}

// Of the standard, whose calls are what a build and a library must agree on.
std::vector<LibraryVersion> mpi_library_versions() {
  int version = 0, subversion = 0;
  MPI_Get_version(&version, &subversion);
  return {{"MPI", concat(MPI_VERSION, ".", MPI_SUBVERSION), concat(version, ".", subversion)}};
}

}  // namespace gantry
