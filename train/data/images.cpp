// SPDX-License-Identifier: Apache-2.0
#include "train/data/images.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "core/host_parallel.h"
#include "core/png.h"
#include "train/data/image_codec.h"

namespace gantry {
namespace {

constexpr size_t kBatchFiles = 512, kBatchBytes = size_t{64} << 20;

struct Pending {
  size_t entry = 0;
  Bytes bytes;
  std::string reason;          // why it is bad
  std::exception_ptr failure;  // anything that is not the file's fault
  Image image;
};

// Decodes on all processors, stores in the order of arrival.
class ImageLoader {
 public:
  ImageLoader(const DataConfig& config, const ImageTree& tree)
      : config_(config), tree_(tree), store_(config, config.path) {
    for (size_t i = 0; i < 3; ++i) {
      options_.background[i] = static_cast<uint8_t>(config.background[i]);
    }
  }

  void add(size_t entry, Bytes bytes, const std::string& reason) {
    pending_bytes_ += bytes.size();
    pending_.push_back({entry, std::move(bytes), reason, nullptr, {}});
    if (pending_.size() >= kBatchFiles || pending_bytes_ >= kBatchBytes) flush();
  }

  // What is bad may be left out, but no more than the config allows.
  void reserve(size_t entries) {
    const int64_t bad = config_.on_bad == BadImage::kSkip ? config_.max_bad : 0;
    store_.reserve(static_cast<int64_t>(entries) - bad, {1, 0, 0, 0});
  }

  SampleSet finish() {
    flush();
    SampleSet set = store_.take();
    set.bad = std::move(bad_);
    if (set.count == 0) throw DataError(config_.path + ": not one image of it can be decoded");
    sort(set);
    return set;
  }

 private:
  void decode(Pending& item) const {
    if (!item.reason.empty()) return;
    const std::string file = tree_.file(item.entry);
    try {
      item.image = store_.prepare(decode_image(item.bytes, file, options_), file);
    } catch (const DataError& error) {
      item.reason = error.what();
    } catch (...) {
      item.failure = std::current_exception();
    }
    item.bytes = Bytes();
  }

  void flush() {
    host_parallel(pending_.size(), [this](size_t i) { decode(pending_[i]); });
    for (Pending& item : pending_) keep(item);
    pending_.clear();
    pending_bytes_ = 0;
  }

  void keep(Pending& item) {
    if (item.failure) std::rethrow_exception(item.failure);
    if (item.reason.empty()) {
      store_.append(item.image, tree_.file(item.entry), tree_.layout().entries[item.entry].label);
      entries_.push_back(item.entry);
      return;
    }
    if (config_.on_bad == BadImage::kError) {
      throw DataError(item.reason + "; data.on_bad = \"skip\" leaves such images out");
    }
    bad_.push_back({tree_.file(item.entry), item.reason});
    if (static_cast<int64_t>(bad_.size()) > config_.max_bad) {
      throw DataError(concat(config_.path, ": more than data.max_bad = ", config_.max_bad,
                             " images are bad; the last: ", item.reason));
    }
  }

  // Brings what came in the archive's order into the order of the layout, within one sample of
  // extra memory: follows each cycle of the permutation.
  void sort(SampleSet& set) {
    std::vector<size_t> from(entries_.size());
    std::iota(from.begin(), from.end(), size_t{0});
    std::sort(from.begin(), from.end(),
              [this](size_t a, size_t b) { return entries_[a] < entries_[b]; });
    for (const size_t index : from) set.names.push_back(tree_.file(entries_[index]));
    const auto width = static_cast<ptrdiff_t>(set.sample.elements());
    const auto sample = [&](size_t i) {
      return set.bytes.begin() + static_cast<ptrdiff_t>(i) * width;
    };
    for (size_t start = 0; start < from.size(); ++start) {
      size_t to = start;
      while (from[to] != start && from[to] != to) {
        const size_t source = from[to];
        std::swap_ranges(sample(to), sample(to) + width, sample(source));
        std::swap(set.labels[to], set.labels[source]);
        from[to] = to;
        to = source;
      }
      from[to] = to;
    }
  }

  const DataConfig& config_;
  const ImageTree& tree_;
  SampleStore store_;
  DecodeOptions options_;
  std::vector<Pending> pending_;
  size_t pending_bytes_ = 0;
  std::vector<size_t> entries_;  // of the stored samples
  std::vector<SampleSet::BadImage> bad_;
};

void require_all_classes(const SampleSet& set, const std::string& place) {
  std::vector<int64_t> counts(set.class_names.size());
  for (const int32_t label : set.labels) ++counts[label];
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) {
      throw DataError(
          concat(place, ": no image of the class folder ", set.class_names[i], " can be decoded"));
    }
  }
}

}  // namespace

SampleSet load_images(const DataConfig& config) {
  const ImageTree tree(config.path, config.split);
  ImageLoader loader(config, tree);
  loader.reserve(tree.layout().entries.size());
  tree.read([&loader](size_t entry, Bytes bytes, const std::string& reason) {
    loader.add(entry, std::move(bytes), reason);
    return true;
  });
  SampleSet set = loader.finish();
  set.class_names = tree.layout().class_names;
  set.description = tree.layout().description;
  if (set.class_names.empty()) {
    set.labels.clear();
  } else {
    require_all_classes(set, config.path);
  }
  if (!set.bad.empty()) set.description += concat(", ", set.bad.size(), " bad ones left out");
  return set;
}

}  // namespace gantry
