// SPDX-License-Identifier: Apache-2.0
#include "core/host_parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace gantry {

void host_parallel(size_t count, const std::function<void(size_t)>& work) {
  constexpr size_t kMostThreads = 16;
  const size_t threads =
      std::min(count, std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMostThreads));
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  const auto run = [&] {
    for (size_t i = next++; i < count; i = next++) {
      try {
        work(i);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (!failure) failure = std::current_exception();
        next = count;
      }
    }
  };
  {
    std::vector<std::jthread> others;
    for (size_t i = 1; i < threads; ++i) others.emplace_back(run);
    run();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace gantry
