// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/fields_reader.h"

namespace gantry {
namespace {

// Edits (insert, delete, replace, swap neighbours) that turn one word into the other.
size_t edit_distance(const std::string& a, const std::string& b) {
  std::array<std::vector<size_t>, 3> rows;
  for (auto& row : rows) row.resize(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i + 2) % 3];
    const auto& above2 = rows[(i + 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + cost});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], above2[j - 2] + 1);
      }
    }
  }
  return rows[a.size() % 3][b.size()];
}

std::string plain(const std::string& word) {
  std::string out;
  for (const char c : word) {
    if (c != '_' && c != '-' && c != ' ') out += (c >= 'A' && c <= 'Z') ? char(c - 'A' + 'a') : c;
  }
  return out;
}

}  // namespace

std::string quoted_list(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? " or " : ", ";
    out += '"' + names[i] + '"';
  }
  return out;
}

std::string nearest_name(const std::string& word, const std::vector<std::string>& names) {
  constexpr size_t kLongestName = 64;
  if (word.size() > kLongestName) return {};
  const std::string bare = plain(word);
  std::string best;
  // Twice the number of edits, so that a shared beginning can rank between none and one.
  size_t best_distance = 2 * std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string& name : names) {
    const std::string other = plain(name);
    // LeakyReLU for leaky_relu, conv2d for conv: another library's spelling.
    const bool extends = std::min(bare.size(), other.size()) >= 3 &&
                         (bare.rfind(other, 0) == 0 || other.rfind(bare, 0) == 0);
    const size_t distance = bare == other ? 0 : extends ? 1 : 2 * edit_distance(word, name);
    if (distance < best_distance) {
      best = name;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace gantry
