// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/profile_table.h"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "core/json.h"

namespace gantry {
namespace {

double sum(const std::vector<Cost>& rows, double Cost::*value) {
  double total = 0;
  for (const Cost& row : rows) total += row.*value;
  return total;
}

void line(std::ostream& out, size_t width, const Cost& row, double step_s) {
  const auto rate = [&](double amount) { return row.seconds > 0 ? amount / row.seconds : 0; };
  out << std::left << std::setw(static_cast<int>(width)) << row.name << std::right << std::fixed
      << std::setprecision(0) << std::setw(7) << row.calls << std::setprecision(3) << std::setw(10)
      << 1e3 * row.seconds << std::setprecision(1) << std::setw(7) << 100 * row.seconds / step_s
      << std::setw(10) << 1e-9 * row.flops << std::setw(10) << 1e-6 * row.bytes << std::setw(10)
      << 1e-9 * rate(row.flops) << std::setw(9) << 1e-9 * rate(row.bytes) << std::setprecision(0)
      << std::setw(8) << 100 * rate(row.floor_s) << "\n";
}

std::string table(const char* what, const std::vector<Cost>& rows, double step_s) {
  size_t width = std::string("total").size();
  for (const Cost& row : rows) width = std::max(width, row.name.size());
  width += 2;
  std::ostringstream out;
  out << std::left << std::setw(static_cast<int>(width)) << what
      << "  calls        ms      %     GFLOP        MB   GFLOP/s     GB/s  floor%\n";
  for (const Cost& row : rows) line(out, width, row, step_s);
  line(out, width,
       {"total", sum(rows, &Cost::calls), sum(rows, &Cost::seconds), sum(rows, &Cost::flops),
        sum(rows, &Cost::bytes), sum(rows, &Cost::floor_s)},
       step_s);
  return out.str();
}

JsonValue rows_json(const std::vector<Cost>& rows) {
  JsonValue list = JsonValue::array();
  for (const Cost& row : rows) {
    JsonValue object = JsonValue::object();
    object.add("name", JsonValue::of(row.name));
    object.add("calls", JsonValue::of(row.calls));
    object.add("ms", JsonValue::of(1e3 * row.seconds));
    object.add("gflop", JsonValue::of(1e-9 * row.flops));
    object.add("megabytes", JsonValue::of(1e-6 * row.bytes));
    object.add("floor_ms", JsonValue::of(1e3 * row.floor_s));
    list.items.push_back(std::move(object));
  }
  return list;
}

}  // namespace

std::string to_text(const ProfileReport& report, bool calls) {
  const StepProfile& profile = report.profile;
  std::ostringstream out;
  out << std::fixed << std::setprecision(3) << "step    " << 1e3 * profile.seconds
      << " ms at batch " << report.batch << ", mean of " << profile.steps << "; floor "
      << 1e3 * sum(profile.calls, &Cost::floor_s) << " ms\n"
      << std::setprecision(1) << "device  " << report.device << ": "
      << 1e-9 * report.limits.flops_per_s << " GFLOP/s in a matrix product, "
      << 1e-9 * report.limits.bytes_per_s << " GB/s in a copy\n"
      << "floor%  the larger of FLOP at the one and bytes at the other, of the time that was "
         "taken;\n"
         "        above 100 where caches hold what a copy moves, or a convolution by tiles needs "
         "fewer\n"
         "        products than the plain sum, which is what is counted\n\n";
  out << table("op", profile.ops, profile.seconds) << "\n"
      << table("layer", profile.layers, profile.seconds);
  if (calls) out << "\n" << table("call", profile.calls, profile.seconds);
  return out.str();
}

std::string to_json(const ProfileReport& report) {
  JsonValue root = JsonValue::object();
  root.add("config", JsonValue::of(report.config));
  root.add("device", JsonValue::of(report.device));
  root.add("batch", JsonValue::of(report.batch));
  root.add("steps", JsonValue::of(report.profile.steps));
  root.add("ms_per_step", JsonValue::of(1e3 * report.profile.seconds));
  root.add("floor_ms", JsonValue::of(1e3 * sum(report.profile.calls, &Cost::floor_s)));
  root.add("peak_gflops", JsonValue::of(1e-9 * report.limits.flops_per_s));
  root.add("copy_gb_per_s", JsonValue::of(1e-9 * report.limits.bytes_per_s));
  root.add("ops", rows_json(report.profile.ops));
  root.add("layers", rows_json(report.profile.layers));
  root.add("calls", rows_json(report.profile.calls));
  return write_json(root);
}

}  // namespace gantry
