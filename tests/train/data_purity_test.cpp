// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <numeric>
#include <set>
#include <thread>

#include "core/error.h"
#include "tests/train/data_fixture.h"
#include "train/data/prefetcher.h"
#include "train/data/shuffle.h"

namespace gantry {
namespace {

using testing::read_samples;
using testing::Samples;

DataConfig glyphs(int64_t samples = 37) {
  DataConfig config;
  config.source = DataSourceKind::kGlyphs;
  config.samples = samples;
  config.size = {12, 10};
  config.augment.flip = true;
  config.augment.rotation = 10;
  config.augment.shift = 2;
  config.augment.random_crop = {9, 8};
  return config;
}

TEST(Shuffle, EveryEpochIsAPermutationOfItsOwn) {
  for (const int64_t count : {1, 2, 3, 5, 64, 65, 1000}) {
    std::vector<std::vector<int64_t>> epochs;
    for (uint64_t epoch = 0; epoch < 3; ++epoch) {
      std::vector<int64_t> order;
      for (int64_t i = 0; i < count; ++i) order.push_back(shuffled(7, epoch, i, count));
      std::vector<int64_t> sorted = order, all(static_cast<size_t>(count));
      std::sort(sorted.begin(), sorted.end());
      std::iota(all.begin(), all.end(), int64_t{0});
      EXPECT_EQ(sorted, all) << count;
      epochs.push_back(order);
    }
    if (count >= 64) {
      EXPECT_NE(epochs[0], epochs[1]);
      EXPECT_NE(epochs[1], epochs[2]);
    }
  }
}

TEST(Shuffle, PlacesAreUniform) {
  // 6 items, 12000 epochs: each (position, item) pair is expected 2000 times; sigma is 41.
  constexpr int64_t kCount = 6;
  constexpr uint64_t kEpochs = 12000;
  int64_t seen[kCount][kCount] = {};
  for (uint64_t epoch = 0; epoch < kEpochs; ++epoch) {
    for (int64_t i = 0; i < kCount; ++i) ++seen[i][shuffled(1, epoch, i, kCount)];
  }
  for (const auto& row : seen) {
    for (const int64_t value : row) EXPECT_NEAR(static_cast<double>(value), 2000, 5 * 41);
  }
}

TEST(DataSource, BatchSplitDoesNotMatter) {
  const auto source = open_data(glyphs(), 3);
  const Samples whole = read_samples(*source, 5, 64);
  Samples parts = read_samples(*source, 5, 32);
  const Samples second = read_samples(*source, 37, 32);
  parts.images.insert(parts.images.end(), second.images.begin(), second.images.end());
  parts.labels.insert(parts.labels.end(), second.labels.begin(), second.labels.end());
  EXPECT_EQ(whole, parts);
}

TEST(DataSource, SeedsAndEpochsDiffer) {
  const auto source = open_data(glyphs(), 3), again = open_data(glyphs(), 3);
  const auto other = open_data(glyphs(), 4);
  EXPECT_EQ(read_samples(*source, 0, 37), read_samples(*again, 0, 37));
  EXPECT_NE(read_samples(*source, 0, 37), read_samples(*other, 0, 37));
  EXPECT_NE(read_samples(*source, 0, 37), read_samples(*source, 37, 37));
}

TEST(DataSource, AnEpochHoldsEachSampleOnce) {
  DataConfig config = glyphs(30);
  config.augment = {};
  const auto shuffled_source = open_data(config, 3);
  config.shuffle = false;
  const auto plain = open_data(config, 3);
  const auto as_set = [](const Samples& samples, int64_t size) {
    std::multiset<std::vector<float>> set;
    for (size_t i = 0; i < samples.images.size(); i += static_cast<size_t>(size)) {
      set.insert({samples.images.begin() + static_cast<ptrdiff_t>(i),
                  samples.images.begin() + static_cast<ptrdiff_t>(i) + size});
    }
    return set;
  };
  const int64_t size = plain->info().sample.elements();
  EXPECT_EQ(as_set(read_samples(*plain, 0, 30), size),
            as_set(read_samples(*shuffled_source, 30, 30), size));
  EXPECT_NE(read_samples(*plain, 0, 30), read_samples(*shuffled_source, 0, 30));
  EXPECT_EQ(read_samples(*plain, 0, 30), read_samples(*plain, 30, 30));
}

TEST(Prefetcher, ThreadsDoNotMatter) {
  const auto source = open_data(glyphs(), 3);
  const Samples expected = read_samples(*source, 4 * 8, 20 * 8);
  for (const int64_t threads : {0, 1, 2, 5}) {
    Prefetcher prefetcher(*source, {.batch = 8, .threads = threads, .depth = 3, .first_batch = 4});
    Samples got;
    const auto size = 8 * source->info().sample.elements();
    for (uint64_t batch = 4; batch < 24; ++batch) {
      const Prefetcher::Batch b = prefetcher.next();
      EXPECT_EQ(b.index, batch);
      got.images.insert(got.images.end(), b.images, b.images + size);
      got.labels.insert(got.labels.end(), b.labels, b.labels + 8);
    }
    EXPECT_EQ(got, expected) << threads << " threads";
    EXPECT_GE(prefetcher.waited_s(), 0);
  }
}

TEST(Prefetcher, StrideAndOffsetCutTheBatchAmongRanks) {
  const auto source = open_data(glyphs(), 3);
  const Samples expected = read_samples(*source, 2 * 8 + 4, 4);
  Prefetcher prefetcher(
      *source, {.batch = 4, .threads = 2, .depth = 2, .first_batch = 2, .stride = 8, .offset = 4});
  const Prefetcher::Batch b = prefetcher.next();
  EXPECT_TRUE(std::equal(expected.images.begin(), expected.images.end(), b.images));
}

// Fails at a sample, and counts how far it was read.
class FailingSource : public DataSource {
 public:
  explicit FailingSource(uint64_t bad) : bad_(bad) { info_.count = 100; }
  const DataInfo& info() const override { return info_; }
  void read(uint64_t first, int64_t count, float* images, float*) const override {
    if (first <= bad_ && bad_ < first + static_cast<uint64_t>(count)) {
      throw DataError("image 5.png is damaged");
    }
    std::fill_n(images, count, static_cast<float>(first));
  }

 private:
  DataInfo info_;
  uint64_t bad_;
};

TEST(Prefetcher, ErrorsComeOutAtTheirBatchAndStay) {
  for (const int64_t threads : {0, 1, 3}) {
    const FailingSource source(9);
    Prefetcher prefetcher(source, {.batch = 2, .threads = threads, .depth = 3});
    for (int i = 0; i < 4; ++i) EXPECT_EQ(*prefetcher.next().images, 2.0f * static_cast<float>(i));
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(testing::message_of<DataError>([&] { prefetcher.next(); }),
                "image 5.png is damaged");
    }
  }
}

TEST(Prefetcher, StopsWhateverItIsDoing) {
  const auto source = open_data(glyphs(), 3);
  for (int i = 0; i < 20; ++i) {
    Prefetcher prefetcher(*source, {.batch = 8, .threads = 3, .depth = 4});
    for (int taken = 0; taken < i % 4; ++taken) prefetcher.next();
  }
}

}  // namespace
}  // namespace gantry
