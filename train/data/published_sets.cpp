// SPDX-License-Identifier: Apache-2.0
#include "core/error.h"
#include "train/data/fetch.h"

namespace gantry {
namespace {

constexpr uint64_t kMillion = 1000000;

PublishedSet mnist() {
  return {"mnist",
          {"https://ossci-datasets.s3.amazonaws.com/mnist/",
           "https://storage.googleapis.com/cvdf-datasets/mnist/"},
          {{"train-images-idx3-ubyte.gz", 20 * kMillion, "",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
           {"train-labels-idx1-ubyte.gz", kMillion, "",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
           {"t10k-images-idx3-ubyte.gz", 4 * kMillion, "",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
           {"t10k-labels-idx1-ubyte.gz", kMillion, "",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}}};
}

PublishedSet fashion_mnist() {
  return {"fashion-mnist",
          {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
           "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"},
          {{"train-images-idx3-ubyte.gz", 50 * kMillion, "8d4fb7e6c68d591d4c3dfef9ec88bf0d", ""},
           {"train-labels-idx1-ubyte.gz", kMillion, "25c81989df183df01b3e8a0aad5dffbe", ""},
           {"t10k-images-idx3-ubyte.gz", 10 * kMillion, "bef4ecab320f06d8554ea6380940ec79", ""},
           {"t10k-labels-idx1-ubyte.gz", kMillion, "bb300cfdad3c16e7a12a480ee83cd310", ""}}};
}

PublishedSet cifar10() {
  return {"cifar10",
          {"https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/"},
          {{"cifar-10-binary.tar.gz", 180 * kMillion, "c32a1d4ab5d03f1284b67883e8d87530", ""}}};
}

const std::vector<PublishedSet>& all_sets() {
  static const std::vector<PublishedSet> kSets = {mnist(), fashion_mnist(), cifar10()};
  return kSets;
}

}  // namespace

std::vector<std::string> published_set_names() {
  std::vector<std::string> names;
  for (const PublishedSet& set : all_sets()) names.push_back(set.name);
  return names;
}

const PublishedSet& published_set(std::string_view name) {
  std::string known;
  for (const PublishedSet& set : all_sets()) {
    if (set.name == name) return set;
    known += (known.empty() ? "" : ", ") + set.name;
  }
  throw ConfigError(concat("there is no set ", name, " to fetch; the sets are ", known));
}

}  // namespace gantry
