// SPDX-License-Identifier: Apache-2.0
#include "train/data/image_layout.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/error.h"

namespace gantry {
namespace {

struct Named {
  std::string rest;  // what is left of the path
  size_t index;
};

std::string first_component(const std::string& path) {
  const size_t slash = path.find('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

// Removes "TOP/" where the path begins with it; says whether it did.
bool strip(std::string& path, const std::string& top) {
  if (path.size() <= top.size() || path.compare(0, top.size(), top) != 0 ||
      path[top.size()] != '/') {
    return false;
  }
  path.erase(0, top.size() + 1);
  return true;
}

bool is_train(const std::string& name) { return name == "train" || name == "training"; }
bool is_test(const std::string& name) {
  return name == "test" || name == "testing" || name == "val" || name == "valid" ||
         name == "validation";
}

// The layout while it is worked out.
struct Arranging {
  std::vector<Named> images;
  std::vector<std::string> folders;  // without trailing slash

  std::set<std::string> tops() const {
    std::set<std::string> tops;
    for (const Named& image : images) tops.insert(first_component(image.rest));
    for (const std::string& folder : folders) tops.insert(folder.substr(0, folder.find('/')));
    return tops;
  }

  void enter(const std::set<std::string>& chosen) {
    std::vector<Named> inside;
    for (Named& image : images) {
      if (chosen.count(first_component(image.rest)) == 0) continue;
      image.rest.erase(0, image.rest.find('/') + 1);
      inside.push_back(std::move(image));
    }
    images = std::move(inside);
    std::vector<std::string> below;
    for (std::string& folder : folders) {
      for (const std::string& top : chosen) {
        if (strip(folder, top)) {
          below.push_back(folder);
          break;
        }
      }
    }
    folders = std::move(below);
  }
};

std::string list_of(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (name.empty()) continue;
    if (text.size() > 200) return text + ", ...";
    text += (text.empty() ? "" : ", ") + name;
  }
  return text.empty() ? "none" : text;
}

void enter_wrappers(Arranging& arranging) {
  for (;;) {
    const std::set<std::string> tops = arranging.tops();
    const bool wrapper = tops.size() == 1 && !tops.begin()->empty() && !is_train(*tops.begin()) &&
                         !is_test(*tops.begin());
    if (!wrapper) return;
    arranging.enter(tops);
  }
}

void enter_split(Arranging& arranging, DataSplit split, const std::string& place) {
  const std::set<std::string> tops = arranging.tops();
  std::set<std::string> chosen;
  bool any = false;
  for (const std::string& top : tops) {
    any = any || is_train(top) || is_test(top);
    if (split != DataSplit::kTest && is_train(top)) chosen.insert(top);
    if (split != DataSplit::kTrain && is_test(top)) chosen.insert(top);
  }
  if (!any && split != DataSplit::kTest) return;
  if (!chosen.empty()) arranging.enter(chosen);
  if (chosen.empty() || arranging.images.empty()) {
    const char* wanted = split == DataSplit::kTest ? "test (or testing, val, valid, validation)"
                                                   : "train (or training)";
    throw DataError(concat(place, ": looked for images in a folder ", wanted,
                           " because of data.split, found the folders ", list_of(tops),
                           "; set data.split"));
  }
}

void label(ImageLayout& layout, const Arranging& arranging, const std::string& place) {
  size_t outside = 0;
  std::map<std::string, int64_t> images_of;
  for (const std::string& folder : arranging.folders) images_of[folder.substr(0, folder.find('/'))];
  for (const Named& image : arranging.images) {
    const std::string top = first_component(image.rest);
    outside += top.empty();
    if (!top.empty()) ++images_of[top];
  }
  if (outside > 0) {
    if (outside < arranging.images.size()) {
      layout.description += concat(", no labels (", outside, " of the images lie in no folder)");
    }
    return;
  }
  std::map<std::string, int32_t> number;
  for (const auto& [name, images] : images_of) {
    if (images == 0) {
      throw DataError(concat(place, ": the class folder ", name,
                             " has no PNG or JPEG image; fill or remove it"));
    }
    number[name] = static_cast<int32_t>(layout.class_names.size());
    layout.class_names.push_back(name);
  }
  for (size_t i = 0; i < arranging.images.size(); ++i) {
    layout.entries[i].label = number[first_component(arranging.images[i].rest)];
  }
}

}  // namespace

ImageLayout arrange_images(const std::vector<std::string>& names,
                           const std::vector<std::string>& folders, DataSplit split,
                           const std::string& place) {
  Arranging arranging;
  for (size_t i = 0; i < names.size(); ++i) arranging.images.push_back({names[i], i});
  for (std::string folder : folders) {
    while (!folder.empty() && folder.back() == '/') folder.pop_back();
    if (!folder.empty()) arranging.folders.push_back(folder);
  }
  enter_wrappers(arranging);
  enter_split(arranging, split, place);
  std::stable_sort(
      arranging.images.begin(), arranging.images.end(),
      [&names](const Named& a, const Named& b) { return names[a.index] < names[b.index]; });
  ImageLayout layout;
  layout.description = concat(arranging.images.size(), " images");
  for (const Named& image : arranging.images) layout.entries.push_back({image.index, 0});
  label(layout, arranging, place);
  return layout;
}

}  // namespace gantry
