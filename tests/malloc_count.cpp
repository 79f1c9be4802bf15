// SPDX-License-Identifier: Apache-2.0
#include "tests/malloc_count.h"

#include <link.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define GANTRY_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GANTRY_SANITIZED
#endif

namespace {

std::atomic<int64_t> allocations{0}, allocations_in_runtimes{0};

// Where the code of the runtimes lies, and that of the loader, which gives new threads their
// memory.
struct Range {
  std::atomic<uintptr_t> begin{0}, end{0};
};
constexpr const char* kRuntimes[] = {"libdnnl", "libgomp", "ld-linux"};
Range runtimes[std::size(kRuntimes)];

int find_runtimes(dl_phdr_info* info, size_t, void*) {
  for (size_t i = 0; i < std::size(kRuntimes); ++i) {
    if (!std::strstr(info->dlpi_name, kRuntimes[i])) continue;
    uintptr_t end = info->dlpi_addr;
    for (int k = 0; k < info->dlpi_phnum; ++k) {
      const auto& header = info->dlpi_phdr[k];
      if (header.p_type == PT_LOAD)
        end = std::max(end, info->dlpi_addr + header.p_vaddr + header.p_memsz);
    }
    runtimes[i].begin = info->dlpi_addr;
    runtimes[i].end = end;
  }
  return 0;
}

[[maybe_unused]] void note(const void* caller) {
  const auto address = reinterpret_cast<uintptr_t>(caller);
  bool in_runtime = false;
  for (const Range& range : runtimes)
    in_runtime = in_runtime || (address >= range.begin && address < range.end);
  (in_runtime ? allocations_in_runtimes : allocations).fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

// glibc lets a program define its own malloc and offers its own under these names.
#if !defined(GANTRY_SANITIZED)
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

void* malloc(size_t bytes) {
  note(__builtin_return_address(0));
  return __libc_malloc(bytes);
}
void* calloc(size_t count, size_t bytes) {
  note(__builtin_return_address(0));
  return __libc_calloc(count, bytes);
}
void* realloc(void* data, size_t bytes) {
  note(__builtin_return_address(0));
  return __libc_realloc(data, bytes);
}
void* memalign(size_t alignment, size_t bytes) {
  note(__builtin_return_address(0));
  return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) {
  note(__builtin_return_address(0));
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** data, size_t alignment, size_t bytes) {
  note(__builtin_return_address(0));
  *data = __libc_memalign(alignment, bytes);
  return *data || bytes == 0 ? 0 : ENOMEM;
}
}

// Replaced so that the caller is the code that says `new`, not the C++ library.
void* operator new(size_t bytes) {
  note(__builtin_return_address(0));
  if (void* data = __libc_malloc(bytes ? bytes : 1)) return data;
  throw std::bad_alloc();
}
void* operator new[](size_t bytes) {
  note(__builtin_return_address(0));
  if (void* data = __libc_malloc(bytes ? bytes : 1)) return data;
  throw std::bad_alloc();
}
void operator delete(void* data) noexcept { std::free(data); }
void operator delete[](void* data) noexcept { std::free(data); }
void operator delete(void* data, size_t) noexcept { std::free(data); }
void operator delete[](void* data, size_t) noexcept { std::free(data); }
#endif

namespace gantry {

MallocCount::MallocCount() {
  dl_iterate_phdr(find_runtimes, nullptr);
  start_ = allocations.load();
  start_in_runtimes_ = allocations_in_runtimes.load();
}

int64_t MallocCount::count() const { return allocations.load() - start_; }

int64_t MallocCount::in_runtimes() const {
  return allocations_in_runtimes.load() - start_in_runtimes_;
}

bool MallocCount::supported() {
#if defined(GANTRY_SANITIZED)
  return false;
#else
  return true;
#endif
}

}  // namespace gantry
