// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/replay.h"
#include "kernels/communicator.h"
#include "kernels/kernels.h"

namespace gantry {

// What rank `rank` brings: values whose sum depends on the order of additions.
template <typename Real>
std::vector<Real> operand(int rank, int64_t size) {
  std::vector<Real> x(static_cast<size_t>(size));
  for (size_t i = 0; i < x.size(); ++i) {
    const auto k = static_cast<double>((i * 7919 + static_cast<size_t>(rank) * 104729) % 1009);
    x[i] = static_cast<Real>((k - 504.3) * (rank % 2 == 0 ? 1e4 : 0.37));
  }
  return x;
}

// Neighbours are added until one is left.
template <typename Real>
std::vector<Real> paired_sum(std::vector<std::vector<Real>> parts, Real scale) {
  while (parts.size() > 1) {
    std::vector<std::vector<Real>> next;
    for (size_t i = 0; i + 1 < parts.size(); i += 2) {
      for (size_t k = 0; k < parts[i].size(); ++k) parts[i][k] += parts[i + 1][k];
      next.push_back(parts[i]);
    }
    if (parts.size() % 2 == 1) next.push_back(parts.back());
    parts = next;
  }
  for (Real& value : parts[0]) value *= scale;
  return parts[0];
}

// The all-reduce of a rank as a step of a program.
template <typename Real>
std::vector<Real> reduced(Communicator& communicator, std::vector<Real> x, double scale) {
  const Backend backend = open_backend(BackendChoice::kCpu, 1);
  const auto stream = backend.device->make_stream();
  const DType dtype = sizeof(Real) == 4 ? DType::kF32 : DType::kF64;
  Program program;
  const TensorRef ref =
      program.external("x", {x.data(), vector_shape(static_cast<int64_t>(x.size())), dtype});
  program.call("all_reduce",
               communicator.all_reduce({static_cast<int64_t>(x.size()), dtype, scale, "x"}), {}, {},
               {ref});
  MemoryPlan plan = plan_memory(program);
  auto arena = std::make_shared<Memory>(*backend.device, plan.arena_bytes);
  Replay(std::move(program), std::move(plan), std::move(arena)).run(*stream);
  return x;
}

// What it throws as another rank's failure.
inline std::string peer_failure(const std::function<void()>& act) {
  try {
    act();
  } catch (const PeerError& error) {
    EXPECT_EQ(error.code(), ExitCode::kPeer);
    return error.what();
  }
  return "no error";
}

}  // namespace gantry
