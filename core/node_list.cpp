// SPDX-License-Identifier: Apache-2.0
#include "core/node_list.h"

#include <algorithm>
#include <stdexcept>

namespace gantry {
namespace {

[[noreturn]] void refuse(const char* reason) { throw std::invalid_argument(reason); }

bool is_number(const std::string& text) {
  return !text.empty() && text.size() <= 9 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The first of "1-3,7", all of which must make sense.
std::string first_number(const std::string& ranges) {
  std::string first;
  for (size_t at = 0; at <= ranges.size();) {
    const size_t end = std::min(ranges.find(',', at), ranges.size());
    const std::string range = ranges.substr(at, end - at);
    const size_t dash = range.find('-');
    const std::string low = range.substr(0, dash);
    const std::string high = dash == std::string::npos ? low : range.substr(dash + 1);
    if (!is_number(low) || !is_number(high)) refuse("numbers and ranges of them stand in brackets");
    if (std::stoi(low) > std::stoi(high)) refuse("a range runs upwards");
    if (first.empty()) first = low;
    at = end + 1;
  }
  return first;
}

bool belongs_to_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

}  // namespace

std::string first_node(const std::string& list) {
  std::string name;
  for (size_t at = list.find_first_not_of(' '); at < list.size() && list[at] != ','; ++at) {
    if (list[at] == '[') {
      const size_t end = list.find(']', at);
      if (end == std::string::npos) refuse("a bracket is not closed");
      name += first_number(list.substr(at + 1, end - at - 1));
      at = end;
    } else if (belongs_to_name(list[at])) {
      name += list[at];
    } else {
      refuse("names are made of letters, digits, '-', '.' and '_'");
    }
  }
  if (name.empty()) refuse("there is no host");
  return name;
}

}  // namespace gantry
