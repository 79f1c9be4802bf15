// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "core/error.h"
#include "core/kernel.h"
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

  // A step of a program (kernels/ops/all_reduce.h). Checks the descriptor (std::logic_error).
  KernelPtr all_reduce(const AllReduceDesc& desc);

  // Host memory of rank `root` to all; `bytes` is the same everywhere.
  virtual void broadcast(void* data, size_t bytes, int root) = 0;
  virtual void barrier() = 0;

  // How long a collective operation waits for the other ranks, from now on.
  virtual void set_timeout(double seconds) = 0;
  // Gives up for all ranks: each one's collective operations throw PeerError with this reason, or
  // its process is ended with this code where a launcher can do that. May not return.
  virtual void abort(ExitCode code, const std::string& reason) noexcept = 0;

 private:
  virtual std::shared_ptr<Kernel> make_all_reduce(const AllReduceDesc& desc) = 0;
};

// A run of one rank: nothing to wait for.
class NullCommunicator : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  std::string name() const override { return "one rank"; }
  void broadcast(void*, size_t, int) override {}
  void barrier() override {}
  void set_timeout(double) override {}
  void abort(ExitCode, const std::string&) noexcept override {}

 private:
  std::shared_ptr<Kernel> make_all_reduce(const AllReduceDesc& desc) override;
};

// Until the ranks have met and read the config's timeout: data sets may take minutes to decode.
inline constexpr double kStartTimeout = 300;

}  // namespace gantry
