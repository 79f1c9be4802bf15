// SPDX-License-Identifier: Apache-2.0
// GFLOP/s of every convolution of the two benchmark networks, per pass and implementation, against
// the FMA peak measured in the same run. Usage: bench_conv2d [threads] [repeats] [batch] [layer]
#include <omp.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "kernels/cpu/cpu_device.h"
#include "kernels/cpu/dnnl_conv2d.h"
#include "kernels/cpu/gather_conv2d.h"
#include "kernels/cpu/spread_conv2d.h"
#include "kernels/cpu/winograd_conv2d.h"
#include "kernels/kernels.h"

namespace gantry {
namespace {

struct Layer {
  const char* name;
  int64_t c, size, o, kernel, stride, pad;
};

// DCGAN of the PyTorch example at 64 x 64 (D1..D5; G2..G5 are D4..D1 turned round) and of 28 x 28.
constexpr Layer kLayers[] = {
    {"D1", 3, 64, 64, 4, 2, 1},   {"D2", 64, 32, 128, 4, 2, 1},  {"D3", 128, 16, 256, 4, 2, 1},
    {"D4", 256, 8, 512, 4, 2, 1}, {"D5", 512, 4, 1, 4, 1, 0},    {"G1", 512, 4, 100, 4, 1, 0},
    {"K5", 64, 28, 1, 5, 1, 2},   {"F7", 256, 32, 3, 7, 1, 3},   {"M1", 1, 28, 64, 4, 2, 1},
    {"M2", 64, 14, 128, 4, 2, 1}, {"R1", 128, 32, 128, 3, 1, 1}, {"R2", 128, 8, 128, 3, 1, 1},
};

Conv2dDesc describe(const Layer& l, int64_t batch) {
  Conv2dDesc d;
  const int64_t out = (l.size + 2 * l.pad - l.kernel) / l.stride + 1;
  d.x = {batch, l.c, l.size, l.size};
  d.w = {l.o, l.c, l.kernel, l.kernel};
  d.y = {batch, l.o, out, out};
  d.stride_h = d.stride_w = l.stride;
  d.pad_top = d.pad_left = l.pad;
  return d;
}

// One thread is timed by the processor time it got, which a busy machine disturbs less.
bool by_processor_time = false;

double seconds() {
  timespec now{};
  clock_gettime(by_processor_time ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// GFLOP/s of independent multiply-adds in registers on every thread.
double fma_peak(int threads) {
#ifdef __AVX512F__
  constexpr int kBytes = 64;
#else
  constexpr int kBytes = 32;
#endif
  typedef float Lanes __attribute__((vector_size(kBytes)));
  constexpr int64_t kRounds = 20'000'000;
  double best = 0;
  for (int trial = 0; trial < 3; ++trial) {
    const double start = seconds();
#pragma omp parallel num_threads(threads)
    {
      Lanes a0{}, a1{}, a2{}, a3{}, a4{}, a5{}, a6{}, a7{}, a8{}, a9{};
      const Lanes x = a0 + 0.5f, y = a0 + 1e-9f;
      for (int64_t i = 0; i < kRounds; ++i) {
        a0 += x * y, a1 += x * y, a2 += x * y, a3 += x * y, a4 += x * y;
        a5 += x * y, a6 += x * y, a7 += x * y, a8 += x * y, a9 += x * y;
        asm volatile("" : "+v"(a0), "+v"(a1), "+v"(a2), "+v"(a3), "+v"(a4));
        asm volatile("" : "+v"(a5), "+v"(a6), "+v"(a7), "+v"(a8), "+v"(a9));
      }
    }
    best = std::max(best, threads * kRounds * 10 * (kBytes / 2) / (seconds() - start) * 1e-9);
  }
  return best;
}

class Bench {
 public:
  Bench(int threads, int repeats)
      : backend_(open_backend(BackendChoice::kCpu, threads)),
        repeats_(repeats),
        stream_(backend_.device->make_stream()) {}

  void layer(const Layer& l, int64_t batch) {
    const Conv2dDesc d = describe(l, batch);
    for (const auto pass :
         {Conv2dPass::kForward, Conv2dPass::kBackwardData, Conv2dPass::kBackwardWeights}) {
      static constexpr const char* kNames[] = {"forward", "backward_data", "backward_weights"};
      const auto& device = static_cast<const CpuDevice&>(*backend_.device);
      std::printf("%s %-17s %6.3f GF", l.name, kNames[static_cast<int>(pass)],
                  conv2d_flops(d) * 1e-9);
      report("ours", backend_.kernels->conv2d(d, pass).get(), d, pass);
      const auto stored = make_dnnl_conv2d(device, d, pass, DnnlLayout::kStored);
      const auto chosen = make_dnnl_conv2d(device, d, pass, DnnlLayout::kChosen);
      report("dnnl nhwc", stored.get(), d, pass);
      report("dnnl any", chosen.get(), d, pass);
      const auto gather = pass == Conv2dPass::kBackwardWeights
                              ? make_gather_conv2d_weights(d, device.threads())
                              : make_gather_conv2d(d, pass, device.threads());
      report("gather", gather.get(), d, pass);
      report("winograd", make_winograd_conv2d(d, pass, device.threads()).get(), d, pass);
      report("spread", make_spread_conv2d(d, pass, device.threads()).get(), d, pass);
      std::printf("\n");
      std::fflush(stdout);
    }
  }

 private:
  void report(const char* name, const Kernel* kernel, const Conv2dDesc& d, Conv2dPass pass) {
    if (!kernel) return;
    const double time = best_time(*kernel, d, pass);
    std::printf(" | %s %7.3f ms %5.0f GF/s", name, time * 1e3, conv2d_flops(d) / time * 1e-9);
  }

  double best_time(const Kernel& kernel, const Conv2dDesc& d, Conv2dPass pass) {
    std::vector<Shape> shapes = {d.y, d.x, d.w};
    if (pass == Conv2dPass::kBackwardData) shapes = {d.x, d.y, d.w};
    if (pass == Conv2dPass::kBackwardWeights) shapes = {d.w, d.x, d.y};
    std::vector<Tensor> tensors;
    std::vector<TensorView> views;
    for (const Shape& shape : shapes) {
      tensors.emplace_back(*backend_.device, shape, DType::kF32);
      views.push_back(tensors.back().view());
      float* data = views.back().as<float>();
      for (int64_t i = 0; i < shape.elements(); ++i) {
        data[i] = static_cast<float>(i * 7919 % 1000) * 1e-3f - 0.5f;
      }
    }
    const Memory scratch(*backend_.device, kernel.scratch_bytes());
    double best = 1e30;
    for (int i = 0; i < repeats_ + 2; ++i) {
      const double start = seconds();
      kernel.run(*stream_, views, scratch.data());
      best = std::min(best, seconds() - start);
    }
    return best;
  }

  Backend backend_;
  int repeats_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace
}  // namespace gantry

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : omp_get_max_threads();
  const int repeats = argc > 2 ? std::atoi(argv[2]) : 10;
  const int64_t batch = argc > 3 ? std::atoll(argv[3]) : 64;
  const std::string only = argc > 4 ? argv[4] : "";
  gantry::by_processor_time = threads == 1;
  std::printf("FMA peak %.0f GF/s with %d threads, batch %lld\n", gantry::fma_peak(threads),
              threads, static_cast<long long>(batch));
  gantry::Bench bench(threads, repeats);
  for (const auto& layer : gantry::kLayers) {
    if (only.empty() || only == layer.name) bench.layer(layer, batch);
  }
}
