// SPDX-License-Identifier: Apache-2.0
// GB/s of the memory-bound kernels on the shapes of the 64 x 64 DCGAN at batch 64, next to a plain
// copy of as many bytes by as many threads. Bytes are counted once per argument read or written
// and sweep: norm forward 3 tensors (x twice, y), backward 5 (x and dy twice, dx).
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <vector>

#include "kernels/kernels.h"

namespace gantry {
namespace {

struct Bench {
  Backend backend = open_backend(BackendChoice::kCpu, 0);
  std::unique_ptr<Stream> stream = backend.device->make_stream();
  std::vector<Tensor> tensors;

  TensorView tensor(const Shape& shape) {
    tensors.emplace_back(*backend.device, shape, DType::kF32);
    const TensorView view = tensors.back().view();
    float* data = view.as<float>();
    for (int64_t i = 0; i < shape.elements(); ++i)
      data[i] = static_cast<float>((i * 2654435761 >> 7) % 1000) / 500 - 0.9f;
    return view;
  }
  TensorView counter(int64_t value) {
    tensors.emplace_back(*backend.device, vector_shape(1), DType::kI64);
    *tensors.back().view().as<int64_t>() = value;
    return tensors.back().view();
  }

  // The best of several runs, in seconds: other programs only add to it.
  static double seconds(const std::function<void()>& run) {
    double best = 1e9;
    for (int i = 0; i < 40; ++i) {
      const auto start = std::chrono::steady_clock::now();
      run();
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
      best = std::min(best, time.count());
    }
    return best;
  }

  void time(const char* name, const KernelPtr& kernel, const std::vector<TensorView>& args,
            double bytes, double copy) {
    const Memory scratch(*backend.device, std::max<size_t>(1, kernel->scratch_bytes()));
    const double s = seconds([&] { kernel->run(*stream, args, scratch.data()); });
    std::printf("  %-22s %8.3f ms %7.1f GB/s  %.2f of copy\n", name, s * 1e3, bytes / s * 1e-9,
                bytes / s / copy);
  }
};

// Read plus written bytes per second of a loop y = x.
double copy_rate(Bench& bench, const Shape& shape) {
  const TensorView x = bench.tensor(shape), y = bench.tensor(shape);
  const float* from = x.as<float>();
  float* to = y.as<float>();
  const int64_t size = shape.elements();
  const double s = Bench::seconds([&] {
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < size; ++i) to[i] = from[i];
  });
  return 2.0 * static_cast<double>(x.bytes()) / s;
}

void norm_passes(const Shape& x, int64_t groups, NormKind kind) {
  Bench bench;
  Kernels& k = *bench.backend.kernels;
  const double copy = copy_rate(bench, x);
  NormDesc d;
  d.kind = kind;
  d.x = x;
  d.batch_groups = groups;
  d.track = false;
  d.activation = {ActivationKind::kLeakyReLU, 0.2f};
  const double bytes = static_cast<double>(x.elements()) * 4;
  const TensorView in = bench.tensor(x), dy = bench.tensor(x), y = bench.tensor(x);
  const TensorView ux = bench.tensor(x), hx = bench.tensor(x);
  const Shape c = vector_shape(x.c), s = norm_stats_shape(d);
  const TensorView gamma = bench.tensor(c), beta = bench.tensor(c), dgamma = bench.tensor(c);
  const TensorView dbeta = bench.tensor(c), mean = bench.tensor(s), rstd = bench.tensor(s);
  std::printf("%s kind %d, %lld groups; copy %.1f GB/s\n", to_string(x).c_str(),
              static_cast<int>(kind), static_cast<long long>(groups), copy * 1e-9);
  bench.time("norm forward", k.norm(d, NormPass::kForward), {y, mean, rstd, in, gamma, beta},
             3 * bytes, copy);
  bench.time("norm backward", k.norm(d, NormPass::kBackward),
             {y, dgamma, dbeta, in, dy, gamma, beta, mean, rstd}, 5 * bytes, copy);
  bench.time("norm double_backward", k.norm(d, NormPass::kDoubleBackward),
             {y, hx, dgamma, in, dy, ux, gamma, beta, mean, rstd}, 8 * bytes, copy);
  for (const ActivationKind kind_of : {ActivationKind::kLeakyReLU, ActivationKind::kTanh}) {
    const ActivationDesc a{x, {kind_of, 0.2f}};
    bench.time(activation_name(kind_of), k.activation(a, ActivationPass::kForward), {y, in},
               2 * bytes, copy);
    bench.time("  its backward", k.activation(a, ActivationPass::kBackward), {hx, in, dy},
               3 * bytes, copy);
  }
}

void flat_passes(int64_t size) {
  Bench bench;
  Kernels& k = *bench.backend.kernels;
  const Shape flat = vector_shape(size), one = vector_shape(1);
  const double copy = copy_rate(bench, flat), bytes = static_cast<double>(size) * 4;
  std::printf("%lld parameters; copy %.1f GB/s\n", static_cast<long long>(size), copy * 1e-9);
  const TensorView p = bench.tensor(flat), m = bench.tensor(flat), v = bench.tensor(flat);
  const TensorView grad = bench.tensor(flat), lr = bench.tensor(one), scale = bench.tensor(one);
  const TensorView norm = bench.tensor(one), found = bench.tensor(one), t = bench.counter(10);
  OptimizerDesc d;
  d.size = size;
  bench.time("grad_norm", k.grad_norm({size}), {norm, scale, found, grad}, bytes, copy);
  *found.as<float>() = 0;
  std::fill_n(v.as<float>(), size, 0.1f);
  bench.time("adam", k.optimizer(d), {p, m, v, grad, lr, t, scale, found}, 7 * bytes, copy);
  const Shape image{64, 64, 32, 32};
  const TensorView x = bench.tensor(image), y = bench.tensor(image), step = bench.counter(3);
  const double image_bytes = static_cast<double>(image.elements()) * 4;
  bench.time("dropout", k.dropout({image, 0.5f, {1, 2}, 0}), {y, x, step}, 2 * image_bytes, copy);
  bench.time("sum of two", k.sum({image, {1, 1}, false}), {y, x, x}, 2 * image_bytes, copy);
}

}  // namespace
}  // namespace gantry

int main() {
  using gantry::NormKind;
  // G and D of the 64 x 64 DCGAN; D sees real and fake together.
  for (const gantry::Shape& x : std::vector<gantry::Shape>{
           {64, 512, 4, 4}, {64, 256, 8, 8}, {64, 128, 16, 16}, {64, 64, 32, 32}})
    gantry::norm_passes(x, 1, NormKind::kBatch);
  gantry::norm_passes({128, 128, 16, 16}, 2, NormKind::kBatch);
  gantry::norm_passes({64, 3, 64, 64}, 1, NormKind::kBatch);
  gantry::norm_passes({64, 1, 28, 28}, 1, NormKind::kBatch);
  gantry::norm_passes({64, 1024, 1, 1}, 1, NormKind::kBatch);
  gantry::norm_passes({64, 128, 16, 16}, 1, NormKind::kLayer);
  gantry::norm_passes({64, 128, 16, 16}, 1, NormKind::kInstance);
  gantry::flat_passes(6'300'000);
}
