// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_emulation/injected_faults.h"

namespace gantry::emulation {
namespace {

InjectedFault pending;
bool happened = false, told = false;
int64_t calls = 0;

}  // namespace

void inject(const InjectedFault& fault) {
  pending = fault;
  happened = told = false;
}

void heal() { inject({}); }

int64_t runtime_calls() { return calls; }

cudaError_t answer(const char* call) {
  ++calls;
  if (pending.status == cudaSuccess) return cudaSuccess;
  if (told) return pending.status;
  if (!happened && call == pending.call) happened = --pending.nth == 0;
  if (!happened || (!pending.told_by.empty() && call != pending.told_by)) return cudaSuccess;
  const cudaError_t status = pending.status;
  if (status == cudaErrorMemoryAllocation) {
    heal();
  } else {
    told = true;
  }
  return status;
}

}  // namespace gantry::emulation
