// SPDX-License-Identifier: Apache-2.0
#include "tests/ranks/shared_norm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/tolerances.h"

namespace gantry {
namespace {

constexpr int64_t kSamples = 12, kChannels = 5, kPixels = 6;

using Values = std::vector<float>;

Values wave(int64_t count, double frequency, double mean) {
  Values values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(mean + std::sin(frequency * static_cast<double>(i + 1)));
  }
  return values;
}

// The arguments of all passes, for some consecutive samples of the batch.
struct Buffers {
  explicit Buffers(int64_t first, int64_t samples)
      : n(samples), x(part(first, 0.91, 3)), dy(part(first, 1.73, 0)), ux(part(first, 2.39, 0)) {}

  Values part(int64_t first, double frequency, double offset) const {
    const Values all = wave(kSamples * kChannels * kPixels, frequency, offset);
    const auto at = all.begin() + static_cast<ptrdiff_t>(first * kChannels * kPixels);
    return {at, at + static_cast<ptrdiff_t>(n * kChannels * kPixels)};
  }

  int64_t n;
  Values x, dy, ux, y = x, dx = x, uy = x, hx = x;
  Values gamma = wave(kChannels, 0.7, 1), beta = wave(kChannels, 0.3, 0);
  Values mean = gamma, rstd = gamma, running_mean = Values(kChannels), running_var = gamma;
  Values dgamma = Values(kChannels), dbeta = dgamma, dgamma_of_tangent = dgamma;
};

// Runs the passes of one rank of a group.
class SharedNorm {
 public:
  SharedNorm(const Backend& backend, Communicator& communicator, Buffers& buffers)
      : backend_(backend),
        stream_(backend_.device->make_stream()),
        communicator_(communicator),
        b_(buffers) {
    desc_.x = {b_.n, kChannels, 2, kPixels / 2};
    desc_.activation = {ActivationKind::kLeakyReLU, 0.2f};
  }

  void run() {
    run(NormPass::kForward, {&b_.y, &b_.mean, &b_.rstd, &b_.running_mean, &b_.running_var},
        {&b_.x, &b_.gamma, &b_.beta});
    run(NormPass::kBackward, {&b_.dx, &b_.dgamma, &b_.dbeta},
        {&b_.x, &b_.dy, &b_.gamma, &b_.beta, &b_.mean, &b_.rstd});
    const Values whole = b_.dx;
    run(NormPass::kBackwardData, {&b_.dx},
        {&b_.x, &b_.dy, &b_.gamma, &b_.beta, &b_.mean, &b_.rstd});
    EXPECT_EQ(b_.dx, whole);
    run(NormPass::kDoubleBackward, {&b_.uy, &b_.hx, &b_.dgamma_of_tangent},
        {&b_.x, &b_.dy, &b_.ux, &b_.gamma, &b_.beta, &b_.mean, &b_.rstd});
  }

 private:
  void run(NormPass pass, const std::vector<Values*>& written, const std::vector<Values*>& read) {
    NormDesc desc = desc_;
    std::vector<Tensor> outputs, inputs;
    for (Values* values : written) outputs.push_back(on_device(*values));
    for (Values* values : read) inputs.push_back(on_device(*values));
    if (communicator_.size() > 1) {
      desc.ranks = communicator_.size();
      desc.stage = NormStage::kMeans;
      const Shape shape = norm_means_shape(desc, pass);
      std::vector<Tensor> means;
      means.emplace_back(*backend_.device, shape, DType::kF64);
      run(*backend_.kernels->norm(desc, pass), means, inputs);
      const KernelPtr average = communicator_.all_reduce(
          {shape.elements(), DType::kF64, 1.0 / communicator_.size(), "means"});
      run(*average, means, {});
      desc.stage = NormStage::kRest;
      inputs.push_back(std::move(means[0]));
    }
    run(*backend_.kernels->norm(desc, pass), outputs, inputs);
    for (size_t i = 0; i < written.size(); ++i) {
      const TensorView view = outputs[i].view();
      backend_.device->copy_to_host(*stream_, written[i]->data(), view.data, view.bytes());
    }
    stream_->synchronize();
  }

  void run(const Kernel& kernel, const std::vector<Tensor>& outputs,
           const std::vector<Tensor>& inputs) {
    std::vector<TensorView> args;
    for (const Tensor& tensor : outputs) args.push_back(tensor.view());
    for (const Tensor& tensor : inputs) args.push_back(tensor.view());
    const Memory scratch(*backend_.device, std::max<size_t>(64, kernel.scratch_bytes()));
    kernel.run(*stream_, args, scratch.data());
    stream_->synchronize();
  }

  Tensor on_device(const Values& values) {
    Tensor tensor(*backend_.device, vector_shape(static_cast<int64_t>(values.size())), DType::kF32);
    backend_.device->copy_to_device(*stream_, tensor.view().data, values.data(), tensor.bytes());
    return tensor;
  }

  const Backend& backend_;
  std::unique_ptr<Stream> stream_;
  Communicator& communicator_;
  Buffers& b_;
  NormDesc desc_;
};

void expect_close(const Values& got, const float* expected, const char* what) {
  double worst = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    worst = std::max(worst, static_cast<double>(std::abs(got[i] - expected[i])));
  }
  std::printf("%-14s within %.1e\n", what, worst);
  EXPECT_LE(worst, kSharedNormF32) << what;
}

}  // namespace

void expect_parts_of_the_whole(const OnRanks& on_ranks) {
  Buffers whole(0, kSamples);
  on_ranks(1, [&](int, const Backend& backend, Communicator& alone) {
    SharedNorm(backend, alone, whole).run();
  });
  for (const int ranks : {2, 3, 4}) {
    std::vector<Buffers> parts;
    const int64_t each = kSamples / ranks;
    for (int rank = 0; rank < ranks; ++rank) parts.emplace_back(rank * each, each);
    on_ranks(ranks, [&](int rank, const Backend& backend, Communicator& communicator) {
      SharedNorm(backend, communicator, parts[static_cast<size_t>(rank)]).run();
    });
    Values dgamma(kChannels), dbeta(kChannels), of_tangent(kChannels);
    for (int rank = 0; rank < ranks; ++rank) {
      const Buffers& part = parts[static_cast<size_t>(rank)];
      const size_t at = static_cast<size_t>(rank * each * kChannels * kPixels);
      expect_close(part.y, whole.y.data() + at, "y");
      expect_close(part.dx, whole.dx.data() + at, "dx");
      expect_close(part.uy, whole.uy.data() + at, "uy");
      expect_close(part.hx, whole.hx.data() + at, "hx");
      expect_close(part.running_mean, whole.running_mean.data(), "running mean");
      expect_close(part.running_var, whole.running_var.data(), "running var");
      for (size_t c = 0; c < kChannels; ++c) {
        dgamma[c] += part.dgamma[c];
        dbeta[c] += part.dbeta[c];
        of_tangent[c] += part.dgamma_of_tangent[c];
      }
    }
    expect_close(dgamma, whole.dgamma.data(), "dgamma");
    expect_close(dbeta, whole.dbeta.data(), "dbeta");
    expect_close(of_tangent, whole.dgamma_of_tangent.data(), "dgamma tangent");
  }
}

}  // namespace gantry
