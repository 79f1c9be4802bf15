// SPDX-License-Identifier: Apache-2.0
// GB/s of the memory-bound kernels of a GPU on tensors larger than its caches, next to its own
// copy.
//   bench_device_memory [cuda | cpu] [MiB per tensor, default 256]
// Bytes are counted once per argument read or written; where a kernel must read an argument twice,
// as normalisation does, twice. cpu (in a build without CUDA) tries the program out.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "tests/bench/device_copy.h"

namespace gantry {
namespace {

constexpr int64_t kChannels = 64;

class Bench {
 public:
  Bench(BackendChoice choice, int64_t mib)
      : backend_(open_backend(choice, 0)), stream_(backend_.device->make_stream()) {
    // n x 64 x 64 x 64, a mebibyte to the image.
    x_ = {std::max<int64_t>(1, mib), kChannels, 64, 64};
    std::printf("%s; tensors of %lld MiB\n", backend_.device->name().c_str(),
                static_cast<long long>(x_.elements() * 4 >> 20));
  }

  Kernels& kernels() { return *backend_.kernels; }
  const Shape& x() const { return x_; }
  double bytes() const { return 4 * static_cast<double>(x_.elements()); }

  // Values from -0.9 to 1.1.
  TensorView tensor(const Shape& shape) {
    tensors_.emplace_back(*backend_.device, shape, DType::kF32);
    std::vector<float> host(static_cast<size_t>(shape.elements()));
    for (size_t i = 0; i < host.size(); ++i)
      host[i] = static_cast<float>((i * 2654435761 >> 7) % 1000) / 500 - 0.9f;
    return filled(host.data(), host.size() * sizeof(float));
  }
  TensorView constant(const Shape& shape, float value) {
    tensors_.emplace_back(*backend_.device, shape, DType::kF32);
    const std::vector<float> host(static_cast<size_t>(shape.elements()), value);
    return filled(host.data(), host.size() * sizeof(float));
  }
  TensorView scalar(float value) { return constant(vector_shape(1), value); }
  TensorView counter(int64_t value) {
    tensors_.emplace_back(*backend_.device, vector_shape(1), DType::kI64);
    return filled(&value, sizeof(value));
  }
  TensorView index(const Shape& shape) {
    tensors_.emplace_back(*backend_.device, shape, DType::kI32);
    return tensors_.back().view();
  }

  void measure_copy(const TensorView& to, const TensorView& from) {
    const double s = seconds([&] { copy_on_device(*stream_, to.data, from.data, from.bytes()); });
    copy_ = 2 * static_cast<double>(from.bytes()) / s;
    print("the library's copy", s, copy_);
  }
  void time(const char* name, const KernelPtr& kernel, const std::vector<TensorView>& args,
            double bytes) {
    const Memory scratch(*backend_.device, std::max<size_t>(1, kernel->scratch_bytes()));
    const double s = seconds([&] { kernel->run(*stream_, args, scratch.data()); });
    print(name, s, bytes / s);
  }

 private:
  TensorView filled(const void* host, size_t bytes) {
    const TensorView view = tensors_.back().view();
    backend_.device->copy_to_device(*stream_, view.data, host, bytes);
    stream_->synchronize();
    return view;
  }

  // Of one run, in the best of several series: other programs only add to it.
  double seconds(const std::function<void()>& run) {
    constexpr int kSeries = 8, kRuns = 10;
    double best = 1e9;
    for (int series = 0; series < kSeries; ++series) {
      const auto start = std::chrono::steady_clock::now();
      for (int i = 0; i < kRuns; ++i) run();
      stream_->synchronize();
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
      best = std::min(best, time.count() / kRuns);
    }
    return best;
  }

  void print(const char* name, double s, double rate) const {
    std::printf("  %-26s %9.3f ms %8.1f GB/s  %.2f of copy\n", name, s * 1e3, rate * 1e-9,
                rate / copy_);
  }

  Backend backend_;
  std::unique_ptr<Stream> stream_;
  std::vector<Tensor> tensors_;
  Shape x_;
  double copy_ = 1;
};

// What all parts measure with: three tensors to read, two to write.
struct Tensors {
  TensorView x, dy, ux, y, z, step;
};

void pointwise(Bench& bench, const Tensors& t) {
  Kernels& k = bench.kernels();
  const Shape& x = bench.x();
  const double b = bench.bytes();
  bench.time("sum of one", k.sum({x, {1}}), {t.y, t.x}, 2 * b);
  bench.time("sum of two", k.sum({x, {1, -0.5f}}), {t.y, t.x, t.dy}, 3 * b);
  for (const ActivationKind kind : {ActivationKind::kLeakyReLU, ActivationKind::kTanh}) {
    const ActivationDesc d{x, {kind, 0.2f}};
    bench.time(activation_name(kind), k.activation(d, ActivationPass::kForward), {t.y, t.x}, 2 * b);
    bench.time("  its backward", k.activation(d, ActivationPass::kBackward), {t.y, t.x, t.dy},
               3 * b);
  }
  const TensorView bias = bench.tensor(vector_shape(kChannels));
  bench.time("bias_add", k.bias_add({x}), {t.y, t.x, bias}, 2 * b);
  bench.time("bias_grad", k.bias_grad({x}), {bias, t.dy}, b);
  using Kind = RandomDesc::Kind;
  bench.time("random normal", k.random({Kind::kNormal, x, 0, 1, {1, 2}, 0}), {t.y, t.step}, b);
  bench.time("random uniform", k.random({Kind::kUniform, x, 0, 1, {1, 2}, 0}), {t.y, t.step}, b);
  bench.time("dropout", k.dropout({x, 0.5f, {1, 2}, 0}), {t.y, t.x, t.step}, 2 * b);
  bench.time("instance_noise", k.instance_noise({x, 0.1f, 0, {1, 2}, 0}), {t.y, t.x, t.step},
             2 * b);
}

void sums(Bench& bench, const Tensors& t) {
  Kernels& k = bench.kernels();
  const Shape& x = bench.x();
  const double b = bench.bytes();
  const TensorView value = bench.scalar(0), rate = bench.scalar(0), third = bench.scalar(0);
  bench.time("reduce", k.reduce({ReduceDesc::Kind::kSum, x}), {value, t.x}, b);
  bench.time("grad_norm", k.grad_norm({x.elements(), 1}), {value, rate, third, t.x}, b);
  bench.time("bce_logits", k.loss({LossDesc::Kind::kBceLogits, x, x}, true),
             {value, rate, t.y, t.x, t.dy}, 3 * b);
  bench.time("mse", k.loss({LossDesc::Kind::kMse, x, x}, true), {value, rate, t.y, t.x, t.dy},
             3 * b);
  // Each sample is scaled while it is in a cache.
  bench.time("gradient_penalty", k.gradient_penalty({GradientPenaltyDesc::Kind::kTwoSided, x}),
             {value, rate, t.y, t.x}, 2 * b);
  const SpectralNormDesc d{1024, x.elements() / 1024};
  const TensorView u = bench.tensor(vector_shape(d.rows)),
                   v = bench.tensor(vector_shape(d.columns));
  bench.time("spectral_norm", k.spectral_norm(d, SpectralNormPass::kForward),
             {t.y, v, value, u, t.x}, 4 * b);
}

void norms(Bench& bench, const Tensors& t) {
  NormDesc d;
  d.x = bench.x();
  d.track = false;
  d.activation = {ActivationKind::kLeakyReLU, 0.2f};
  Kernels& k = bench.kernels();
  const double b = bench.bytes();
  const Shape c = vector_shape(kChannels);
  const TensorView gamma = bench.tensor(c), beta = bench.tensor(c), dgamma = bench.tensor(c);
  const TensorView dbeta = bench.tensor(c), mean = bench.tensor(c), rstd = bench.constant(c, 1);
  bench.time("norm forward", k.norm(d, NormPass::kForward), {t.y, mean, rstd, t.x, gamma, beta},
             3 * b);
  bench.time("norm backward", k.norm(d, NormPass::kBackward),
             {t.y, dgamma, dbeta, t.x, t.dy, gamma, beta, mean, rstd}, 5 * b);
  bench.time("norm double_backward", k.norm(d, NormPass::kDoubleBackward),
             {t.y, t.z, dgamma, t.x, t.dy, t.ux, gamma, beta, mean, rstd}, 8 * b);
}

// The big tensor is the larger side of each.
void images(Bench& bench, const Tensors& t) {
  Kernels& k = bench.kernels();
  const Shape& big = bench.x();
  const Shape small{big.n, big.c, big.h / 2, big.w / 2};
  const double b = bench.bytes();
  const TensorView half = bench.tensor(small), index = bench.index(small);
  using Pool = PoolDesc::Kind;
  const PoolDesc max{Pool::kMax, big, small}, average{Pool::kAverage, big, small};
  bench.time("max pool", k.pool(max, PoolPass::kForward), {half, index, t.x}, 1.5 * b);
  bench.time("  its backward", k.pool(max, PoolPass::kBackward), {t.y, half, index}, 1.5 * b);
  bench.time("average pool", k.pool(average, PoolPass::kForward), {half, t.x}, 1.25 * b);
  bench.time("  its backward", k.pool(average, PoolPass::kBackward), {t.y, half}, 1.25 * b);
  for (const auto kind : {UpsampleDesc::Kind::kNearest, UpsampleDesc::Kind::kBilinear}) {
    const UpsampleDesc d{small, 2, kind};
    bench.time(kind == UpsampleDesc::Kind::kNearest ? "nearest" : "bilinear",
               k.upsample(d, LinearPass::kForward), {t.y, half}, 1.25 * b);
    bench.time("  its backward", k.upsample(d, LinearPass::kBackward), {half, t.x}, 1.25 * b);
  }
  Shape part = big;
  part.c /= 2;
  const TensorView left = bench.tensor(part), right = bench.tensor(part);
  bench.time("concat", k.channel_concat({{part, part}}, LinearPass::kForward), {t.y, left, right},
             2 * b);
  bench.time("pad", k.pad({PadDesc::Kind::kReflect, big, 1, -1, 1, -1}, LinearPass::kForward),
             {t.y, t.x}, 2 * b);
}

void optimizers(Bench& bench, const Tensors& t) {
  Kernels& k = bench.kernels();
  const double b = bench.bytes();
  const Shape& x = bench.x();
  const TensorView lr = bench.scalar(2e-4f), scale = bench.scalar(1), found = bench.scalar(0);
  const TensorView v = bench.constant(x, 0.1f);
  OptimizerDesc d;
  d.size = x.elements();
  bench.time("adam", k.optimizer(d), {t.y, t.z, v, t.x, lr, t.step, scale, found}, 7 * b);
  d.ema_decay = 0.999;
  bench.time("adam with EMA", k.optimizer(d), {t.y, t.z, v, t.ux, t.x, lr, t.step, scale, found},
             9 * b);
  d.ema_decay = -1;
  d.kind = OptimizerDesc::Kind::kRmsprop;
  bench.time("rmsprop", k.optimizer(d), {t.y, v, t.x, lr, t.step, scale, found}, 5 * b);
  d.kind = OptimizerDesc::Kind::kSgd;
  d.momentum = 0.9;
  bench.time("sgd with momentum", k.optimizer(d), {t.y, t.z, t.x, lr, t.step, scale, found}, 5 * b);
}

void measure(BackendChoice choice, int64_t mib) {
  Bench bench(choice, mib);
  const Shape& x = bench.x();
  const Tensors t{bench.tensor(x), bench.tensor(x), bench.tensor(x),
                  bench.tensor(x), bench.tensor(x), bench.counter(10)};
  bench.measure_copy(t.y, t.x);
  pointwise(bench, t);
  sums(bench, t);
  norms(bench, t);
  images(bench, t);
  optimizers(bench, t);
}

}  // namespace
}  // namespace gantry

int main(int argc, char** argv) {
  using gantry::BackendChoice;
  const std::string device = argc > 1 ? argv[1] : "cuda";
  const int64_t mib = argc > 2 ? std::atoll(argv[2]) : 256;
  if ((device != "cuda" && device != "cpu") || mib < 1 || argc > 3) {
    std::fprintf(stderr, "usage: bench_device_memory [cuda | cpu] [MiB per tensor]\n");
    return 2;
  }
  try {
    gantry::measure(device == "cuda" ? BackendChoice::kCuda : BackendChoice::kCpu, mib);
  } catch (const gantry::Error& error) {
    std::fprintf(stderr, "bench_device_memory: %s\n", error.what());
    return static_cast<int>(error.code());
  }
  return 0;
}
