// SPDX-License-Identifier: Apache-2.0
// What kernels/ops/decode.h reads from memory against what a DataSource reads on the host: equal
// bit for bit, as runs must not depend on which of them is used.
#include <gtest/gtest.h>

#include "kernels/kernels.h"
#include "train/data/source.h"

namespace gantry {
namespace {

DataConfig glyphs() {
  DataConfig config;
  config.source = DataSourceKind::kGlyphs;
  config.samples = 53;
  config.size = {20, 18};
  config.channels = 3;
  return config;
}

// Views are of memory that may be written; these are of inputs.
template <typename T>
void* in_place(std::span<const T> values) {
  return const_cast<T*>(values.data());
}

void expect_same(const DataConfig& config, int64_t first) {
  constexpr uint64_t kSeed = 11;
  constexpr int64_t kBatch = 8;
  const std::unique_ptr<DataSource> source = open_data(config, kSeed);
  const StoredSet set = source->stored().value();
  DecodeDesc d = set.desc;
  d.y.n = kBatch;
  ASSERT_TRUE(d.labels);

  const Backend backend = open_backend(BackendChoice::kCpu, 2);
  const std::unique_ptr<Stream> stream = backend.device->make_stream();
  std::vector<float> y(static_cast<size_t>(d.y.elements())), labels(kBatch), want(y.size()),
      want_labels(kBatch);
  const std::vector<TensorView> args = {{y.data(), d.y, DType::kF32},
                                        {labels.data(), vector_shape(kBatch), DType::kF32},
                                        {in_place(set.samples), d.stored(), DType::kU8},
                                        {in_place(set.classes), vector_shape(d.count), DType::kI32},
                                        {&first, vector_shape(1), DType::kI64}};
  backend.kernels->decode(d)->run(*stream, args, nullptr);
  source->read(static_cast<uint64_t>(first), kBatch, want.data(), want_labels.data());
  EXPECT_EQ(y, want);
  EXPECT_EQ(labels, want_labels);
}

TEST(DataDecode, IsWhatTheSourceReads) {
  for (const int64_t first : {int64_t{0}, int64_t{50}, int64_t{777'777}}) {
    DataConfig config = glyphs();
    expect_same(config, first);
    config.shuffle = false;
    expect_same(config, first);
    config.shuffle = true;
    config.range = {0.25, 0.7};
    config.augment.flip = config.augment.vertical_flip = true;
    expect_same(config, first);
    config.augment.shift = 5;
    config.augment.fill = 77;
    config.augment.random_crop = {16, 11};
    expect_same(config, first);
  }
}

TEST(DataDecode, WhatTheOpCannotReadIsNotOffered) {
  DataConfig config = glyphs();
  config.augment.rotation = 5;
  EXPECT_FALSE(open_data(config, 11)->stored());
  config = {};
  config.source = DataSourceKind::kRing;
  EXPECT_FALSE(open_data(config, 11)->stored());
}

}  // namespace
}  // namespace gantry
