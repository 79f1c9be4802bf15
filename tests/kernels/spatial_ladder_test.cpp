// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/kernels/calculus.h"

namespace gantry::ladder {
namespace {

// A linear op with a forward and a backward kernel: parity of both, and calculus.
void check_linear(const std::string& row, const std::string& name, const Shape& x, const Shape& y,
                  const Maker& forward, const Maker& backward) {
  Sampler sample(51);
  check_parity(
      {row + ".forward", name, forward, all_narrow({out(y), in(x, sample.normal(x))}), {}});
  check_parity(
      {row + ".backward", name, backward, all_narrow({out(x), in(y, sample.normal(y))}), {}});
  if (x.elements() > 500) return;
  Differentiable op;
  op.name = row + " " + name;
  op.at = {sample.normal(x)};
  op.output_size = static_cast<size_t>(y.elements());
  op.forward = [=](const std::vector<Vec>& at) {
    return run(reference_backend(), forward, {out(y), in(x, at[0])})[0];
  };
  op.backward = [=](const std::vector<Vec>&, const Vec& dy) {
    return run(reference_backend(), backward, {out(x), in(y, dy)});
  };
  op.double_backward = [=](const std::vector<Vec>&, const Vec&, const Vec& u) {
    return std::vector<Vec>{run(reference_backend(), forward, {out(y), in(x, u)})[0], {}};
  };
  check_calculus(op);
}

TEST(SpatialLadder, Upsampling) {
  for (const auto kind : {UpsampleDesc::Kind::kNearest, UpsampleDesc::Kind::kBilinear}) {
    for (const Shape& x :
         {Shape{2, 3, 4, 5}, Shape{1, 1, 1, 1}, Shape{1, 17, 1, 3}, Shape{3, 64, 7, 7}}) {
      for (const int64_t factor : {int64_t{1}, int64_t{2}, int64_t{3}, int64_t{4}}) {
        const UpsampleDesc d{x, factor, kind};
        check_linear(
            "upsample", concat(to_string(x), " by ", factor), x,
            {x.n, x.c, x.h * factor, x.w * factor},
            [=](Kernels& k) { return k.upsample(d, LinearPass::kForward); },
            [=](Kernels& k) { return k.upsample(d, LinearPass::kBackward); });
      }
    }
  }
}

TEST(SpatialLadder, Padding) {
  for (const auto kind : {PadDesc::Kind::kZero, PadDesc::Kind::kReflect}) {
    for (const PadDesc& d :
         {PadDesc{kind, {2, 3, 5, 6}, 1, 1, 1, 1}, PadDesc{kind, {2, 3, 5, 6}, 0, 2, 3, 1},
          PadDesc{kind, {1, 1, 4, 4}, 3, 3, 3, 3}, PadDesc{kind, {2, 17, 6, 7}, -1, -2, -1, 0},
          PadDesc{kind, {2, 64, 8, 8}, 2, -1, -1, 2}, PadDesc{kind, {2, 3, 4, 4}, 0, 0, 0, 0}}) {
      check_linear(
          "pad", concat(to_string(d.x), " -> ", to_string(d.y())), d.x, d.y(),
          [=](Kernels& k) { return k.pad(d, LinearPass::kForward); },
          [=](Kernels& k) { return k.pad(d, LinearPass::kBackward); });
    }
  }
}

// Kernel, stride and padding of a pooling over x; the output takes every window that fits.
PoolDesc pool_desc(PoolDesc::Kind kind, const Shape& x, int64_t kernel, int64_t stride,
                   int64_t pad) {
  const auto extent = [&](int64_t size) { return (size + 2 * pad - kernel) / stride + 1; };
  return {kind, x, {x.n, x.c, extent(x.h), extent(x.w)}, kernel, kernel, stride, stride, pad, pad};
}

std::vector<PoolDesc> pool_descs(PoolDesc::Kind kind) {
  return {pool_desc(kind, {2, 3, 8, 8}, 2, 2, 0),  pool_desc(kind, {1, 17, 7, 9}, 3, 2, 1),
          pool_desc(kind, {2, 2, 6, 5}, 3, 1, 1),  pool_desc(kind, {1, 1, 5, 5}, 5, 1, 0),
          pool_desc(kind, {2, 4, 7, 7}, 2, 3, 0),  pool_desc(kind, {2, 64, 16, 16}, 2, 2, 0),
          pool_desc(kind, {1, 3, 32, 32}, 4, 4, 0)};
}

std::string name_of(const PoolDesc& d) {
  return concat(to_string(d.x), " k", d.kernel_h, " s", d.stride_h, " p", d.pad_top);
}

TEST(SpatialLadder, AveragePooling) {
  for (const PoolDesc& d : pool_descs(PoolDesc::Kind::kAverage))
    check_linear(
        "pool", name_of(d), d.x, d.y, [=](Kernels& k) { return k.pool(d, PoolPass::kForward); },
        [=](Kernels& k) { return k.pool(d, PoolPass::kBackward); });
}

Maker pool(const PoolDesc& d, PoolPass pass) {
  return [=](Kernels& k) { return k.pool(d, pass); };
}

// {y, index}
std::vector<Vec> maxima(const PoolDesc& d, const Vec& x) {
  return run(reference_backend(), pool(d, PoolPass::kForward),
             {out(d.y), out(d.y, Kind::kIndex), in(d.x, x)});
}

void check_max(const PoolDesc& d, const Vec& x) {
  Sampler sample(52);
  const Arg index = in(d.y, maxima(d, x)[1], Kind::kIndex);
  check_parity({"pool.forward",
                name_of(d),
                pool(d, PoolPass::kForward),
                all_narrow({out(d.y), out(d.y, Kind::kIndex), in(d.x, x)}),
                {}});
  check_parity({"pool.backward",
                name_of(d),
                pool(d, PoolPass::kBackward),
                all_narrow({out(d.x), in(d.y, sample.normal(d.y)), index}),
                {}});
  check_parity({"pool.forward",
                name_of(d),
                pool(d, PoolPass::kTangent),
                all_narrow({out(d.y), in(d.x, sample.normal(d.x)), index}),
                {}});
}

TEST(SpatialLadder, MaxPooling) {
  for (const PoolDesc& d : pool_descs(PoolDesc::Kind::kMax)) {
    check_max(d, Sampler(53).distinct(d.x));
    Vec tied = Sampler(54).categories(d.x.elements(), 3);  // ties: the first maximum counts
    check_max(d, tied);
    for (double& value : tied) value -= 5;  // padding must not win
    check_max(d, tied);
  }
}

TEST(SpatialLadder, MaxPoolingCalculus) {
  for (const PoolDesc& d : pool_descs(PoolDesc::Kind::kMax)) {
    if (d.x.elements() > 700) continue;
    Differentiable op;
    op.name = name_of(d);
    op.at = {Sampler(55).distinct(d.x)};
    op.output_size = static_cast<size_t>(d.y.elements());
    op.forward = [=](const std::vector<Vec>& at) { return maxima(d, at[0])[0]; };
    op.backward = [=](const std::vector<Vec>& at, const Vec& dy) {
      const Arg index = in(d.y, maxima(d, at[0])[1], Kind::kIndex);
      return run(reference_backend(), pool(d, PoolPass::kBackward), {out(d.x), in(d.y, dy), index});
    };
    op.double_backward = [=](const std::vector<Vec>& at, const Vec&, const Vec& u) {
      const Arg index = in(d.y, maxima(d, at[0])[1], Kind::kIndex);
      return std::vector<Vec>{
          run(reference_backend(), pool(d, PoolPass::kTangent), {out(d.y), in(d.x, u), index})[0],
          {}};
    };
    check_calculus(op);
  }
}

TEST(SpatialLadder, Concatenation) {
  for (const std::vector<int64_t>& channels :
       {std::vector<int64_t>{1}, {3, 5}, {64, 10}, {1, 17, 2}, {4, 4, 4, 4}}) {
    for (const Shape& base : {Shape{2, 1, 3, 4}, Shape{5, 1, 1, 1}, Shape{1, 1, 9, 7}}) {
      Sampler sample(56);
      ConcatDesc d;
      Shape y = base;
      y.c = 0;
      for (const int64_t c : channels) {
        d.x.push_back({base.n, c, base.h, base.w});
        y.c += c;
      }
      std::vector<Arg> forward = {out(y)}, backward;
      for (const Shape& x : d.x) {
        forward.push_back(in(x, sample.normal(x)));
        backward.push_back(out(x));
      }
      const Maker join = [=](Kernels& k) { return k.channel_concat(d, LinearPass::kForward); };
      const Maker part = [=](Kernels& k) { return k.channel_concat(d, LinearPass::kBackward); };
      const Vec joined = run(reference_backend(), join, forward)[0];
      backward.push_back(in(y, joined));
      check_parity({"concat", to_string(y), join, all_narrow(forward), {}});
      check_parity({"concat", to_string(y), part, all_narrow(backward), {}});
      const std::vector<Vec> parts = run(reference_backend(), part, backward);
      for (size_t i = 0; i < parts.size(); ++i) EXPECT_EQ(parts[i], forward[1 + i].values);
    }
  }
}

}  // namespace
}  // namespace gantry::ladder
