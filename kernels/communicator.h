// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/kernel.h"
#include "kernels/collective_history.h"
#include "kernels/ops/all_reduce.h"

namespace gantry {

// Another rank did not come in time, or has failed (exit code 11).
using PeerError = CodedError<ExitCode::kPeer>;

// What joins the ranks of a run: processes, or threads in tests. Every rank calls the collective
// operations (all but abort) in the same order. One that waits longer than the timeout for the
// others throws PeerError naming what it waited for and, where it can tell, the ranks that did not
// come; after that nothing but abort() may be called.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual std::string name() const = 0;  // "Open MPI, 4 ranks"
  // Which of the ranks of this host it is, as the launcher says.
  int local_rank() const { return local_rank_; }
  void set_local_rank(int rank) { local_rank_ = rank; }
  // Whether programs have all_reduce calls: those of one rank only where an engine is to be tried.
  virtual bool reduces() const { return size() > 1; }

  // Makes the connections that all_reduce needs beyond those by which the ranks have met. All ranks
  // call it, once, before they run one; where it fails on any, all throw EnvironmentError.
  virtual void connect() {}

  // A step of a program (kernels/ops/all_reduce.h), which must not outlive the communicator. Checks
  // the descriptor (std::logic_error).
  KernelPtr all_reduce(const AllReduceDesc& desc);

  // Host memory of rank `root` to all; `bytes` is the same everywhere.
  void broadcast(void* data, size_t bytes, int root);
  void barrier();

  // The last collective operations of this rank, oldest first.
  virtual std::vector<Collective> history() const { return history_.all(); }
  double age() const { return history_.now(); }  // seconds since the ranks were joined
  // From now on ranks tell each other what they have come to before each collective operation, and
  // throw PeerError where it is not the same. To be called on all ranks at the same place.
  void compare_operations(bool yes) { compares_ = yes; }

  // PeerError if another rank is known to have given up. Does not wait, and is no collective
  // operation: for who waits by other means.
  virtual void require_peers() {}
  // How long a collective operation waits for the other ranks, from now on.
  virtual void set_timeout(double seconds) = 0;
  // Gives up for all ranks: each one's collective operations throw PeerError with this reason, or
  // its process is ended with this code where a launcher can do that. May not return.
  virtual void abort(ExitCode code, const std::string& reason) noexcept = 0;

 private:
  class WatchedAllReduce;
  template <typename Operation>
  void watch(const char* op, const std::string& what, int64_t count, const char* type,
             const Operation& operation);
  void compare(const Collective& mine);

  virtual std::shared_ptr<Kernel> make_all_reduce(const AllReduceDesc& desc) = 0;
  virtual void do_broadcast(void* data, size_t bytes, int root) = 0;
  virtual void do_barrier() = 0;
  // `bytes` of every rank, in order, into `all`.
  virtual void gather(const void* mine, size_t bytes, void* all) = 0;

  CollectiveHistory history_;
  bool compares_ = false;
  int local_rank_ = 0;
};

// A run of one rank: nothing to wait for.
class NullCommunicator : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  std::string name() const override { return "one rank"; }
  void set_timeout(double) override {}
  void abort(ExitCode, const std::string&) noexcept override {}

 private:
  std::shared_ptr<Kernel> make_all_reduce(const AllReduceDesc& desc) override;
  void do_broadcast(void*, size_t, int) override {}
  void do_barrier() override {}
  void gather(const void* mine, size_t bytes, void* all) override;
};

// Until the ranks have met and read the config's timeout: data sets may take minutes to decode.
inline constexpr double kStartTimeout = 300;

}  // namespace gantry
