// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/cpu_device.h"

#include <omp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "kernels/cpu/cgroup.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/dnnl_engine.h"

namespace gantry {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kAlignment = 64;

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

int usable_threads() {
  const int count = std::min(omp_get_max_threads(), omp_get_thread_limit());
  const int quota = cgroup_cpu_limit();
  return quota > 0 ? std::min(count, quota) : count;
}

// Kernels cut their work for the threads they were promised; with fewer, parts would stay undone.
int granted_threads(int wanted) {
  if (wanted <= 0) return usable_threads();
  if (wanted > omp_get_thread_limit()) {
    throw EnvironmentError(concat("threads=", wanted, ": OMP_THREAD_LIMIT allows ",
                                  omp_get_thread_limit(), "; raise it or ask for fewer threads"));
  }
  return wanted;
}

const char* isa_name() {
  using dnnl::cpu_isa;
  switch (dnnl::get_effective_cpu_isa()) {
    case cpu_isa::sse41:
      return "sse4.1";
    case cpu_isa::avx:
      return "avx";
    case cpu_isa::avx2:
      return "avx2";
    case cpu_isa::avx2_vnni:
      return "avx2_vnni";
    case cpu_isa::avx512_core:
      return "avx512_core";
    case cpu_isa::avx512_core_vnni:
      return "avx512_core_vnni";
    case cpu_isa::avx512_core_bf16:
      return "avx512_core_bf16";
    default:
      return "avx512_core_bf16+";
  }
}

// A block of whole huge pages. The kernel gives zeroed pages on first touch, so an arena costs
// resident memory only as far as it is used.
void* map_block(size_t bytes) {
  const size_t length = round_up(bytes, kHugePage) + kHugePage;
  void* raw = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  const auto start = reinterpret_cast<uintptr_t>(raw);
  const uintptr_t aligned = round_up(start, kHugePage);
  const size_t head = aligned - start;
  if (head) munmap(raw, head);
  munmap(reinterpret_cast<void*>(aligned + length - kHugePage), kHugePage - head);
  void* block = reinterpret_cast<void*>(aligned);
  madvise(block, length - kHugePage, MADV_HUGEPAGE);  // advice: failure costs speed alone
  return block;
}

}  // namespace

CpuDevice::CpuDevice(int threads)
    : threads_(granted_threads(threads)), library_(std::make_unique<Library>()) {}

CpuDevice::~CpuDevice() = default;

void CpuDevice::set_threads() const { omp_set_num_threads(threads_); }

std::string CpuDevice::name() const {
  return concat("cpu (", threads_, threads_ == 1 ? " thread, " : " threads, ", isa_name(), ")");
}

size_t CpuDevice::memory_bytes() const {
  const size_t installed =
      static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return std::min(installed, cgroup_memory_limit());
}

std::unique_ptr<Stream> CpuDevice::make_stream() { return std::make_unique<CpuStream>(*this); }

void CpuDevice::copy_to_device(Stream&, void* dst, const void* host, size_t bytes) {
  std::memcpy(dst, host, bytes);
}

void CpuDevice::copy_to_host(Stream&, void* host, const void* src, size_t bytes) {
  std::memcpy(host, src, bytes);
}

void* CpuDevice::allocate(size_t bytes, Contents contents) {
  void* block = nullptr;
  if (bytes >= kHugePage) {
    block = map_block(bytes);
    if (block) {
      const std::lock_guard<std::mutex> lock(mutex_);
      mapped_[block] = round_up(bytes, kHugePage);
    }
  } else {
    block = std::aligned_alloc(kAlignment, round_up(bytes, kAlignment));
    if (block && contents == Contents::kZero) std::memset(block, 0, bytes);
  }
  if (!block) {
    throw MemoryError(concat("cannot get ", bytes,
                             " bytes of memory; lower train.batch or "
                             "make the network smaller"));
  }
  return block;
}

void CpuDevice::release(void* data) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = mapped_.find(data);
  if (found == mapped_.end()) {
    std::free(data);
    return;
  }
  munmap(data, found->second);
  mapped_.erase(found);
}

CpuStream::CpuStream(const CpuDevice& device)
    : threads_(device.threads()),
      library_(std::make_unique<Library>(Library{dnnl::stream(device.library().engine)})) {
  set_threads();
}

CpuStream::~CpuStream() = default;

void CpuStream::set_threads() const { omp_set_num_threads(threads_); }

Backend open_cpu_backend(int threads) {
  auto device = std::make_unique<CpuDevice>(threads);
  auto kernels = std::make_unique<CpuKernels>(*device);
  return {"cpu", std::move(device), std::move(kernels)};
}

CpuKernels::CpuKernels(const CpuDevice& device) : device_(device) {
  omp_set_dynamic(0);
  device.set_threads();
}

CpuKernels::~CpuKernels() = default;

int CpuKernels::threads() const { return device_.threads(); }

}  // namespace gantry
