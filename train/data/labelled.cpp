// SPDX-License-Identifier: Apache-2.0
#include "train/data/labelled.h"

#include "core/error.h"
#include "core/shuffle.h"

namespace gantry {
namespace {

constexpr const char* kKey = "/objective/semi_supervised/labels_per_class";

// Indices of the chosen samples in the set.
std::vector<int64_t> choose(const StoredSet& set, const DataInfo& info, int64_t per_class) {
  const Shuffle shuffle(set.desc.seed, set.desc.count);
  std::vector<int64_t> chosen, found(static_cast<size_t>(info.classes));
  for (int64_t i = 0; i < set.desc.count; ++i) {
    const int64_t index = set.desc.shuffle ? shuffle.place(0, i) : i;
    int64_t& of_class = found[static_cast<size_t>(set.classes[static_cast<size_t>(index)])];
    if (++of_class <= per_class) chosen.push_back(index);
  }
  for (size_t c = 0; c < found.size(); ++c) {
    if (found[c] >= per_class) continue;
    throw ConfigError(concat(kKey, ": ", per_class, " samples of each class are wanted, but \"",
                             info.class_names[c], "\" has ", found[c],
                             "; lower it, or use more data"));
  }
  return chosen;
}

}  // namespace

LabelledSubset first_of_each_class(const DataSource& source, int64_t per_class) {
  const std::optional<StoredSet> set = source.stored();
  if (!set || set->classes.empty()) {
    throw ConfigError(
        "/data: the objective \"semi_supervised\" keeps its labelled samples as bytes, for which "
        "it needs labelled images without data.rotation");
  }
  LabelledSubset subset;
  subset.desc = set->desc;
  const auto size = static_cast<size_t>(set->desc.stored().per_sample());
  for (const int64_t index : choose(*set, source.info(), per_class)) {
    const auto image = set->samples.subspan(static_cast<size_t>(index) * size, size);
    subset.samples.insert(subset.samples.end(), image.begin(), image.end());
    subset.classes.push_back(set->classes[static_cast<size_t>(index)]);
  }
  subset.desc.count = static_cast<int64_t>(subset.classes.size());
  return subset;
}

}  // namespace gantry
