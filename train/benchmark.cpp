// SPDX-License-Identifier: Apache-2.0
#include "train/benchmark.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace gantry {
namespace {

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Seconds since the kernel started this process: field 22 of /proc/self/stat, in clock ticks since
// boot. 0 where that cannot be read.
double process_age_s() {
  std::ifstream file("/proc/self/stat");
  std::string text;
  std::getline(file, text);
  const size_t end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return 0;
  std::istringstream fields(text.substr(end_of_name + 1));
  std::string field;
  for (int i = 3; i <= 21; ++i) fields >> field;
  double started = 0;
  fields >> started;
  timespec boot = {};
  clock_gettime(CLOCK_BOOTTIME, &boot);
  return static_cast<double>(boot.tv_sec) + 1e-9 * static_cast<double>(boot.tv_nsec) -
         started / static_cast<double>(sysconf(_SC_CLK_TCK));
}

size_t peak_resident() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<size_t>(usage.ru_maxrss) * 1024;
}

}  // namespace

BenchmarkResult run_benchmark(Session& session, const BenchmarkPlan& plan) {
  BenchmarkResult result;
  const int64_t rounds = std::max<int64_t>(1, plan.steps / plan.sync_every);
  result.steps = rounds * plan.sync_every;
  session.step();
  session.stream().synchronize();
  result.first_step_s = process_age_s();
  for (int64_t i = 1; i < plan.warmup; ++i) session.step();
  session.stream().synchronize();
  std::vector<double> times;
  for (int64_t round = 0; round < rounds; ++round) {
    const double start = now_s();
    const int64_t end = session.steps_done() + plan.sync_every;
    while (session.steps_done() < end)
      result.data_wait_s += session.advance(end - session.steps_done());
    session.stream().synchronize();
    times.push_back((now_s() - start) / static_cast<double>(plan.sync_every));
  }
  result.data_wait_s /= static_cast<double>(result.steps);
  std::sort(times.begin(), times.end());
  result.min_s = times.front();
  result.max_s = times.back();
  result.median_s = 0.5 * (times[times.size() / 2] + times[(times.size() - 1) / 2]);
  result.images_per_s = static_cast<double>(session.samples_per_step()) / result.median_s;
  result.flops_per_step = session.usual().recorded.program.flops();
  result.peak_resident_bytes = peak_resident();
  result.arena_bytes = session.usual().replay->plan().arena_bytes;
  const Device& device = *session.system().backend.device;
  result.device_bytes = device.memory_bytes() - device.available_bytes();
  result.kept_bytes = session.usual().replay->plan().external_bytes;
  return result;
}

}  // namespace gantry
