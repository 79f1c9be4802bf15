// SPDX-License-Identifier: Apache-2.0
#include "kernels/ops/conv2d.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <vector>

#include "core/philox.h"
#include "kernels/cpu/cpu_device.h"
#include "kernels/cpu/direct_conv2d.h"
#include "kernels/cpu/dnnl_conv2d.h"
#include "kernels/cpu/gather_conv2d.h"
#include "kernels/cpu/spread_conv2d.h"
#include "kernels/cpu/winograd_conv2d.h"
#include "kernels/kernels.h"
#include "tests/kernels/conv2d_cases.h"
#include "tests/reference/reference_backend.h"

namespace gantry::test {
namespace {

// Largest |error| over the largest |value|, f32 against f64. Measured below.
constexpr double kTolerance = 4e-6;

std::vector<double> values(const Shape& shape, uint32_t id) {
  std::vector<double> result(static_cast<size_t>(shape.elements()));
  const RandomKey key = random_key(7, Purpose::kSynthetic, id);
  for (size_t i = 0; i < result.size(); ++i) {
    const PhiloxBlock block = random_block(key, 0, 0, static_cast<uint32_t>(i));
    result[i] = static_cast<double>(uniform01(block.v[0]) * 2 - 1);
  }
  return result;
}

struct Case {
  Conv2dDesc desc;
  Conv2dPass pass;

  // Output first, as the op's header lists them.
  std::vector<Shape> shapes() const {
    const Conv2dDesc& d = desc;
    switch (pass) {
      case Conv2dPass::kForward:
        return with_bias({d.y, d.x, d.w}, d.y.c);
      case Conv2dPass::kBackwardData:
        return with_bias({d.x, d.y, d.w}, d.x.c);
      case Conv2dPass::kBackwardWeights:
        return {d.w, d.x, d.y};
    }
    return {};
  }
  std::vector<Shape> with_bias(std::vector<Shape> shapes, int64_t channels) const {
    if (desc.bias) shapes.push_back(vector_shape(channels));
    return shapes;
  }
};

// Runs `kernel` on `from`: an output (whose values an accumulating pass adds to), then inputs.
template <typename Real>
std::vector<double> run(Device& device, const Kernel& kernel, const std::vector<Shape>& shapes,
                        const std::vector<std::vector<double>>& from) {
  const auto stream = device.make_stream();
  std::vector<Tensor> tensors;
  std::vector<TensorView> views;
  for (size_t i = 0; i < shapes.size(); ++i) {
    tensors.emplace_back(device, shapes[i], DTypeOf<Real>::kValue);
    views.push_back(tensors.back().view());
    std::copy(from[i].begin(), from[i].end(), static_cast<Real*>(views.back().data));
  }
  const Memory scratch(device, kernel.scratch_bytes());
  kernel.run(*stream, views, scratch.data());
  const auto* out = static_cast<Real*>(views[0].data);
  return {out, out + shapes[0].elements()};
}

// The same values as in any other call with the same shapes.
template <typename Real>
std::vector<double> run(Device& device, const Kernel& kernel, const std::vector<Shape>& shapes) {
  std::vector<std::vector<double>> from;
  for (size_t i = 0; i < shapes.size(); ++i) {
    from.push_back(values(shapes[i], static_cast<uint32_t>(i)));
  }
  return run<Real>(device, kernel, shapes, from);
}

double relative_error(const std::vector<double>& got, const std::vector<double>& want) {
  double error = 0, largest = 1e-30;
  for (size_t i = 0; i < want.size(); ++i) {
    if (!std::isfinite(got[i])) return INFINITY;
    error = std::max(error, std::abs(got[i] - want[i]));
    largest = std::max(largest, std::abs(want[i]));
  }
  return error / largest;
}

std::vector<double> reference(const Case& c) {
  const Backend backend = open_reference_backend();
  return run<double>(*backend.device, *backend.kernels->conv2d(c.desc, c.pass), c.shapes());
}

constexpr std::array kPasses = {Conv2dPass::kForward, Conv2dPass::kBackwardData,
                                Conv2dPass::kBackwardWeights};

class Conv2d : public testing::TestWithParam<Conv2dCase> {
 protected:
  // Every variant of the pass: plain, and with all that its descriptor can ask for.
  template <typename Make>
  void check(Device& device, const Make& make) {
    for (const Conv2dPass pass : kPasses) {
      for (const bool extras : {false, true}) {
        Case c{GetParam().desc, pass};
        if (extras) {
          c.desc.bias = pass != Conv2dPass::kBackwardWeights;
          c.desc.activation = {ActivationKind::kLeakyReLU, 0.2f};
        }
        c.desc.accumulate = extras && pass == Conv2dPass::kBackwardWeights;
        const auto kernel = make(c.desc, pass);
        if (!kernel) continue;
        EXPECT_LT(relative_error(run<float>(device, *kernel, c.shapes()), reference(c)), kTolerance)
            << "pass " << static_cast<int>(pass) << (extras ? " with extras" : "");
      }
    }
  }

  CpuDevice device_{2};
};

TEST_P(Conv2d, BackendAgreesWithReference) {
  const Backend backend = open_backend(BackendChoice::kCpu, 2);
  check(*backend.device,
        [&](const Conv2dDesc& d, Conv2dPass pass) { return backend.kernels->conv2d(d, pass); });
}

TEST_P(Conv2d, PlainLoopsAgreeWithReference) {
  check(device_, [](const Conv2dDesc& d, Conv2dPass pass) { return make_direct_conv2d(d, pass); });
}

TEST_P(Conv2d, DnnlAgreesWithReferenceInBothLayouts) {
  for (const DnnlLayout layout : {DnnlLayout::kStored, DnnlLayout::kChosen}) {
    check(device_, [&](const Conv2dDesc& d, Conv2dPass pass) {
      return make_dnnl_conv2d(device_, d, pass, layout);
    });
  }
}

TEST_P(Conv2d, GatherAgreesWithReference) {
  check(device_,
        [](const Conv2dDesc& d, Conv2dPass pass) { return make_gather_conv2d(d, pass, 2); });
}

// Of BEGAN's critic while k is small: the gradients of real samples are large, those of generated
// ones tiny and alike, and each is rounded alike where it is added to the sum of the large ones.
TEST(Conv2dWeights, TinyGradientsCountBesideLargeOnes) {
  const Conv2dDesc d = conv2d_desc({"", 16, 8, 28, 28, 1, 3, 3, 1, 1, 1});
  const std::vector<Shape> shapes = {d.w, d.x, d.y};
  std::vector<std::vector<double>> from = {values(d.w, 0), values(d.x, 1), {}};
  for (int64_t i = 0; i < d.x.elements(); ++i) {
    double& x = from[1][static_cast<size_t>(i)];
    x = i < d.x.elements() / 2 ? static_cast<float>(std::abs(x)) : 1;
  }
  from[2].assign(static_cast<size_t>(d.y.elements()), 1);
  // Six tenths of a unit in the last place of a sum of about 3,000.
  std::fill(from[2].begin() + d.y.elements() / 2, from[2].end(), static_cast<float>(0.6 / 4096));
  const auto weights = [&](const Backend& backend) {
    return backend.kernels->conv2d(d, Conv2dPass::kBackwardWeights);
  };
  const Backend reference = open_reference_backend(), cpu = open_backend(BackendChoice::kCpu, 2);
  const auto want = run<double>(*reference.device, *weights(reference), shapes, from);
  const auto got = run<float>(*cpu.device, *weights(cpu), shapes, from);
  EXPECT_LT(relative_error(got, want), 1.2e-6);  // measured 3.5e-7; as one sum 2.0e-6
}

TEST(Conv2dDescriptor, DefectsAreRefusedBeforeAnyBackend) {
  const Backend backend = open_backend(BackendChoice::kCpu, 1);
  const Conv2dDesc good = conv2d_cases()[1].desc;
  const auto refused = [&](auto change) {
    Conv2dDesc bad = good;
    change(bad);
    EXPECT_THROW(backend.kernels->conv2d(bad, Conv2dPass::kForward), std::logic_error);
  };
  EXPECT_NO_THROW(backend.kernels->conv2d(good, Conv2dPass::kForward));
  refused([](Conv2dDesc& d) { d.x.c += 1; });
  refused([](Conv2dDesc& d) { d.y.c += 1; });
  refused([](Conv2dDesc& d) { d.y.n += 1; });
  refused([](Conv2dDesc& d) { d.y.h -= 2; });
  refused([](Conv2dDesc& d) { d.groups = 3; });
  refused([](Conv2dDesc& d) { d.stride_w = 0; });
  refused([](Conv2dDesc& d) { d.pad_top = -1; });
  refused([](Conv2dDesc& d) { d.accumulate = true; });
  refused([](Conv2dDesc& d) { d.activation = {ActivationKind::kLeakyReLU, 0}; });
}

TEST_P(Conv2d, SpreadAgreesWithReference) {
  check(device_,
        [](const Conv2dDesc& d, Conv2dPass pass) { return make_spread_conv2d(d, pass, 2); });
}

TEST_P(Conv2d, WinogradAgreesWithReference) {
  check(device_,
        [](const Conv2dDesc& d, Conv2dPass pass) { return make_winograd_conv2d(d, pass, 2); });
}

TEST_P(Conv2d, WinogradIsTheSameOnAnyNumberOfThreads) {
  for (const Conv2dPass pass : kPasses) {
    const Case c{GetParam().desc, pass};
    const auto one = make_winograd_conv2d(c.desc, pass, 1);
    const auto three = make_winograd_conv2d(c.desc, pass, 3);
    if (!one) continue;
    EXPECT_EQ(run<float>(device_, *one, c.shapes()), run<float>(device_, *three, c.shapes()));
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Conv2d, testing::ValuesIn(conv2d_cases()),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace gantry::test
