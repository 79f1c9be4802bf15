// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "tests/cuda_emulation/include/cuda_runtime.h"

// Faults of a GPU, on order.
namespace gantry::emulation {

// The nth call from now on (1: the next) of the runtime library's function `call` fails. Its answer
// comes from that call or, as of work that fails after it was queued, from the next call of the
// function `told_by`. A GPU gets over cudaErrorMemoryAllocation; with any other status every later
// call of any function answers the same.
struct InjectedFault {
  std::string call;
  int nth = 1;
  cudaError_t status = cudaSuccess;
  std::string told_by{};
};
void inject(const InjectedFault& fault);
// A GPU without faults again.
void heal();
// Calls of the runtime library so far that would touch a GPU.
int64_t runtime_calls();

// To be returned by a function of the runtime library unless it is cudaSuccess.
cudaError_t answer(const char* call);

}  // namespace gantry::emulation

// As every function of the runtime library begins.
#define GANTRY_ANSWER(call)                                                              \
  if (const cudaError_t fault = ::gantry::emulation::answer(call); fault != cudaSuccess) \
  return fault
