// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_emulation/injected_faults.h"

#include <mutex>

namespace gantry::emulation {
namespace {

std::mutex mutex;  // ranks are threads
InjectedFault pending;
bool happened = false, told = false;
int64_t asked = 0;

void order(const InjectedFault& fault) {
  pending = fault;
  happened = told = false;
}

}  // namespace

void inject(const InjectedFault& fault) {
  const std::lock_guard<std::mutex> lock(mutex);
  order(fault);
}

void heal() { inject({}); }

int64_t runtime_calls() {
  const std::lock_guard<std::mutex> lock(mutex);
  return asked;
}

cudaError_t answer(const char* call) {
  const std::lock_guard<std::mutex> lock(mutex);
  ++asked;
  if (pending.status == cudaSuccess) return cudaSuccess;
  if (told) return pending.status;
  if (!happened && call == pending.call) happened = --pending.nth == 0;
  if (!happened || (!pending.told_by.empty() && call != pending.told_by)) return cudaSuccess;
  const cudaError_t status = pending.status;
  if (status == cudaErrorMemoryAllocation) {
    order({});
  } else {
    told = true;
  }
  return status;
}

}  // namespace gantry::emulation
