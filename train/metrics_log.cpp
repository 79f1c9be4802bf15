// SPDX-License-Identifier: Apache-2.0
#include "train/metrics_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/atomic_file.h"

namespace gantry {
namespace {

using Json = nlohmann::ordered_json;
using Pairs = std::vector<std::pair<std::string, double>>;

constexpr std::string_view kTimeKey = ",\"time\":{";

std::string number(double value) {
  if (std::isnan(value)) return "\"nan\"";
  if (std::isinf(value)) return value > 0 ? "\"inf\"" : "\"-inf\"";
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

std::string members(const Pairs& pairs) {
  std::string text;
  for (const auto& [name, value] : pairs) {
    if (!text.empty()) text += ",";
    text += concat(Json(name).dump(), ":", number(value));
  }
  return text;
}

bool parse_number(const Json& json, double& value) {
  if (json.is_number()) {
    value = json.get<double>();
  } else if (json == "nan") {
    value = std::numeric_limits<double>::quiet_NaN();
  } else if (json == "inf" || json == "-inf") {
    value = json == "inf" ? std::numeric_limits<double>::infinity()
                          : -std::numeric_limits<double>::infinity();
  } else {
    return false;
  }
  return true;
}

bool parse_pair(const std::string& name, const Json& json, Pairs& pairs) {
  double value = 0;
  if (!parse_number(json, value)) return false;
  pairs.emplace_back(name, value);
  return true;
}

// What is wrong with a line: its number and a reason; number 0 when nothing is.
struct BadLine {
  size_t number = 0;
  std::string reason;
  bool unfinished = false;  // the last of the file, without its end: what a kill leaves
};

std::string excerpt(std::string_view line) {
  constexpr size_t kShown = 40;
  std::string text;
  for (const char c : line.substr(0, kShown)) {
    text += c >= 32 && c < 127 ? c : '?';
  }
  return concat("\"", text, line.size() > kShown ? "...\"" : "\"");
}

// Calls `use(row, end)` for each whole line, `end` being the offset behind it, until it returns
// false or a line is not whole.
template <typename Use>
BadLine for_each_row(std::string_view text, const Use& use) {
  size_t start = 0;
  uint64_t last = 0;
  for (size_t number = 1; start < text.size(); ++number) {
    const size_t end = text.find('\n', start);
    const std::string_view line = text.substr(start, end - start);
    if (end == std::string_view::npos) return {number, "is cut short: " + excerpt(line), true};
    MetricsRow row;
    if (!parse_metrics_line(line, row)) return {number, "is no row of metrics: " + excerpt(line)};
    if (start > 0 && row.step <= last) {
      return {number, concat("is of step ", row.step, ", after one of step ", last)};
    }
    last = row.step;
    start = end + 1;
    if (!use(std::move(row), start)) break;
  }
  return {};
}

// A copy of `path` beside it under a name that is free.
std::filesystem::path keep_copy(const std::filesystem::path& path, const std::string& text) {
  for (int number = 1;; ++number) {
    const std::filesystem::path copy = concat(path.string(), ".damaged-", number);
    if (std::filesystem::exists(copy)) continue;
    write_file_atomically(copy, text);
    return copy;
  }
}

std::string contents(const std::filesystem::path& path) {
  return std::filesystem::exists(path) ? read_file(path) : "";
}

}  // namespace

const double* MetricsRow::find(std::string_view name) const {
  for (const Pairs* pairs : {&values, &times}) {
    for (const auto& pair : *pairs) {
      if (pair.first == name) return &pair.second;
    }
  }
  return nullptr;
}

std::string to_json_line(const MetricsRow& row) {
  std::string line = concat("{\"step\":", row.step);
  if (!row.values.empty()) line += concat(",", members(row.values));
  if (!row.times.empty()) line += concat(kTimeKey, members(row.times), "}");
  return line + "}\n";
}

bool parse_metrics_line(std::string_view line, MetricsRow& row) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object() || json.empty()) return false;
  row = {};
  for (auto item = json.begin(); item != json.end(); ++item) {
    if (item == json.begin()) {
      if (item.key() != "step" || !item->is_number_unsigned()) return false;
      row.step = item->get<uint64_t>();
    } else if (item.key() == "time" && item->is_object()) {
      for (const auto& [name, value] : item->items()) {
        if (!parse_pair(name, value, row.times)) return false;
      }
    } else if (!parse_pair(item.key(), *item, row.values)) {
      return false;
    }
  }
  return true;
}

MetricsLog::MetricsLog(std::filesystem::path path, uint64_t step, Log& log)
    : path_(std::move(path)) {
  const std::string text = step == 0 ? "" : contents(path_);
  size_t kept = 0;
  uint64_t last = 0;
  const BadLine bad = for_each_row(text, [&](const MetricsRow& row, size_t end) {
    if (row.step > step) return false;
    kept = end;
    last = row.step;
    return true;
  });
  if (bad.unfinished) {
    log.warning(path_.string(), ": its last line was cut short and is dropped");
  } else if (bad.number > 0) {
    log.warning(path_.string(), ": line ", bad.number, " ", bad.reason,
                ". The rows up to there stay; the whole file is kept as ",
                keep_copy(path_, text).string(), ": move rows of it back by hand if you need them");
  }
  if (last < step) {
    log.warning(path_.string(), last > 0 ? concat(": ends at step ", last) : ": has no rows",
                ", but the run goes on from step ", step,
                "; weights are not affected, but rows of steps up to there are missing");
  }
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw_io_error("open", path_, errno);
  if (::ftruncate(descriptor_, static_cast<off_t>(kept)) != 0) {
    const int error = errno;
    ::close(descriptor_);
    throw_io_error("cut", path_, error);
  }
}

MetricsLog::~MetricsLog() { ::close(descriptor_); }

void MetricsLog::write(const MetricsRow& row) {
  const std::string line = to_json_line(row);
  append(descriptor_, line, path_);
}

void MetricsLog::sync() {
  if (::fdatasync(descriptor_) != 0) throw_io_error("write", path_, errno);
}

std::vector<MetricsRow> read_metrics(const std::filesystem::path& path, std::string* problem) {
  std::vector<MetricsRow> rows;
  const BadLine bad = for_each_row(contents(path), [&](MetricsRow row, size_t) {
    rows.push_back(std::move(row));
    return true;
  });
  if (problem != nullptr && bad.number > 0 && !bad.unfinished) {
    *problem = concat(path.filename().string(), ": line ", bad.number, " ", bad.reason,
                      "; only the rows before it are read");
  }
  return rows;
}

std::string without_times(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const size_t time = line.rfind(kTimeKey);
    result += time == std::string_view::npos ? std::string(line)
                                             : std::string(line.substr(0, time)) + "}";
    if (end < text.size()) result += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

}  // namespace gantry
