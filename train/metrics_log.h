// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/log.h"

namespace gantry {

// One line of metrics.jsonl:
//   {"step":50,"g_loss":1.25,"d_loss":0.5,"time":{"images_per_s":1630.2,"data_wait_s":0.01}}
// `values` depend on the run alone and are the same bytes in every repetition of it; `times` depend
// on the clock and come last, under "time". Numbers are the shortest text that reads back to the
// same double; those that JSON lacks are the texts "nan", "inf", "-inf".
struct MetricsRow {
  uint64_t step = 0;
  std::vector<std::pair<std::string, double>> values = {}, times = {};

  const double* find(std::string_view name) const;  // among values and times; null when missing
};

std::string to_json_line(const MetricsRow& row);  // with the newline
// Strict. False when the line is not such an object.
bool parse_metrics_line(std::string_view line, MetricsRow& row);

// Appends to metrics.jsonl; every row is with the system at once, on disk after sync().
class MetricsLog {
 public:
  // Continues after `step`: lines of later steps, and a line that a kill cut short, are cut off,
  // so that a resumed run's file equals an undisturbed one's, times aside. step 0: starts empty.
  // From any other damaged line on, everything is cut off too, after the whole file has been copied
  // to NAME.damaged-1 (or the next free number); rows that are missing are told.
  // IoError when it cannot be written.
  MetricsLog(std::filesystem::path path, uint64_t step, Log& log);
  ~MetricsLog();
  MetricsLog(const MetricsLog&) = delete;
  MetricsLog& operator=(const MetricsLog&) = delete;

  void write(const MetricsRow& row);
  void sync();  // before a checkpoint is saved, so that none is ahead of its metrics

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

// All rows up to the first that is not whole; empty when there is no file. `problem` becomes what
// is wrong with that line, unless it is the last and merely cut short, as a kill leaves it.
std::vector<MetricsRow> read_metrics(const std::filesystem::path& path,
                                     std::string* problem = nullptr);
// The text of a metrics file without its "time" parts: what two equal runs have in common.
std::string without_times(std::string_view text);

}  // namespace gantry
