// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>

#include "tests/kernels/op_case.h"

namespace gantry::ladder {
namespace {

DecodeDesc described(const Shape& y, int64_t count, int64_t h, int64_t w) {
  DecodeDesc d;
  d.y = y;
  d.count = count;
  d.h = h;
  d.w = w;
  d.seed = 7;
  return d;
}

std::vector<Arg> decode_args(const DecodeDesc& d, int64_t first) {
  const Shape classes = vector_shape(d.count);
  std::vector<Arg> args = {out(d.y)};
  if (d.labels) args.push_back(out(vector_shape(d.y.n)));
  args.push_back(in(d.stored(), Sampler(91).categories(d.stored().elements(), 256), Kind::kByte));
  if (d.labels) args.push_back(in(classes, Sampler(92).categories(d.count, 10), Kind::kIndex));
  args.push_back(counter(first));
  return args;
}

void check_decode(const DecodeDesc& d, int64_t first) {
  check_parity({"decode",
                concat(to_string(d.y), " of ", d.count, " from ", first),
                [d](Kernels& k) { return k.decode(d); },
                decode_args(d, first),
                {}});
}

TEST(DecodeLadder, BatchesAreTheReference) {
  for (DecodeDesc d :
       {described({1, 1, 1, 1}, 1, 1, 1), described({9, 3, 5, 7}, 4, 5, 7),
        described({16, 1, 28, 28}, 37, 28, 28), described({2, 3, 24, 16}, 5, 32, 32)}) {
    for (const bool all : {false, true}) {
      d.shuffle = d.labels = d.flip = d.vertical_flip = all;
      d.shift = all && d.h > 1 ? 3 : 0;
      d.fill = 200;
      for (const int64_t first : {int64_t{0}, int64_t{35}, int64_t{5'000'000'000}})
        check_decode(d, first);
    }
  }
  DecodeDesc scaled = described({4, 3, 8, 8}, 6, 8, 8);
  scaled.low = 0.1;
  scaled.high = 0.7;
  check_decode(scaled, 3);
}

// 256 grey values in one picture: all of the range, each once.
TEST(DecodeLadder, ValuesSpanTheRange) {
  DecodeDesc d = described({1, 1, 16, 16}, 1, 16, 16);
  Vec bytes(256);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<double>(i);
  for (TestBackend& on : tested_backends()) {
    const Vec y = run(on, [d](Kernels& k) { return k.decode(d); },
                      {out(d.y), in(d.stored(), bytes, Kind::kByte), counter(0)})[0];
    EXPECT_EQ(y.front(), -1);
    EXPECT_EQ(y.back(), 1);
    EXPECT_EQ(std::set<double>(y.begin(), y.end()).size(), 256u);
  }
}

// Every epoch shows every sample once, each in another order.
TEST(DecodeLadder, AnEpochIsAPermutation) {
  const int64_t count = 37;
  DecodeDesc d = described({count, 1, 1, 1}, count, 1, 1);
  Vec bytes(static_cast<size_t>(count));
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<double>(i);
  for (TestBackend& on : tested_backends()) {
    const auto epoch = [&](int64_t number) {
      return run(on, [d](Kernels& k) { return k.decode(d); },
                 {out(d.y), in(d.stored(), bytes, Kind::kByte), counter(number * count)})[0];
    };
    const Vec first = epoch(0), second = epoch(1);
    EXPECT_EQ(std::set<double>(first.begin(), first.end()).size(), bytes.size());
    EXPECT_EQ(std::set<double>(second.begin(), second.end()).size(), bytes.size());
    EXPECT_NE(first, second);
  }
}

}  // namespace
}  // namespace gantry::ladder
