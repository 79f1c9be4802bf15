// SPDX-License-Identifier: Apache-2.0
// The functions that the compiler calls around every access to memory in code compiled with
// -fsanitize=thread. That code is linked without the sanitizer's own library.
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <new>

#include "core/error.h"
#include "tests/cuda_emulation/machine.h"

namespace gantry::emulation {
namespace {

constexpr size_t kPage = 4096;

std::mutex allocations_mutex;

std::map<const char*, Allocation>& allocations() {
  static std::map<const char*, Allocation> map;
  return map;
}

// Zeroed memory of which only what is touched is resident.
void* map_zeroed(size_t bytes) {
  void* block = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return block == MAP_FAILED ? nullptr : block;
}

}  // namespace

// cudaMalloc aligns to 256; a page between allocations is in no other.
void* allocate(size_t bytes) {
  void* data = map_zeroed(bytes + kPage);
  const size_t rounded = (bytes + 3) / 4 * 4;
  void* words = map_zeroed(rounded / 4 * sizeof(Cell));
  void* narrow = map_zeroed(rounded * sizeof(Cell));
  void* written = map_zeroed(rounded);
  if (!data || !words || !narrow || !written) return nullptr;
  const std::lock_guard<std::mutex> lock(allocations_mutex);
  auto* begin = static_cast<char*>(data);
  allocations()[begin] = {begin, bytes,
                          new Shadow{static_cast<Cell*>(words), static_cast<Cell*>(narrow),
                                     static_cast<uint8_t*>(written)}};
  return data;
}

void release(void* data) {
  const std::lock_guard<std::mutex> lock(allocations_mutex);
  const auto found = allocations().find(static_cast<char*>(data));
  if (found == allocations().end()) throw Defect("cudaFree of memory that is not the device's");
  const size_t bytes = found->second.bytes, rounded = (bytes + 3) / 4 * 4;
  Shadow* shadow = found->second.shadow;
  munmap(shadow->words, rounded / 4 * sizeof(Cell));
  munmap(shadow->bytes, rounded * sizeof(Cell));
  munmap(shadow->written, rounded);
  delete shadow;
  munmap(data, bytes + kPage);
  allocations().erase(found);
}

void mark_written(const void* data, size_t bytes) {
  const Allocation* memory = allocation_of(data);
  if (!memory) return;
  const auto first = static_cast<size_t>(static_cast<const char*>(data) - memory->begin);
  std::memset(memory->shadow->written + first, 1, std::min(bytes, memory->bytes - first));
}

void check_range(const void* data, size_t bytes, bool written, const char* what) {
  if (bytes == 0) return;
  const Allocation* memory = allocation_of(data);
  const auto* p = static_cast<const char*>(data);
  if (!memory || p + bytes > memory->begin + memory->bytes)
    throw Defect(concat(what, ": ", bytes, " bytes of memory that is not the device's"));
  if (written && std::memchr(memory->shadow->written + (p - memory->begin), 0, bytes))
    throw Defect(concat(what, ": reads global memory that nobody has written"));
}

size_t allocated_bytes() {
  const std::lock_guard<std::mutex> lock(allocations_mutex);
  size_t bytes = 0;
  for (const auto& [begin, allocation] : allocations()) bytes += allocation.bytes;
  return bytes;
}

const Allocation* allocation_of(const void* address) {
  const auto* p = static_cast<const char*>(address);
  const std::lock_guard<std::mutex> lock(allocations_mutex);
  auto next = allocations().upper_bound(p);
  if (next == allocations().begin()) return nullptr;
  const Allocation& candidate = std::prev(next)->second;
  return p < candidate.begin + candidate.bytes ? &candidate : nullptr;
}

void check_atomic(const void* address, size_t bytes) {
  Machine::here().access(address, bytes, true, true);
}

namespace {

template <typename T>
T add(T* address, T value) {
  check_atomic(address, sizeof(T));
  const T old = *address;
  *address = old + value;
  return old;
}

void access(const void* address, size_t bytes, bool write) {
  Machine& machine = Machine::here();
  if (machine.running()) machine.access(address, bytes, write, false);
}

// Of no power of two: seen as bytes.
void access_range(const void* address, size_t bytes, bool write) {
  Machine& machine = Machine::here();
  if (!machine.running()) return;
  for (size_t i = 0; i < bytes; ++i)
    machine.access(static_cast<const char*>(address) + i, 1, write, false);
}

}  // namespace

int atomic_add(int* address, int value) { return add(address, value); }
unsigned atomic_add(unsigned* address, unsigned value) { return add(address, value); }
unsigned long long atomic_add(unsigned long long* address, unsigned long long value) {
  return add(address, value);
}

}  // namespace gantry::emulation

using gantry::emulation::access;
using gantry::emulation::access_range;

extern "C" {
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_read1(void* p) { access(p, 1, false); }
void __tsan_read2(void* p) { access(p, 2, false); }
void __tsan_read4(void* p) { access(p, 4, false); }
void __tsan_read8(void* p) { access(p, 8, false); }
void __tsan_read16(void* p) { access(p, 16, false); }
void __tsan_write1(void* p) { access(p, 1, true); }
void __tsan_write2(void* p) { access(p, 2, true); }
void __tsan_write4(void* p) { access(p, 4, true); }
void __tsan_write8(void* p) { access(p, 8, true); }
void __tsan_write16(void* p) { access(p, 16, true); }
void __tsan_unaligned_read2(void* p) { access(p, 2, false); }
void __tsan_unaligned_read4(void* p) { access(p, 4, false); }
void __tsan_unaligned_read8(void* p) { access(p, 8, false); }
void __tsan_unaligned_read16(void* p) { access(p, 16, false); }
void __tsan_unaligned_write2(void* p) { access(p, 2, true); }
void __tsan_unaligned_write4(void* p) { access(p, 4, true); }
void __tsan_unaligned_write8(void* p) { access(p, 8, true); }
void __tsan_unaligned_write16(void* p) { access(p, 16, true); }
void __tsan_volatile_read4(void* p) { access(p, 4, false); }
void __tsan_volatile_write4(void* p) { access(p, 4, true); }
void __tsan_read_range(void* p, size_t bytes) { access_range(p, bytes, false); }
void __tsan_write_range(void* p, size_t bytes) { access_range(p, bytes, true); }

// Host code in the same files counts references: not on a fiber, and truly atomic.
int __tsan_atomic32_fetch_add(volatile int* p, int value, int) {
  return __atomic_fetch_add(p, value, __ATOMIC_SEQ_CST);
}
int __tsan_atomic32_fetch_sub(volatile int* p, int value, int) {
  return __atomic_fetch_sub(p, value, __ATOMIC_SEQ_CST);
}
int __tsan_atomic32_load(const volatile int* p, int) {
  return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}
char __tsan_atomic8_load(const volatile char* p, int) {
  return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}
long __tsan_atomic64_load(const volatile long* p, int) {
  return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}
}
