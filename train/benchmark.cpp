// SPDX-License-Identifier: Apache-2.0
#include "train/benchmark.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <sstream>

#include "train/host_copy.h"

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

class TimingWatcher : public ReplayWatcher {
 public:
  void before(size_t, const Call&, std::span<const TensorView>) override { start_ = now_s(); }
  void after(size_t, const Call& call, std::span<const TensorView>) override {
    CallCost& cost = costs_[call.name];
    cost.name = call.name;
    ++cost.calls;
    cost.seconds += now_s() - start_;
    cost.flops += call.kernel->flops();
    cost.bytes += call.bytes();
  }
  std::map<std::string, CallCost> take() { return std::move(costs_); }

 private:
  double start_ = 0;
  std::map<std::string, CallCost> costs_;
};

}  // namespace

BenchmarkResult run_benchmark(Session& session, int64_t warmup, int64_t steps) {
  BenchmarkResult result;
  result.steps = steps;
  session.step();
  session.stream().synchronize();
  result.first_step_s = process_age_s();
  for (int64_t i = 1; i < warmup; ++i) session.step();
  session.stream().synchronize();
  std::vector<double> times;
  for (int64_t i = 0; i < steps; ++i) {
    const double start = now_s();
    result.data_wait_s += session.step() / static_cast<double>(steps);
    session.stream().synchronize();
    times.push_back(now_s() - start);
  }
  std::sort(times.begin(), times.end());
  result.min_s = times.front();
  result.max_s = times.back();
  result.median_s = 0.5 * (times[times.size() / 2] + times[(times.size() - 1) / 2]);
  result.images_per_s =
      static_cast<double>(session.gan().real_samples_per_step()) / result.median_s;
  result.flops_per_step = session.replay().program().flops();
  result.peak_resident_bytes = peak_resident();
  result.arena_bytes = session.replay().plan().arena_bytes;
  result.kept_bytes = session.replay().plan().external_bytes;
  return result;
}

double measure_peak(Backend& backend, Stream& stream) {
  constexpr int64_t kSize = 1536;
  constexpr int kRuns = 12;
  const DenseDesc desc{.n = kSize, .in = kSize, .out = kSize};
  const KernelPtr kernel = backend.kernels->dense(desc, DensePass::kForward);
  const Shape shape{kSize, kSize, 1, 1};
  const DType real = backend.kernels->real();
  Device& device = *backend.device;
  const Tensor y(device, shape, real), x(device, shape, real), w(device, shape, real);
  const std::vector<float> ones(static_cast<size_t>(shape.elements()), 1.0f);
  write_reals(device, stream, x.view(), ones);
  write_reals(device, stream, w.view(), ones);
  const Memory scratch(device, kernel->scratch_bytes());
  const TensorView args[] = {y.view(), x.view(), w.view()};
  double best = 0;
  for (int run = 0; run < kRuns; ++run) {
    const double start = now_s();
    kernel->run(stream, args, scratch.data());
    stream.synchronize();
    best = std::max(best, kernel->flops() / (now_s() - start));
  }
  return best;
}

std::vector<CallCost> time_calls(Session& session, int64_t steps) {
  TimingWatcher watcher;
  for (int64_t i = 0; i < steps; ++i) session.step(watcher);
  std::vector<CallCost> costs;
  const auto count = static_cast<double>(steps);
  for (auto& [name, cost] : watcher.take()) {
    cost.calls /= steps;
    cost.seconds /= count;
    cost.flops /= count;
    cost.bytes /= count;
    costs.push_back(cost);
  }
  std::stable_sort(costs.begin(), costs.end(),
                   [](const CallCost& a, const CallCost& b) { return a.seconds > b.seconds; });
  return costs;
}

}  // namespace gantry
